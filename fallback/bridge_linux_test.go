package fallback

import (
	"os"
	"testing"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// Until both sides have opened it a bridge has names, in a directory that may be
// everybody's, and who removes what dead programs left there must not take them.
func TestABridgeThatIsBeingMadeIsNotTakenForWhatTheDeadLeft(t *testing.T) {
	o, err := Options{Dir: t.TempDir()}.filled()
	if err != nil {
		t.Fatal(err)
	}
	mine, where, bells, err := makeBridge(ring.Geometry{Kind: ring.SPSC, Capacity: 4096}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if n, err := shm.Clean(o.Dir); n != 0 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	theirs, theirBells, err := takeBridge(accept{section: where}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer theirBells.Close()

	// What a killed one leaves is taken.
	if err := bells.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := shm.Clean(o.Dir); n != doorbells || err != nil {
		t.Errorf("%d removed, %v; want %d", n, err, doorbells)
	}
	removeBridge(o.Dir, where)
	if left, err := os.ReadDir(o.Dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
