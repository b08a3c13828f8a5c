package shm

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func removeRemains(dir string) (removed int, err error) {
	dfd, err := openDir(dir)
	if err != nil {
		return 0, err
	}
	defer unix.Close(dfd)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if _, ok := tempOf(e.Name()); ok {
			removeLeftover(dfd, e.Name())
		} else if strings.HasPrefix(e.Name(), bellPrefix) {
			f, err := openDoorbell(filepath.Join(dir, e.Name()), false)
			if err != nil {
				continue // another's, or gone
			}
			_ = CloseDoorbell(f)
		} else {
			continue
		}
		if unix.Fstatat(dfd, e.Name(), new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW) == unix.ENOENT {
			removed++
		}
	}
	return removed, nil
}
