// Package sigbus keeps a process alive when the file behind one of its shared
// mappings shrinks under it.
//
// # What happens at a fault
//
// A peer that may write the file may also truncate it (or punch a hole in it
// while its tmpfs is full). The mapping stays, but its pages have nothing
// behind them any more, and the next touch raises SIGBUS, which kills a Go
// program with "unexpected fault address". For a range that was given to
// [Protect] this happens instead:
//
//	goroutine        MOVQ (AX), BX        touches a page without a file
//	    │
//	kernel           SIGBUS, si_code BUS_ADRERR, si_addr = that page
//	    │
//	handler          finds the range in its table, sets the range's fault
//	(signal stack)   flag, and maps anonymous zero pages over the range from
//	    │            the faulting page to its end
//	kernel           sigreturn: all registers as they were
//	    │
//	goroutine        MOVQ (AX), BX        once more: reads zero, goes on
//
// A SIGBUS that is not about such a range (another address, another si_code,
// one sent by kill(2)) goes on to the handler that was there before, Go's own,
// with the stack and the arguments it would have had; it cannot tell the
// difference. So such faults crash, or panic under debug.SetPanicOnFault, as
// ever, with the right address.
//
// Nothing is paid where nothing faults: accesses have no prologue, and slices
// lent to a user's code are covered too. [Guard.Faulted] is an atomic load.
//
// # Why this is safe in a Go program
//
// The handler is assembly without a call. It runs on the signal stack that
// the runtime gives each of its threads, with all signals blocked, so neither
// a profiler nor a preemption can look at it halfway. It uses no Go code, no
// goroutine pointer, no floating-point or vector register, takes no lock of
// Go's, and allocates nothing; the two system calls it may make (mmap and
// nanosleep) are among those the runtime makes itself. It comes back to the
// instruction that faulted, so the runtime never learns of it: there is no
// unwinding, no stack growth and no safe point to care for, and it does not
// matter whether that instruction was in Go code, in memmove, or in C.
//
// The runtime sets its SIGBUS handler at the start of a program only; os/signal
// cannot be asked to replace it. Child processes start with default handlers,
// as exec(2) has it.
//
// The table of ranges lives where the garbage collector has no say (a global
// and, beyond 63 ranges, pages of its own, never freed). Entries are published
// base last and withdrawn base first, both under a Go mutex that the handler
// has no part in. The handler decides under a spin lock in the entry, and
// [Guard.Release] waits for that lock after it has withdrawn the base:
// once Release has returned, no handler on any thread will map anything into
// the range, even if some goroutine wrongly goes on to use it.
//
// # What to rely on
//
// The flag is set before the first zero page can be seen. So if data was read
// first and Faulted is false afterwards, the data came from the file. (That
// holds for the goroutine that faults everywhere; for another one that reads
// pages replaced in that very moment it holds on amd64, while arm64 may let its
// read of the flag overtake its read of the data, so that it learns of the
// fault at its next look.) A peer that truncates could also have written zeros
// by ordinary means: contents have to be checked in any case.
//
// Replaced pages are private memory: what is written there is kept until the
// range is unmapped, and no peer sees it. A later fault at a lower page extends
// the replaced part downwards without touching what was replaced before.
// Pages below the lowest fault remain shared. The bytes past the end of the
// file in its last page never fault: the kernel gives zeros for them itself.
//
// # What it cannot do
//
//   - A system call that is given such an address does not raise SIGBUS: it
//     fails with EFAULT (or stops short), and no flag is set. That goes for
//     write(2) from the range, read(2) into it, and for futex(2) on it.
//   - The truncation itself is not noticed, only an access. Faulted tells what
//     this process has touched, not what the file is.
//   - Memory failures (BUS_MCEERR_AR) and misaligned access (BUS_ADRALN) are
//     left to Go; so is SIGSEGV, as from a mapping that was unmapped.
//   - If the kernel refuses the zero pages even for the whole range (out of
//     memory, RLIMIT_AS, RLIMIT_DATA), the fault is passed on to Go and the
//     program crashes as it would have.
//   - Nothing may be mapped by hand into a protected range. A page that goes on
//     to fault after it was replaced is given up on after 65,536 attempts and
//     passed on to Go.
//   - C code that sets its own SIGBUS handler after the first Protect, and does
//     not pass on what is not its own, takes this one out of service.
//
// # Where
//
// Linux on amd64 and arm64 (the latter was run under qemu-user only, whose
// memory model is stronger than that of the hardware). Elsewhere [Supported] is
// false and Protect returns an error that is errs.Unsupported: there, touching
// a section that a peer has truncated crashes the program, as it does in any Go
// program, and it is for the caller to decide whether to trust its peers with
// that.
package sigbus
