package limits

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestEveryKindOfPayloadArrivesIntactBetweenTwoProcesses(t *testing.T) {
	for _, n := range []int{8, 56, 64, 72, 1024, 4096} {
		for _, pause := range []bool{false, true} {
			p := startPonger(t, n, 0, -1)
			const rounds = 300
			times := make([]int64, 0, rounds)
			// A payload that isn't what was sent makes Ping, or the ponger, fail.
			err := Ping(p.mem, n, rounds, pause, func(ns int64) { times = append(times, ns) }, 0)
			if err != nil {
				t.Fatalf("%d bytes, pause %v: %v", n, pause, err)
			}
			if err := p.wait(); err != nil {
				t.Fatalf("%d bytes, pause %v: ponger: %v", n, pause, err)
			}
			if len(times) != rounds || slices.Max(times) <= 0 || slices.Min(times) < 0 {
				t.Errorf("%d bytes, pause %v: %d times, %d to %d ns", n, pause, len(times), slices.Min(times), slices.Max(times))
			}
		}
	}
}

func TestPongReturnsWhenPingHasEndedAndCountsTheRounds(t *testing.T) {
	mem := heap(8)
	type result struct {
		rounds int
		err    error
	}
	for range 3 { // the numbers go on where the last call left them
		done := make(chan result)
		go func() {
			rounds, err := Pong(mem, 8, 0)
			done <- result{rounds, err}
		}()
		if err := Ping(mem, 8, 700, true, nil, 0); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != (result{701, nil}) {
			t.Fatalf("got %+v, want 700 rounds and one to start the clock", got)
		}
	}
}

func TestASilentPeerEndsPingAndPongWithAnError(t *testing.T) {
	const timeout = 20 * time.Millisecond
	if err := Ping(heap(8), 8, 10, false, nil, timeout); !errors.Is(err, ErrPeerGone) {
		t.Errorf("Ping: %v", err)
	}
	if _, err := Pong(heap(8), 8, timeout); !errors.Is(err, ErrPeerGone) {
		t.Errorf("Pong: %v", err)
	}
	if _, err := Probe(heap(8), timeout); !errors.Is(err, ErrPeerGone) {
		t.Errorf("Probe: %v", err)
	}
}

func TestAPeerThatFallsSilentBetweenRoundsEndsBothSidesWithAnError(t *testing.T) {
	for _, raw := range []engine{native(), portable} {
		var ping *link
		for timeout := 50 * time.Millisecond; ; timeout *= 4 {
			mem := heap(64)
			ping = newLink(mem, 64, false, 5*timeout)
			pong := newLink(mem, 64, true, timeout)
			ping.raw, pong.raw = raw, raw
			done := make(chan error, 1)
			go func() {
				_, err := pong.pong()
				done <- err
			}()
			// A series without an end leaves the ponger waiting …
			_, pinged := ping.ping(300, pace{pause: false})
			if err := <-done; !errors.Is(err, ErrPeerGone) {
				t.Errorf("%s: the ponger got %v", raw.name, err)
			}
			if pinged == nil {
				break
			}
			// If the machine stood still for longer than that, each was gone for
			// the other.
			if !errors.Is(pinged, ErrPeerGone) || timeout > time.Minute {
				t.Fatal(pinged)
			}
		}
		// … and with the ponger gone there is no answer in a loop either.
		s := ping.state(pace{pause: true})
		s.seq, s.samples = 1<<20, new(uint32)
		if n, err := ping.call(raw.ping, s, 1); n != 0 || err != nil || s.sent == 0 {
			t.Errorf("%s: %d rounds, sent %d, %v", raw.name, n, s.sent, err)
		}
	}
}

func TestDifferentPayloadSizesAreAMismatchOnBothSides(t *testing.T) {
	mem := heap(4096)
	done := make(chan error)
	go func() {
		_, err := Pong(mem, 4096, 0)
		done <- err
	}()
	if err := Ping(mem, 32, 10, false, nil, 0); !errors.Is(err, ErrMismatch) {
		t.Errorf("Ping: %v", err)
	}
	if err := <-done; !errors.Is(err, ErrMismatch) {
		t.Errorf("Pong: %v", err)
	}
}

func TestAPayloadThatIsNotWhatWasSentIsReported(t *testing.T) {
	for _, raw := range []engine{native(), portable} {
		l := newLink(heap(64), 64, false, 0)
		s := l.state(pace{pause: false})
		s.seq, s.samples = 7, new(uint32)
		send(l.far, l.words, 7) // the answer is there before the question
		area(l.far, 64)[3] ^= 1
		if n, err := l.call(raw.ping, s, 1); n != 1 || !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %d rounds, %v", raw.name, n, err)
		}
	}
}

func TestBadArgumentsPanic(t *testing.T) {
	mem := heap(4096)
	calls := map[string]func(){
		"payload of 0":        func() { Pong(mem, 0, 0) },
		"payload of 12":       func() { Pong(mem, 12, 0) },
		"payload of 4104":     func() { Ping(mem, 4104, 1, false, nil, 0) },
		"negative payload":    func() { Lines(-8) },
		"no memory":           func() { Pong(nil, 8, 0) },
		"short memory":        func() { Ping(mem[:MinMemory-8], 8, 1, false, nil, 0) },
		"short for 4096":      func() { Ping(mem[:MinMemory], 4096, 1, false, nil, 0) },
		"misaligned memory":   func() { RoundTrip(mem[64:], 8, time.Millisecond, 0) },
		"no rounds":           func() { Ping(mem, 8, 0, false, nil, 0) },
		"negative timeout":    func() { Pong(mem, 8, -1) },
		"empty copies":        func() { Memcpy(0, 64, time.Millisecond) },
		"copies that are big": func() { Memcpy(65, 64, time.Millisecond) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func TestLinesAndMemoryAreTheFewestThatHoldPayloadAndFlag(t *testing.T) {
	for _, c := range []struct{ bytes, lines, memory int }{
		{8, 1, 8192}, {32, 1, 8192}, {56, 1, 8192}, {64, 2, 8192}, {120, 2, 8192}, {128, 3, 8192},
		{3832, 60, 8192}, {3840, 61, 8320}, {4096, 65, 8576},
	} {
		if l, m := Lines(c.bytes), MemoryFor(c.bytes); l != c.lines || m != c.memory {
			t.Errorf("%d bytes: %d lines, %d bytes of memory, want %d and %d", c.bytes, l, m, c.lines, c.memory)
		}
	}
}
