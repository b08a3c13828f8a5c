#include "textflag.h"

// func poll64(p *uint64, old uint64, looks, pauses uint32) bool
TEXT ·poll64(SB), NOSPLIT, $0-25
	MOVQ p+0(FP), DI
	MOVQ old+8(FP), SI
	MOVL looks+16(FP), CX
	MOVL pauses+20(FP), DX
look:
	CMPQ (DI), SI
	JNE  changed
	MOVL DX, AX
pause:
	PAUSE
	SUBL $1, AX
	JNZ  pause
	SUBL $1, CX
	JNZ  look
	MOVB $0, ret+24(FP)
	RET
changed:
	// Most messages go on in the next line: have it come while this one is
	// looked at.
	PREFETCHT0 64(DI)
	MOVB $1, ret+24(FP)
	RET

// func pause(n uint32)
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVL n+0(FP), AX
again:
	PAUSE
	SUBL $1, AX
	JNZ  again
	RET
