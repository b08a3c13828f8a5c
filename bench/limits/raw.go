package limits

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// MinBytes and MaxBytes bound the payload of a round, in bytes. A payload
	// is a multiple of 8 bytes.
	MinBytes, MaxBytes = 8, 4096

	// MinMemory is the least memory in bytes that Ping, Pong, RoundTrip and
	// Probe take. It is enough for payloads up to 3,832 bytes; see MemoryFor.
	MinMemory = 8192

	// DefaultTimeout is how long a side waits for the other when the caller
	// says 0.
	DefaultTimeout = 2 * time.Second

	// align is the alignment of an area in bytes: two lines, as prefetchers
	// like to fetch them in pairs.
	align = 128

	// farArea is where the ponger's area begins; the pinger's begins at 0. It
	// is the same for every payload, so that two sides that disagree meet, and
	// not a multiple of 4096, which some processors take for the same address.
	farArea = 4352
)

var (
	// ErrPeerGone is returned when the other process has neither asked nor
	// answered for the timeout. It may be dead, stopped or not there yet.
	ErrPeerGone = errors.New("limits: the peer does not answer")

	// ErrCorrupt is returned when the payloads received do not add up to what
	// was sent: someone else writes to the memory, or it is not coherent.
	ErrCorrupt = errors.New("limits: the payload did not arrive as sent")

	// ErrMismatch is returned on both sides when Ping and Pong were called
	// with different payload sizes.
	ErrMismatch = errors.New("limits: the two sides disagree about the payload size")
)

// MemoryFor returns how many bytes of memory a payload of bytes needs, at
// least MinMemory.
func MemoryFor(bytes int) int {
	checkBytes(bytes)
	return max(MinMemory, farArea+areaSize(bytes))
}

// Lines returns how many 64-byte cache lines a payload of bytes and its flag
// take in one direction.
func Lines(bytes int) int {
	checkBytes(bytes)
	return (bytes + 8 + 63) / 64
}

// Ping bounces a payload of bytes between this process and the one that is in
// Pong on the same memory, rounds times, and then ends that Pong. It calls
// hist once per round, in order, with the time from one send to the next in
// nanoseconds, after all rounds are over; hist may be nil. The clock behind
// these times has steps, see Clock.StepNs; Summarize knows how to deal with
// them. pause says whether both sides put a PAUSE instruction between two
// polls.
//
// mem is what the two processes share, at least MemoryFor(bytes) long, aligned
// to 128 bytes and writable, zeroed before the first use and then only used by
// this package. The processes should be pinned to two cores, see Pin. timeout is
// how long the other side may stay silent, 0 is DefaultTimeout.
//
// It returns ErrPeerGone, ErrCorrupt or ErrMismatch; the times are then lost
// and the memory must be zeroed before it is used again. It panics when bytes,
// rounds, timeout or mem are not as said.
func Ping(mem []byte, bytes, rounds int, pause bool, hist func(ns int64), timeout time.Duration) error {
	l := newLink(mem, bytes, false, timeout)
	if rounds < 1 {
		panic(fmt.Sprintf("limits: %d rounds", rounds))
	}
	ticks, err := l.ping(rounds, pace{pause: pause})
	if err == nil {
		err = l.end()
	}
	if err != nil || hist == nil {
		return err
	}
	clock := Calibrate()
	for _, t := range ticks {
		hist(clock.Ns(uint64(t)))
	}
	return nil
}

// Pong answers the process that is in Ping, RoundTrip or Probe on the same
// memory with the same payload of bytes, until that call ends. It returns the
// number of rounds it answered, in which the other side's warm-up and one
// round more per series are counted. mem and timeout are as for Ping.
//
// It returns ErrPeerGone, ErrCorrupt or ErrMismatch, and panics when bytes,
// timeout or mem are not as said.
func Pong(mem []byte, bytes int, timeout time.Duration) (rounds int, err error) {
	return newLink(mem, bytes, true, timeout).pong()
}

// areaSize is how many bytes of memory one direction takes.
func areaSize(bytes int) int { return (bytes + 8 + align - 1) &^ (align - 1) }

func checkBytes(bytes int) {
	if bytes < MinBytes || bytes > MaxBytes || bytes%8 != 0 {
		panic(fmt.Sprintf("limits: payload of %d bytes is not a multiple of 8 in [%d, %d]", bytes, MinBytes, MaxBytes))
	}
}

// newLink checks the arguments that all calls share.
func newLink(mem []byte, bytes int, ponger bool, timeout time.Duration) *link {
	if need := MemoryFor(bytes); len(mem) < need {
		panic(fmt.Sprintf("limits: %d bytes of memory, %d needed", len(mem), need))
	}
	if off := misalignment(mem, align); off != 0 {
		panic(fmt.Sprintf("limits: memory starts %d bytes past a multiple of %d", off, align))
	}
	if timeout < 0 {
		panic(fmt.Sprintf("limits: timeout %v", timeout))
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	for at := 0; at < farArea+areaSize(bytes); at += align {
		atomic.AddUint64(wordAt(mem, at), 0) // see "Writable pages" in the package's text
	}
	l := &link{
		near: wordAt(mem, 0), far: wordAt(mem, farArea),
		words: uint64(bytes / 8), timeout: timeout, raw: native(),
	}
	if ponger {
		l.near, l.far = l.far, l.near
	}
	return l
}
