package limits

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// eachThread does something to all threads of this process, those included that are
// started meanwhile: they inherit what was done to the one that starts them, so a
// round that finds no new one is the last.
func eachThread(do func(tid int) error) error {
	seen := make(map[int]bool)
	for found := true; found; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		found = false
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil || seen[tid] {
				continue
			}
			seen[tid], found = true, true
			if err := do(tid); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
	return nil
}
