package shm

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestLeftoversInALargeDirectoryAreRemovedInTheEnd(t *testing.T) {
	for _, c := range []struct{ files, creates int }{{0, 1}, {perLook - 10, 1}, {3 * perLook, 4}} {
		dir := t.TempDir()
		for i := range c.files {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		create(t, "before", small(dir)).Close()
		temp := filepath.Join(dir, "."+filePrefix+"half.0123456789abcdef")
		if err := os.WriteFile(temp, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; n < 10; n++ {
			if _, err := os.Lstat(temp); err != nil {
				break
			}
			create(t, fmt.Sprint("after-", n), small(dir)).Close()
		}
		if n != c.creates {
			t.Errorf("among %d files it was removed by creator number %d, want %d", c.files, n, c.creates)
		}
	}
}
