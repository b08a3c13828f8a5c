package main

import "golang.org/x/sys/unix"

// pin lets the calling thread run on one processor.
func pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// yield lets another thread of the processor run. The scheduler of Go is not
// told, because there is nothing that it should do.
func yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
