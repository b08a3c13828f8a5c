package conform

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Contexts, and what waits.
var waitingCases = []test{
	{name: "RecvWaitsForAMessage", run: func(p *pair) {
		wait := async(func() error {
			m, err := p.b.Recv(p.ctx)
			if err == nil && string(m.Payload) != "late" {
				err = fmt.Errorf("%q", m.Payload)
			}
			return err
		})
		blocked()
		p.send(p.a, "late")
		p.must(wait(p))
	}},
	{name: "RecvReturnsWhenItsContextIsCancelled", run: func(p *pair) {
		ctx, cancel := context.WithCancel(p.ctx)
		wait := async(func() error { _, err := p.b.Recv(ctx); return err })
		blocked()
		cancel()
		if err := wait(p); err != context.Canceled {
			p.Fatal(err)
		}
	}},
	{name: "RecvReturnsAtItsDeadline", run: func(p *pair) {
		ctx, cancel := context.WithTimeout(p.ctx, 10*time.Millisecond)
		defer cancel()
		if _, err := p.b.Recv(ctx); err != context.DeadlineExceeded {
			p.Fatal(err)
		}
	}},
	{name: "RecvWithAnEndedContextReturnsItsError", run: func(p *pair) {
		ctx, cancel := context.WithCancel(p.ctx)
		cancel()
		if _, err := p.b.Recv(ctx); err != context.Canceled {
			p.Fatal(err)
		}
	}},
	{name: "AfterACancelledRecvNothingIsMissing", run: func(p *pair) {
		for i := range 20 {
			ctx, cancel := context.WithTimeout(p.ctx, time.Millisecond)
			if _, err := p.b.Recv(ctx); err != context.DeadlineExceeded {
				p.Fatal(err)
			}
			cancel()
			p.send(p.a, fmt.Sprint(i))
			p.expect(p.b, fmt.Sprint(i))
		}
	}},
	{name: "TheSameContextServesManyCalls", run: func(p *pair) {
		ctx, cancel := context.WithCancel(p.ctx)
		for i := range 50 {
			p.must(p.a.Send(ctx, 0, []byte{byte(i)}))
			if m, err := p.b.Recv(ctx); err != nil || m.Payload[0] != byte(i) {
				p.Fatal(err)
			}
		}
		cancel()
		if _, err := p.b.Recv(ctx); err != context.Canceled {
			p.Fatal(err)
		}
		p.send(p.a, "again")
		p.expect(p.b, "again")
	}},
	{name: "SendWaitsForRoom", not: datagrams, run: func(p *pair) {
		block := pattern(min(p.a.MaxMessage(), 32<<10), 9)
		n := p.fill(p.a, block)
		wait := async(func() error { return p.a.Send(p.ctx, 1, []byte("behind")) })
		for range n {
			if m := p.recv(p.b); !bytes.Equal(m.Payload, block) {
				p.Fatal("a block differs")
			}
		}
		p.must(wait(p))
		p.expect(p.b, "behind")
	}},
	{name: "ASendThatIsCancelledWhileFullSentNothingOrAll", not: datagrams, run: func(p *pair) {
		block := pattern(min(p.a.MaxMessage(), 32<<10), 3)
		n := p.fill(p.a, block)
		more := 0
		for range 3 {
			ctx, cancel := context.WithTimeout(p.ctx, 5*time.Millisecond)
			switch err := p.a.Send(ctx, 0, block); err {
			case nil:
				more++
			case context.DeadlineExceeded:
			default:
				p.Fatal(err)
			}
			cancel()
		}
		wait := async(func() error { return p.a.CloseSend() })
		for range n + more {
			if m := p.recv(p.b); !bytes.Equal(m.Payload, block) {
				p.Fatal("a block differs")
			}
		}
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
		p.must(wait(p))
	}},
	{name: "SendWithAnEndedContextWhileFullReturnsItsError", not: datagrams, run: func(p *pair) {
		p.fill(p.a, pattern(min(p.a.MaxMessage(), 32<<10), 3))
		ctx, cancel := context.WithCancel(p.ctx)
		cancel()
		for p.ctx.Err() == nil {
			err := p.a.Send(ctx, 0, make([]byte, min(p.a.MaxMessage(), 32<<10)))
			if err == context.Canceled {
				return
			}
			p.must(err) // there was room
		}
		p.Fatal("it never is full")
	}},
	{name: "ASlowReceiverHoldsTheSenderUpAndLosesNothing", not: datagrams, run: func(p *pair) {
		const n = 3000
		wait := async(func() error {
			for i := range n {
				if err := p.a.Send(p.ctx, uint16(i), pattern(1000, byte(i))); err != nil {
					return err
				}
			}
			return p.a.CloseSend()
		})
		for i := range n {
			if i%500 == 0 {
				blocked()
			}
			if m := p.recv(p.b); m.Type != uint16(i) || !bytes.Equal(m.Payload, pattern(1000, byte(i))) {
				p.Fatalf("message %d: type %d, %d bytes", i, m.Type, len(m.Payload))
			}
		}
		p.must(wait(p))
	}},
	{name: "AFullDirectionDoesNotBlockTheOther", not: datagrams, run: func(p *pair) {
		p.fill(p.a, pattern(min(p.a.MaxMessage(), 32<<10), 3))
		for i := range 100 {
			p.send(p.b, fmt.Sprint(i))
			p.expect(p.a, fmt.Sprint(i))
		}
	}},
	{name: "SendReturnsAtItsDeadlineWhileFull", not: datagrams, run: func(p *pair) {
		block := pattern(min(p.a.MaxMessage(), 32<<10), 3)
		p.fill(p.a, block)
		for p.ctx.Err() == nil {
			ctx, cancel := context.WithTimeout(p.ctx, 5*time.Millisecond)
			err := p.a.Send(ctx, 0, block)
			cancel()
			if err == context.DeadlineExceeded {
				return
			}
			p.must(err) // there was room, or it had begun
		}
		p.Fatal("it never is full")
	}},
	{name: "WithAnEndedContextSendSendsAllOrNothing", run: func(p *pair) {
		ctx, cancel := context.WithCancel(p.ctx)
		cancel()
		err := p.a.Send(ctx, 1, []byte("with an ended context"))
		if err != nil && err != context.Canceled {
			p.Fatal(err)
		}
		p.send(p.a, "behind")
		if err == nil {
			p.expect(p.b, "with an ended context")
		}
		p.expect(p.b, "behind")
	}},
	{name: "ACancelledRecvDoesNotEatTheEnd", run: func(p *pair) {
		ctx, cancel := context.WithCancel(p.ctx)
		wait := async(func() error { _, err := p.b.Recv(ctx); return err })
		blocked()
		cancel()
		if err := wait(p); err != context.Canceled {
			p.Fatal(err)
		}
		p.must(p.a.CloseSend())
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "ContextsOfAllKindsMayAlternate", run: func(p *pair) {
		for i := range 60 {
			ctx, cancel := p.ctx, func() {}
			switch i % 3 {
			case 1:
				ctx, cancel = context.WithCancel(p.ctx)
			case 2:
				ctx = context.Background()
			}
			p.must(p.a.Send(ctx, 0, []byte{byte(i)}))
			if m, err := p.b.Recv(ctx); err != nil || m.Payload[0] != byte(i) {
				p.Fatal(i, err)
			}
			cancel()
		}
	}},
	{name: "NothingIsMissingBetweenDeadlinesThatPassAmidTheTraffic", not: datagrams, run: func(p *pair) {
		const n = 2000
		wait := async(func() error { return numbers(p.ctx, p.a, 0, n) })
		for i, next := 0, uint64(0); next < n; i++ {
			ctx, cancel := context.WithTimeout(p.ctx, time.Duration(1+i%8)*20*time.Microsecond)
			if i%8 == 7 { // where nothing is in time
				ctx = p.ctx
			}
			m, err := p.b.Recv(ctx)
			switch {
			case err == context.DeadlineExceeded:
			case err != nil:
				p.Fatal(err)
			case binary.LittleEndian.Uint64(m.Payload) != next:
				p.Fatalf("received %x, want %d", m.Payload, next)
			default:
				next++
			}
			cancel()
		}
		p.must(wait(p))
	}},
	{name: "WhatWasSentWithDeadlinesThatPassIsWhatArrives", not: datagrams, run: func(p *pair) {
		const n = 300
		sent := make(chan uint64, n)
		wait := async(func() error {
			for i := range uint64(n) {
				ctx, cancel := context.WithTimeout(p.ctx, 200*time.Microsecond)
				b := pattern(min(p.a.MaxMessage(), 8<<10), 1)
				binary.LittleEndian.PutUint64(b, i)
				err := p.a.Send(ctx, 0, b)
				cancel()
				switch err {
				case nil:
					sent <- i
				case context.DeadlineExceeded:
				default:
					return err
				}
			}
			close(sent)
			return p.a.CloseSend()
		})
		var got []uint64
		for {
			m, err := p.b.Recv(p.ctx)
			if err == io.EOF {
				break
			}
			p.must(err)
			got = append(got, binary.LittleEndian.Uint64(m.Payload))
		}
		p.must(wait(p))
		i := 0
		for want := range sent {
			if i == len(got) || got[i] != want {
				p.Fatalf("number %d of what arrived is not %d", i, want)
			}
			i++
		}
		if i != len(got) {
			p.Fatalf("%d arrived, %d were sent", len(got), i)
		}
	}},
	{name: "BothSidesMayBeFullAtTheSameTime", not: datagrams, run: func(p *pair) {
		block := pattern(min(p.a.MaxMessage(), 32<<10), 5)
		there, back := p.fill(p.a, block), p.fill(p.b, block)
		for range there {
			p.recv(p.b)
		}
		for range back {
			p.recv(p.a)
		}
		w1 := async(func() error { return p.a.Send(p.ctx, 0, []byte("there")) })
		w2 := async(func() error { return p.b.Send(p.ctx, 0, []byte("back")) })
		p.expect(p.b, "there")
		p.expect(p.a, "back")
		p.must(w1(p))
		p.must(w2(p))
	}},
}
