package limits

import (
	"fmt"

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
	if err := eachThread(func(tid int) error { return unix.SchedSetaffinity(tid, &set) }); err != nil {
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
	}
	return nil
}
