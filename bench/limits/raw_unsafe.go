package limits

import (
	"sync/atomic"
	"unsafe"
)

// rawState is what a loop gets and hands back. One call of a loop goes on
// until it has finished rounds or has polled polls times, whichever is first,
// so it ends within about 50 µs and can be called again to go on.
//
// The order of the fields does not matter: the assembly reads their offsets
// from go_asm.h.
type rawState struct {
	out     *uint64 // area this side writes: flag, then words payload words
	in      *uint64 // area the other side writes, same layout
	seq     uint64  // flag and payload word of the round that comes next or is under way
	words   uint64  // payload words, 1..512
	rounds  uint64  // in: rounds to make, at least 1; out: rounds left
	polls   uint64  // in: polls allowed, at least 1
	pause   uint64  // non-zero: PAUSE between two polls
	hold    uint64  // rounds of an empty loop, a cycle each, before the first poll
	sum     uint64  // all payload words received so far, added up modulo 2⁶⁴
	sent    uint64  // ping: non-zero when seq is sent and its answer still awaited
	samples *uint32 // ping: where to put ticks from one send to the next
	slot    uint64  // ping: index in samples of the next one
	last    uint64  // ping: clock reading at the last send
}

// engine is a pair of loops that speak the same protocol.
type engine struct {
	name       string
	ping, pong func(*rawState)
}

// portable is written in Go and runs everywhere. Its PAUSE is another poll.
var portable = engine{name: "portable", ping: pingGo, pong: pongGo}

// pingGo is the pinger's half of the loop.
func pingGo(s *rawState) {
	clock := Calibrate()
	for {
		if s.sent == 0 {
			send(s.out, s.words, s.seq)
			now := clock.Now()
			*at32(s.samples, s.slot) = uint32(min(now-s.last, 1<<32-1))
			s.last = now
			s.slot++
			s.sent = 1
		}
		if !poll(s) {
			return
		}
		s.sum += fold(s.in, s.words)
		s.sent = 0
		s.seq++
		if s.rounds--; s.rounds == 0 {
			return
		}
	}
}

// pongGo is the ponger's half of the loop.
func pongGo(s *rawState) {
	for poll(s) {
		s.sum += fold(s.in, s.words)
		send(s.out, s.words, s.seq)
		s.seq++
		if s.rounds--; s.rounds == 0 {
			return
		}
	}
}

// poll waits until the other side's flag is seq; false when polls ran out.
func poll(s *rawState) bool {
	for i := s.hold; i > 0; i-- {
	}
	for ; s.polls > 0; s.polls-- {
		if atomic.LoadUint64(s.in) == s.seq { // pairs with the store in send
			return true
		}
	}
	return false
}

// send writes the payload from its last word down, then the flag, which hands
// the payload over to the poll on the other side.
func send(area *uint64, words, v uint64) {
	payload := unsafe.Slice(area, words+1)
	for i := words; i > 0; i-- {
		payload[i] = v
	}
	atomic.StoreUint64(area, v)
}

// fold reads every payload word and adds them up.
func fold(area *uint64, words uint64) (sum uint64) {
	for _, w := range unsafe.Slice(area, words+1)[1:] {
		sum += w
	}
	return sum
}

// at32 is &base[i], unchecked.
func at32(base *uint32, i uint64) *uint32 {
	return (*uint32)(unsafe.Add(unsafe.Pointer(base), i*4))
}

// wordAt returns mem[offset:] as the pointer to an area's flag word. It is the
// callers' business that the whole area lies inside mem.
func wordAt(mem []byte, offset int) *uint64 {
	return (*uint64)(unsafe.Pointer(&mem[offset]))
}

// misalignment is the address of mem modulo n.
func misalignment(mem []byte, n uintptr) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) % n
}
