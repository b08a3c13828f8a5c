#include "go_asm.h"
#include "textflag.h"

#define SYS_mmap	9
#define SYS_nanosleep	35
#define SYS_rt_sigreturn	15

#define BUS_ADRERR	2
#define PROT		3	// PROT_READ|PROT_WRITE
#define FLAGS		0x4032	// MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_NORESERVE
#define ATTEMPTS	65536

// handler is entered by the kernel, with the C ABI: signal in DI, *siginfo in
// SI, *ucontext in DX, and on the stack the address of restorer. It uses
// only registers that the C ABI lets a function clobber, makes no call, and
// addresses globals by LEAQ alone, which needs no register besides its own in
// any build mode. See the package documentation for what it does and why.
//
// While it looks: R8 address, R9 chunk, R10 entry, R11 end of the chunk.
// Stack: 0 timespec, 16 DI, 24 SI, 32 DX, 40 entry, 48 base.
TEXT handler<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	SUBQ	$56, SP
	MOVQ	DI, 16(SP)
	MOVQ	SI, 24(SP)
	MOVQ	DX, 32(SP)

	CMPL	8(SI), $BUS_ADRERR	// si_code
	JNE	foreign
	MOVQ	16(SI), R8		// si_addr
	LEAQ	·table(SB), R9
nextchunk:
	LEAQ	chunk_entries(R9), R10
	LEAQ	chunk__size(R9), R11
look:
	MOVQ	entry_base(R10), AX
	TESTQ	AX, AX
	JZ	nextentry
	CMPQ	R8, AX
	JCS	nextentry
	CMPQ	R8, entry_end(R10)
	JCS	lock
nextentry:
	ADDQ	$entry__size, R10
	CMPQ	R10, R11
	JCS	look
	MOVQ	chunk_next(R9), R9
	TESTQ	R9, R9
	JNZ	nextchunk

foreign:
	MOVQ	16(SP), DI
	MOVQ	24(SP), SI
	MOVQ	32(SP), DX
	ADDQ	$56, SP
	LEAQ	·oldHandler(SB), AX
	MOVQ	(AX), AX
	JMP	AX

lock:
	MOVL	$1, AX
	XCHGL	AX, entry_lock(R10)
	TESTL	AX, AX
	JZ	locked
	// Another thread has faulted in the range and is in its mmap. Sleep a
	// microsecond, which lets it run whatever our priorities are, and look
	// at the entry afresh.
	MOVQ	$0, 0(SP)
	MOVQ	$1000, 8(SP)
	LEAQ	0(SP), DI
	XORL	SI, SI
	MOVL	$SYS_nanosleep, AX
	SYSCALL
	LEAQ	chunk__size(R9), R11
	JMP	look

locked:
	// The entry may have been withdrawn, or even have got another range. If
	// it is in use now, Release waits for us: base and end will stay.
	MOVQ	entry_base(R10), AX
	TESTQ	AX, AX
	JZ	unlock
	CMPQ	R8, AX
	JCS	unlock
	CMPQ	R8, entry_end(R10)
	JCC	unlock

	// It is ours. From here on the base is used as it was, since Release
	// may clear it at any time. Flag first: who sees zeros sees the flag.
	MOVQ	R10, 40(SP)
	MOVQ	AX, 48(SP)
	CMPQ	entry_addr(R10), $0
	JNE	flagged
	MOVQ	R8, entry_addr(R10)
flagged:
	LEAQ	·pageMask(SB), AX
	MOVQ	(AX), DI
	ANDQ	R8, DI			// from the faulting page …
	MOVQ	entry_low(R10), SI	// … to what was replaced before
	CMPQ	DI, SI
	JCC	replaced
map:
	SUBQ	DI, SI
	MOVL	$PROT, DX
	MOVL	$FLAGS, R10
	MOVQ	$-1, R8
	XORL	R9, R9
	MOVL	$SYS_mmap, AX
	SYSCALL
	MOVQ	40(SP), R10
	CMPQ	AX, DI
	JNE	refused
	MOVQ	DI, entry_low(R10)
	JMP	done

refused:
	// Perhaps because the mapping cannot be split here (huge pages, too
	// many mappings). Then all of it goes.
	MOVQ	48(SP), AX
	CMPQ	DI, AX
	JEQ	giveup
	MOVQ	AX, DI
	MOVQ	entry_low(R10), SI
	JMP	map

replaced:
	// Another thread replaced the page after we had faulted. If it keeps
	// faulting, someone has mapped something there.
	INCQ	entry_again(R10)
	CMPQ	entry_again(R10), $ATTEMPTS
	JCC	giveup
done:
	MOVL	$0, entry_lock(R10)
	ADDQ	$56, SP
	RET

giveup:
	MOVL	$0, entry_lock(R10)
	JMP	foreign

unlock:
	MOVL	$0, entry_lock(R10)
	JMP	nextentry

// The instructions are those of glibc and of the Go runtime, byte for byte,
// and "sigaction" is in the name: debuggers and unwinders look for that.
TEXT restorer__sigaction<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ	$SYS_rt_sigreturn, AX
	SYSCALL
	INT	$3

DATA ·handlerPC(SB)/8, $handler<>(SB)
GLOBL ·handlerPC(SB), RODATA, $8

DATA ·restorerPC(SB)/8, $restorer__sigaction<>(SB)
GLOBL ·restorerPC(SB), RODATA, $8
