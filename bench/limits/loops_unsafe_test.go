package limits

import (
	"testing"
	"unsafe"
)

// heap is zeroed memory for n bytes of payload that starts on a page, for two
// goroutines that play the two processes.
func heap(n int) []byte {
	const page = 4096
	b := make([]byte, MemoryFor(n)+2*page)
	off := -uintptr(unsafe.Pointer(&b[0])) % page
	return b[off:][:MemoryFor(n)]
}

// area is the words of an area and some of those behind it. Both lie within
// what heap has.
func area(flag *uint64, bytes int) []uint64 {
	return unsafe.Slice(flag, min(areaSize(bytes), farArea-align)/8+align/8)
}

func engines() []engine { return []engine{native(), portable} }

func TestTheLoopsReadEveryWordAndWriteEveryWordAndNoOther(t *testing.T) {
	for _, raw := range engines() {
		for bytes := MinBytes; bytes <= MaxBytes; bytes += 8 {
			for _, ponger := range []bool{false, true} {
				l := newLink(heap(bytes), bytes, ponger, 0)
				in, out := area(l.far, bytes), area(l.near, bytes)
				const seq = 1<<40 - 3
				s := l.state(pace{bytes%16 == 0, bytes % 5})
				s.seq, s.rounds, s.polls, s.samples = seq, 1, 10, new(uint32)
				in[0] = seq // the other side's turn is already over
				want := uint64(0)
				for i := range l.words {
					in[1+i] = (i + 1) * 0x9E3779B97F4A7C15
					want += in[1+i]
				}
				in[1+l.words] = 12345 // not payload
				loop := raw.ping
				if ponger {
					loop = raw.pong
				}
				loop(s)
				if s.seq != seq+1 || s.rounds != 0 || s.sent != 0 || s.sum != want {
					t.Fatalf("%s, %d bytes: %+v, want the sum %d", raw.name, bytes, *s, want)
				}
				for i, w := range out {
					if w != 0 != (i <= int(l.words)) || w != 0 && w != seq {
						t.Fatalf("%s, %d bytes: word %d of the area is %d", raw.name, bytes, i, w)
					}
				}
			}
		}
	}
}

func TestTheAssemblyAndThePortableLoopsSpeakOneProtocol(t *testing.T) {
	for _, a := range engines() {
		for _, b := range engines() {
			for _, bytes := range []int{8, 56, 64, 72, 4096} {
				mem := heap(bytes)
				ping, pong := newLink(mem, bytes, false, 0), newLink(mem, bytes, true, 0)
				ping.raw, pong.raw = a, b
				done := make(chan error)
				go func() {
					_, err := pong.pong()
					done <- err
				}()
				_, err := ping.ping(300, pace{pause: true})
				if err == nil {
					err = ping.end()
				}
				if err != nil {
					t.Fatalf("%s to %s, %d bytes: %v", a.name, b.name, bytes, err)
				}
				if err := <-done; err != nil {
					t.Fatalf("%s to %s, %d bytes: ponger: %v", a.name, b.name, bytes, err)
				}
			}
		}
	}
}

func TestACallThatRunsOutOfPollsGoesOnWhereItStopped(t *testing.T) {
	for _, raw := range engines() {
		l := newLink(heap(64), 64, false, 0)
		s := l.state(pace{pause: false})
		samples := make([]uint32, 4)
		s.seq, s.samples = 100, &samples[0]
		for range 3 { // the question is sent once
			s.rounds, s.polls = 2, 50
			raw.ping(s)
			if s.seq != 100 || s.sent == 0 || s.slot != 1 || s.rounds != 2 {
				t.Fatalf("%s: %+v", raw.name, *s)
			}
		}
		send(l.far, l.words, 100)
		s.rounds, s.polls = 2, 50
		raw.ping(s)
		if s.seq != 101 || s.sent == 0 || s.slot != 2 || s.rounds != 1 || s.sum != 800 {
			t.Fatalf("%s: %+v", raw.name, *s)
		}
	}
}

func TestARoundThatTakesLongerThanASampleHoldsIsTheLongestSample(t *testing.T) {
	for _, raw := range engines() {
		l := newLink(heap(8), 8, false, 0)
		s := l.state(pace{pause: false})
		var sample uint32
		s.seq, s.samples, s.rounds, s.polls = 1, &sample, 1, 1
		s.last = Calibrate().Now() - 1<<33
		raw.ping(s)
		if sample != 1<<32-1 {
			t.Errorf("%s: %d", raw.name, sample)
		}
	}
}
