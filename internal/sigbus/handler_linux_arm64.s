#include "go_asm.h"
#include "textflag.h"

#define SYS_mmap	222
#define SYS_nanosleep	101

#define BUS_ADRERR	2
#define PROT		3	// PROT_READ|PROT_WRITE
#define FLAGS		0x4032	// MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_NORESERVE
#define ATTEMPTS	65536

// handler is entered by the kernel, with the C ABI: signal in R0, *siginfo in
// R1, *ucontext in R2, and in R30 the address of the vDSO's sigreturn. It uses
// only registers that the C ABI lets a function clobber, and R27, which the
// assembler may use for addresses, and which is put back; it makes no call.
// (A system call changes R0 only.) See handler_linux_amd64.s, of which this is
// a translation, and the package documentation.
//
// R6 end of the chunk, R7 base, R10 address, R11 chunk, R12 entry,
// R13–R15 arguments, R17 R27 as it was.
TEXT handler<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD	R0, R13
	MOVD	R1, R14
	MOVD	R2, R15
	MOVD	R27, R17
	SUB	$16, RSP

	MOVW	8(R1), R9		// si_code
	CMPW	$BUS_ADRERR, R9
	BNE	foreign
	MOVD	16(R1), R10		// si_addr
	MOVD	$·table(SB), R11
nextchunk:
	ADD	$chunk_entries, R11, R12
	ADD	$chunk__size, R11, R6
look:
	LDAR	(R12), R7		// entry_base is 0: see below
	CBZ	R7, nextentry
	CMP	R7, R10
	BLO	nextentry
	MOVD	entry_end(R12), R9
	CMP	R9, R10
	BLO	lock
nextentry:
	ADD	$entry__size, R12
	CMP	R6, R12
	BLO	look
	ADD	$chunk_next, R11, R9
	LDAR	(R9), R11
	CBNZ	R11, nextchunk

foreign:
	MOVD	$·oldHandler(SB), R9
	MOVD	(R9), R9
	MOVD	R13, R0
	MOVD	R14, R1
	MOVD	R15, R2
	MOVD	R17, R27
	ADD	$16, RSP
	B	(R9)

lock:
	ADD	$entry_lock, R12, R4
	MOVW	$1, R3
	LDAXRW	(R4), R5
	CBNZW	R5, wait
	STLXRW	R3, (R4), R5
	CBNZW	R5, lock

	// The entry may have been withdrawn, or even have got another range. If
	// it is in use now, Release waits for us: base and end will stay. (The
	// release-store above and the acquire-load below are in order.)
	LDAR	(R12), R7
	CBZ	R7, unlock
	CMP	R7, R10
	BLO	unlock
	MOVD	entry_end(R12), R9
	CMP	R9, R10
	BHS	unlock

	// It is ours. From here on the base is used as it was, since Release
	// may clear it at any time. Flag first: who sees zeros sees the flag.
	ADD	$entry_addr, R12, R9
	MOVD	(R9), R3
	CBNZ	R3, flagged
	STLR	R10, (R9)
flagged:
	MOVD	$·pageMask(SB), R9
	MOVD	(R9), R9
	AND	R9, R10, R16		// from the faulting page …
	MOVD	entry_low(R12), R1	// … to what was replaced before
	CMP	R1, R16
	BHS	replaced
map:
	SUB	R16, R1
	MOVD	R16, R0
	MOVD	$PROT, R2
	MOVD	$FLAGS, R3
	MOVD	$-1, R4
	MOVD	$0, R5
	MOVD	$SYS_mmap, R8
	SVC
	CMP	R16, R0
	BNE	refused
	MOVD	R16, entry_low(R12)
done:
	ADD	$entry_lock, R12, R4
	STLRW	ZR, (R4)
	MOVD	R17, R27
	ADD	$16, RSP
	RET

refused:
	// Perhaps because the mapping cannot be split here (huge pages, too
	// many mappings). Then all of it goes.
	CMP	R7, R16
	BEQ	giveup
	MOVD	R7, R16
	MOVD	entry_low(R12), R1
	B	map

replaced:
	// Another thread replaced the page after we had faulted. If it keeps
	// faulting, someone has mapped something there.
	MOVD	entry_again(R12), R3
	ADD	$1, R3
	MOVD	R3, entry_again(R12)
	MOVD	$ATTEMPTS, R4
	CMP	R4, R3
	BLO	done

giveup:
	ADD	$entry_lock, R12, R4
	STLRW	ZR, (R4)
	B	foreign

unlock:
	ADD	$entry_lock, R12, R4
	STLRW	ZR, (R4)
	B	nextentry

wait:
	// Another thread has faulted in the range and is in its mmap. Sleep a
	// microsecond, which lets it run whatever our priorities are, and look
	// at the entry afresh.
	CLREX
	MOVD	ZR, 0(RSP)
	MOVD	$1000, R3
	MOVD	R3, 8(RSP)
	MOVD	RSP, R0
	MOVD	$0, R1
	MOVD	$SYS_nanosleep, R8
	SVC
	B	look

DATA ·handlerPC(SB)/8, $handler<>(SB)
GLOBL ·handlerPC(SB), RODATA, $8
