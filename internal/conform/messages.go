package conform

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ringway/ringway/internal/errs"
)

// What arrives, and in which order.
var messageCases = []test{
	{name: "AMessageArrives", run: func(p *pair) {
		p.send(p.a, "hello")
		p.expect(p.b, "hello")
	}},
	{name: "AMessageArrivesInTheOtherDirection", run: func(p *pair) {
		p.send(p.b, "hello")
		p.expect(p.a, "hello")
	}},
	{name: "TheTypeArrives", run: func(p *pair) {
		for _, typ := range []uint16{0, 1, 0x7fff, 0xffff} {
			p.must(p.a.Send(p.ctx, typ, []byte("x")))
			if m := p.recv(p.b); m.Type != typ || m.Correlated {
				p.Fatalf("type %d, want %d; correlated: %v", m.Type, typ, m.Correlated)
			}
		}
	}},
	{name: "AnEmptyMessageIsAMessage", run: func(p *pair) {
		p.must(p.a.Send(p.ctx, 3, nil))
		p.must(p.a.Send(p.ctx, 4, []byte{}))
		p.send(p.a, "x")
		for _, typ := range []uint16{3, 4} {
			if m := p.recv(p.b); len(m.Payload) != 0 || m.Type != typ {
				p.Fatalf("%+v", m)
			}
		}
		p.expect(p.b, "x")
	}},
	{name: "MessagesOfAllSmallSizesArriveWhole", run: func(p *pair) {
		for n := range 300 {
			s := strings.Repeat(string(rune('a'+n%26)), n)
			p.send(p.a, s)
			p.expect(p.b, s)
		}
	}},
	{name: "MessagesAroundPowersOfTwoArriveWhole", run: func(p *pair) {
		for n := 256; n <= min(p.a.MaxMessage(), 1<<20); n *= 2 {
			for _, d := range []int{-9, -8, -1, 0, 1, 8, 9} {
				if n+d > p.a.MaxMessage() {
					continue
				}
				want := pattern(n+d, byte(n+d))
				wait := async(func() error { return p.a.Send(p.ctx, 0, want) })
				if m := p.recv(p.b); !bytes.Equal(m.Payload, want) {
					p.Fatalf("%d bytes differ", n+d)
				}
				p.must(wait(p))
			}
		}
	}},
	{name: "TheLargestMessageArrives", run: func(p *pair) {
		want := pattern(p.a.MaxMessage(), 1)
		wait := async(func() error { return p.a.Send(p.ctx, 0, want) })
		if m := p.recv(p.b); !bytes.Equal(m.Payload, want) {
			p.Fatal("it differs")
		}
		p.must(wait(p))
	}},
	{name: "AMessageThatIsTooLargeIsRefusedAndHarmsNothing", run: func(p *pair) {
		err := p.a.Send(p.ctx, 0, make([]byte, p.a.MaxMessage()+1))
		if !errors.Is(err, errs.TooLarge) {
			p.Fatal(err)
		}
		p.send(p.a, "small")
		p.expect(p.b, "small")
	}},
	{name: "BothSidesTakeMessagesOfTheSameSize", run: func(p *pair) {
		if p.a.MaxMessage() != p.b.MaxMessage() || p.a.MaxMessage() < 400 {
			p.Fatal(p.a.MaxMessage(), p.b.MaxMessage())
		}
	}},
	{name: "ThePayloadMayBeReusedAfterSend", run: func(p *pair) {
		buf := []byte("first")
		p.must(p.a.Send(p.ctx, 0, buf))
		copy(buf, "other")
		p.expect(p.b, "first")
	}},
	{name: "ThePayloadIsValidUntilTheNextRecv", run: func(p *pair) {
		p.send(p.a, "one")
		p.send(p.a, "two")
		m := p.recv(p.b)
		p.send(p.a, strings.Repeat("three", 50))
		if string(m.Payload) != "one" {
			p.Fatalf("%q", m.Payload)
		}
		p.expect(p.b, "two")
	}},
	{name: "MessagesStayInOrder", not: datagrams, run: func(p *pair) {
		const n = 20_000
		wait := async(func() error { return numbers(p.ctx, p.a, 0, n) })
		p.expectNumbers(p.b, 0, n)
		p.must(wait(p))
	}},
	{name: "BothDirectionsCarryMessagesAtTheSameTime", not: datagrams, run: func(p *pair) {
		const n = 5000
		w1 := async(func() error { return numbers(p.ctx, p.a, 0, n) })
		w2 := async(func() error { return numbers(p.ctx, p.b, 1<<32, n) })
		r := async(func() error { return readNumbers(p.ctx, p.a, 1<<32, n) })
		p.expectNumbers(p.b, 0, n)
		p.must(w1(p))
		p.must(w2(p))
		p.must(r(p))
	}},
	{name: "LargeAndSmallMessagesMixInOrder", not: datagrams, run: func(p *pair) {
		size := func(i int) int { return (i * 7919) % min(p.a.MaxMessage(), 100_000) }
		wait := async(func() error {
			for i := range 200 {
				if err := p.a.Send(p.ctx, uint16(i), pattern(size(i), byte(i))); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range 200 {
			if m := p.recv(p.b); m.Type != uint16(i) || !bytes.Equal(m.Payload, pattern(size(i), byte(i))) {
				p.Fatalf("message %d has type %d and %d bytes, or differs", i, m.Type, len(m.Payload))
			}
		}
		p.must(wait(p))
	}},
	{name: "ConnectionsDoNotMix", run: func(p *pair) {
		c, d := p.traits.Connect(p.T)
		defer c.Close()
		defer d.Close()
		for i := range 100 {
			p.send(p.a, fmt.Sprint("first ", i))
			p.send(c, fmt.Sprint("second ", i))
			p.expect(d, fmt.Sprint("second ", i))
			p.expect(p.b, fmt.Sprint("first ", i))
		}
		p.must(c.Close())
		p.send(p.a, "still there")
		p.expect(p.b, "still there")
	}},
	{name: "SendingAndReceivingAllocateNothing", not: company, run: func(p *pair) {
		payload := pattern(64, 1)
		allocs := allocsPerRun(200, func() {
			p.must(p.a.Send(p.ctx, 0, payload))
			p.recv(p.b)
		})
		if allocs >= 1 {
			p.Errorf("%v allocations a message", allocs)
		}
	}},
	{name: "LargeMessagesAllocateNothingOnceTheBufferHasGrown", not: datagrams | company, run: func(p *pair) {
		payload := pattern(min(p.a.MaxMessage(), 60_000), 1)
		once := func() {
			p.must(p.a.Send(p.ctx, 0, payload))
			p.recv(p.b)
		}
		once()
		if allocs := allocsPerRun(100, once); allocs >= 1 {
			p.Errorf("%v allocations a message", allocs)
		}
	}},
	{name: "TheLargestMessagesCross", not: datagrams, run: func(p *pair) {
		for i := range 4 {
			want := pattern(p.a.MaxMessage(), byte(i))
			w1 := async(func() error { return p.a.Send(p.ctx, 1, want) })
			w2 := async(func() error { return p.b.Send(p.ctx, 2, want) })
			for _, l := range []Link{p.a, p.b} {
				if m := p.recv(l); !bytes.Equal(m.Payload, want) {
					p.Fatal("it differs")
				}
			}
			p.must(w1(p))
			p.must(w2(p))
		}
	}},
	{name: "GoroutinesMayTakeTurns", not: datagrams, run: func(p *pair) {
		const goroutines, each = 8, 100
		var mu sync.Mutex
		var next uint64
		var waits []func(*pair) error
		for range goroutines {
			waits = append(waits, async(func() error {
				for range each {
					mu.Lock()
					err := numbers(p.ctx, p.a, next, 1)
					next++
					mu.Unlock()
					if err != nil {
						return err
					}
				}
				return nil
			}))
		}
		p.expectNumbers(p.b, 0, goroutines*each)
		for _, wait := range waits {
			p.must(wait(p))
		}
	}},
	{name: "EmptyMessagesByTheThousandHoldNothingUp", not: datagrams, run: func(p *pair) {
		const n = 5000
		wait := async(func() error {
			for i := range n {
				if err := p.a.Send(p.ctx, uint16(i), nil); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range n {
			if m := p.recv(p.b); len(m.Payload) != 0 || m.Type != uint16(i) {
				p.Fatalf("%d: %+v", i, m)
			}
		}
		p.must(wait(p))
	}},
}
