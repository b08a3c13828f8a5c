package limits

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// PinProcess pins all threads of this process to a processor, without locking
// goroutines to them: for programs that sleep as Go programs do, since a
// goroutine that is locked to its thread costs a change of threads each time
// that it sleeps in the runtime. It returns an error when the system refuses.
func PinProcess(cpu int) error {
	var set unix.CPUSet
	if cpu >= 0 {
		set.Set(cpu)
	}
	// Threads inherit the pin from those that start them, so a round that
	// finds no new one is the last.
	seen := make(map[int]bool)
	for found := true; found; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
		}
		found = false
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil || seen[tid] {
				continue
			}
			seen[tid], found = true, true
			if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
			}
		}
	}
	return nil
}
