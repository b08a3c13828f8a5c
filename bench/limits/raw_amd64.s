#include "go_asm.h"
#include "textflag.h"

// Registers, the same in both functions:
//
//	R8  the area this side writes     R9  the area this side polls
//	R10 the flag value of this round, which is also every payload word
//	R11 payload words                 R13 rounds left in this call
//	CX  polls left in this call       DI  non-zero: PAUSE between polls
//	SI  fold, scalar part             X1-X4 fold, vector part
//	BX  last RDTSC (ping)             R12 next sample (ping)
//	AX, DX, X0 scratch

#define LOAD \
	MOVQ s+0(FP), AX; \
	MOVQ rawState_out(AX), R8; \
	MOVQ rawState_in(AX), R9; \
	MOVQ rawState_seq(AX), R10; \
	MOVQ rawState_words(AX), R11; \
	MOVQ rawState_rounds(AX), R13; \
	MOVQ rawState_polls(AX), CX; \
	MOVQ rawState_pause(AX), DI; \
	MOVQ rawState_sum(AX), SI; \
	PXOR X1, X1; \
	PXOR X2, X2; \
	PXOR X3, X3; \
	PXOR X4, X4

#define SAVE \
	PADDQ X2, X1; \
	PADDQ X3, X4; \
	PADDQ X4, X1; \
	MOVQ  X1, DX; \
	ADDQ  DX, SI; \
	PSRLO $8, X1; \
	MOVQ  X1, DX; \
	ADDQ  DX, SI; \
	MOVQ  s+0(FP), AX; \
	MOVQ  SI, rawState_sum(AX); \
	MOVQ  R10, rawState_seq(AX); \
	MOVQ  R13, rawState_rounds(AX)

// SEND writes the payload from its last word down, so that the stores to the
// line that is being polled come last and close together, then the flag. On
// amd64 stores become visible in program order, so the flag's is a release.
// Up to 64 bytes go as 8-byte moves, more as aligned 16-byte ones. The address
// is read again from memory, twice removed, although R8 has it: that the stores
// learn their address some cycles late makes the round trip shorter. This is
// measured, not explained; doc.go has the figures.
#define SEND \
	MOVQ s+0(FP), R8; \
	MOVQ rawState_out(R8), R8; \
	CMPQ R11, $8; \
	JHI  sendBig; \
	JEQ  send8; \
	CMPQ R11, $4; \
	JEQ  send4; \
	CMPQ R11, $1; \
	JEQ  send1; \
	CMPQ R11, $2; \
	JEQ  send2; \
	CMPQ R11, $3; \
	JEQ  send3; \
	CMPQ R11, $5; \
	JEQ  send5; \
	CMPQ R11, $6; \
	JEQ  send6; \
	JMP  send7; \
sendBig: \
	MOVQ R10, X0; \
	PUNPCKLQDQ X0, X0; \
	TESTQ $1, R11; \
	JNE  sendVec; \
	MOVQ R10, (R8)(R11*8); \
sendVec: \
	LEAQ -1(R11), DX; \
	SHRQ $1, DX; \
	SHLQ $4, DX; \
sendVec4: \
	CMPQ DX, $64; \
	JCS  sendVec1; \
	MOVAPS X0, (R8)(DX*1); \
	MOVAPS X0, -16(R8)(DX*1); \
	MOVAPS X0, -32(R8)(DX*1); \
	MOVAPS X0, -48(R8)(DX*1); \
	SUBQ $64, DX; \
	JMP  sendVec4; \
sendVec1: \
	TESTQ DX, DX; \
	JEQ  send1; \
	MOVAPS X0, (R8)(DX*1); \
	SUBQ $16, DX; \
	JMP  sendVec1; \
send8: \
	MOVQ R10, 64(R8); \
send7: \
	MOVQ R10, 56(R8); \
send6: \
	MOVQ R10, 48(R8); \
send5: \
	MOVQ R10, 40(R8); \
send4: \
	MOVQ R10, 32(R8); \
send3: \
	MOVQ R10, 24(R8); \
send2: \
	MOVQ R10, 16(R8); \
send1: \
	MOVQ R10, 8(R8); \
	MOVQ R10, (R8)

// FOLD loads every payload word and adds it up. Loads are not reordered with
// earlier loads on amd64, so the poll that saw the flag is an acquire, and
// later stores wait for them to retire: the answer can't overtake the reading.
#define FOLD \
	CMPQ R11, $8; \
	JHI  foldBig; \
	JEQ  fold8; \
	CMPQ R11, $4; \
	JEQ  fold4; \
	CMPQ R11, $1; \
	JEQ  fold1; \
	CMPQ R11, $2; \
	JEQ  fold2; \
	CMPQ R11, $3; \
	JEQ  fold3; \
	CMPQ R11, $5; \
	JEQ  fold5; \
	CMPQ R11, $6; \
	JEQ  fold6; \
	JMP  fold7; \
foldBig: \
	TESTQ $1, R11; \
	JNE  foldVec; \
	ADDQ (R9)(R11*8), SI; \
foldVec: \
	LEAQ -1(R11), AX; \
	SHRQ $1, AX; \
	SHLQ $4, AX; \
	MOVQ AX, DX; \
	NEGQ DX; \
	LEAQ 16(R9)(AX*1), R9; \
foldVec4: \
	CMPQ DX, $-64; \
	JGT  foldVec1; \
	PADDQ (R9)(DX*1), X1; \
	PADDQ 16(R9)(DX*1), X2; \
	PADDQ 32(R9)(DX*1), X3; \
	PADDQ 48(R9)(DX*1), X4; \
	ADDQ $64, DX; \
	JMP  foldVec4; \
foldVec1: \
	TESTQ DX, DX; \
	JEQ  foldEnd; \
	PADDQ (R9)(DX*1), X1; \
	ADDQ $16, DX; \
	JMP  foldVec1; \
foldEnd: \
	SUBQ AX, R9; \
	SUBQ $16, R9; \
	JMP  fold1; \
fold8: \
	ADDQ 64(R9), SI; \
fold7: \
	ADDQ 56(R9), SI; \
fold6: \
	ADDQ 48(R9), SI; \
fold5: \
	ADDQ 40(R9), SI; \
fold4: \
	ADDQ 32(R9), SI; \
fold3: \
	ADDQ 24(R9), SI; \
fold2: \
	ADDQ 16(R9), SI; \
fold1: \
	ADDQ 8(R9), SI

// POLL lets hold rounds of an empty loop pass and then waits for the flag to
// become R10; it falls through to expired after CX polls and jumps to got when
// the flag is there.
#define POLL \
	MOVQ s+0(FP), AX; \
	MOVQ rawState_hold(AX), DX; \
	TESTQ DX, DX; \
	JEQ  held; \
hold: \
	DECQ DX; \
	JNE  hold; \
held: \
	TESTQ DI, DI; \
	JNE  pause; \
spin: \
	CMPQ (R9), R10; \
	JEQ  got; \
	DECQ CX; \
	JNE  spin; \
	JMP  expired; \
pause: \
	CMPQ (R9), R10; \
	JEQ  got; \
	PAUSE; \
	DECQ CX; \
	JNE  pause; \
expired:

// func pingAsm(s *rawState)
TEXT ·pingAsm(SB), NOSPLIT, $0-8
	LOAD
	MOVQ rawState_last(AX), BX
	MOVQ rawState_slot(AX), DX
	MOVQ rawState_samples(AX), R12
	LEAQ (R12)(DX*4), R12
	CMPQ rawState_sent(AX), $0
	JNE  wait

send:
	SEND

	// The time stamp lies in the shadow of the wait for the answer.
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, DX
	SUBQ BX, DX
	MOVQ AX, BX
	MOVL $0xFFFFFFFF, AX
	CMPQ DX, AX
	CMOVQHI AX, DX
	MOVL DX, (R12)
	ADDQ $4, R12

wait:
	POLL
	SAVE
	MOVQ $1, rawState_sent(AX)
	JMP  out

got:
	FOLD
	INCQ R10
	DECQ R13
	JNE  send
	SAVE
	MOVQ $0, rawState_sent(AX)

out:
	MOVQ BX, rawState_last(AX)
	SUBQ rawState_samples(AX), R12
	SHRQ $2, R12
	MOVQ R12, rawState_slot(AX)
	RET

// func pongAsm(s *rawState)
TEXT ·pongAsm(SB), NOSPLIT, $0-8
	LOAD

wait:
	POLL
	SAVE
	RET

got:
	FOLD
	SEND
	INCQ R10
	DECQ R13
	JNE  wait
	SAVE
	RET
