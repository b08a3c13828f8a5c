package wine

import (
	"os"
	"runtime"
	"testing"
)

func TestRunningIsTrueExactlyUnderWine(t *testing.T) {
	// Wine tells its processes where its loader is.
	want := runtime.GOOS == "windows" && os.Getenv("WINELOADER") != ""
	if got := Running(); got != want {
		t.Errorf("running under Wine: %v, want %v", got, want)
	}
}
