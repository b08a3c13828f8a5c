package conform

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ringway/ringway/internal/errs"
)

var cases = []test{
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
	{name: "ANumberArrivesBeforeThePayload", run: func(p *pair) {
		p.must(p.a.SendCorrelated(p.ctx, 7, 1<<63|5, []byte("question")))
		m := p.recv(p.b)
		if !m.Correlated || m.Type != 7 || len(m.Payload) != 16 ||
			binary.LittleEndian.Uint64(m.Payload) != 1<<63|5 || string(m.Payload[8:]) != "question" {
			p.Fatalf("%+v", m)
		}
	}},
	{name: "NumberedAndPlainMessagesMix", run: func(p *pair) {
		for i := range 100 {
			if i%3 == 0 {
				p.must(p.a.SendCorrelated(p.ctx, 1, uint64(i), nil))
			} else {
				p.must(p.a.Send(p.ctx, 2, []byte{byte(i)}))
			}
			m := p.recv(p.b)
			if m.Correlated != (i%3 == 0) || m.Payload[0] != byte(i) {
				p.Fatalf("%d: %+v", i, m)
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
	{name: "QuestionAndAnswerAlternate", run: func(p *pair) {
		wait := async(func() error {
			for range 1000 {
				m, err := p.b.Recv(p.ctx)
				if err == nil {
					err = p.b.Send(p.ctx, m.Type+1, m.Payload)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		for i := range 1000 {
			p.must(p.a.Send(p.ctx, uint16(i), fmt.Appendf(nil, "question %d", i)))
			if m := p.recv(p.a); m.Type != uint16(i)+1 || string(m.Payload) != fmt.Sprintf("question %d", i) {
				p.Fatalf("%d: %+v", i, m)
			}
		}
		p.must(wait(p))
	}},
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
	{name: "AfterTheEndComesEOF", run: func(p *pair) {
		p.send(p.a, "last")
		p.must(p.a.CloseSend())
		p.expect(p.b, "last")
		for range 3 {
			if _, err := p.b.Recv(p.ctx); err != io.EOF {
				p.Fatal(err)
			}
		}
	}},
	{name: "WhoWaitsLearnsOfTheEnd", run: func(p *pair) {
		wait := async(func() error { _, err := p.b.Recv(p.ctx); return err })
		blocked()
		p.must(p.a.CloseSend())
		if err := wait(p); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "TheOtherDirectionGoesOnAfterTheEndOfOne", run: func(p *pair) {
		p.must(p.a.CloseSend())
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
		for i := range 100 {
			p.send(p.b, fmt.Sprint(i))
			p.expect(p.a, fmt.Sprint(i))
		}
		p.must(p.b.CloseSend())
		if _, err := p.a.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "AfterTheEndNothingCanBeSent", run: func(p *pair) {
		p.must(p.a.CloseSend())
		if err := p.a.Send(p.ctx, 0, []byte("x")); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
		if err := p.a.CloseSend(); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "EverythingSentBeforeCloseArrives", not: datagrams, run: func(p *pair) {
		for i := range 100 {
			p.send(p.a, fmt.Sprint(i))
		}
		p.must(p.a.Close())
		for i := range 100 {
			p.expect(p.b, fmt.Sprint(i))
		}
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "WhatIsUnreadHereDoesNotKeepWhatWasSentFromArriving", not: datagrams, run: func(p *pair) {
		for i := range 50 {
			p.send(p.b, "never read")
			p.send(p.a, fmt.Sprint(i))
		}
		p.must(p.a.Close())
		for i := range 50 {
			p.expect(p.b, fmt.Sprint(i))
		}
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "WhoWaitsLearnsOfTheOthersClose", run: func(p *pair) {
		wait := async(func() error { _, err := p.b.Recv(p.ctx); return err })
		blocked()
		p.must(p.a.Close())
		if err := wait(p); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "SendingToOneWhoHasClosedFails", not: datagrams, run: func(p *pair) {
		p.must(p.a.Close())
		for {
			err := p.b.Send(p.ctx, 0, []byte("anybody?"))
			if errors.Is(err, errs.PeerDead) {
				return
			}
			p.must(err)
		}
	}},
	{name: "ASendThatWaitsFailsWhenTheOtherCloses", not: datagrams, run: func(p *pair) {
		block := make([]byte, min(p.a.MaxMessage(), 32<<10))
		p.fill(p.b, block)
		wait := async(func() error {
			for {
				if err := p.b.Send(p.ctx, 0, block); err != nil {
					return err
				}
			}
		})
		blocked()
		p.must(p.a.Close())
		if err := wait(p); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{name: "CloseEndsARecvThatWaits", run: func(p *pair) {
		wait := async(func() error { _, err := p.a.Recv(p.ctx); return err })
		blocked()
		p.must(p.a.Close())
		if err := wait(p); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "CloseEndsASendThatWaits", not: datagrams, run: func(p *pair) {
		block := make([]byte, min(p.a.MaxMessage(), 32<<10))
		p.fill(p.a, block)
		wait := async(func() error {
			for {
				if err := p.a.Send(p.ctx, 0, block); err != nil {
					return err
				}
			}
		})
		blocked()
		p.must(p.a.Close())
		if err := wait(p); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "CloseEndsBothAtTheSameTime", not: datagrams, run: func(p *pair) {
		block := make([]byte, min(p.a.MaxMessage(), 32<<10))
		p.fill(p.a, block)
		w1 := async(func() error {
			for {
				if err := p.a.Send(p.ctx, 0, block); err != nil {
					return err
				}
			}
		})
		w2 := async(func() error { _, err := p.a.Recv(p.ctx); return err })
		blocked()
		p.must(p.a.Close())
		if err := errors.Join(w1(p), w2(p)); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "AfterCloseEverythingReturnsErrClosed", run: func(p *pair) {
		p.must(p.a.Close())
		_, err := p.a.Recv(p.ctx)
		for what, err := range map[string]error{
			"send": p.a.Send(p.ctx, 0, []byte("x")), "receive": err, "end": p.a.CloseSend(), "close": p.a.Close(),
			"send, numbered": p.a.SendCorrelated(p.ctx, 0, 1, nil),
		} {
			if !errors.Is(err, errs.Closed) {
				p.Errorf("%s: %v", what, err)
			}
		}
	}},
	{name: "OnlyTheFirstOfManyClosesSucceeds", run: func(p *pair) {
		var wg sync.WaitGroup
		results := make(chan error, 8)
		for range cap(results) {
			wg.Go(func() { results <- p.a.Close() })
		}
		wg.Wait()
		good := 0
		for range cap(results) {
			if err := <-results; err == nil {
				good++
			} else if !errors.Is(err, errs.Closed) {
				p.Error(err)
			}
		}
		if good != 1 {
			p.Errorf("%d of them did", good)
		}
	}},
	{name: "BothMayCloseAtTheSameTime", run: func(p *pair) {
		wait := async(p.b.Close)
		p.must(p.a.Close())
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
	{name: "SendingAndReceivingAllocateNothing", run: func(p *pair) {
		payload := pattern(64, 1)
		allocs := allocsPerRun(200, func() {
			p.must(p.a.Send(p.ctx, 0, payload))
			p.recv(p.b)
		})
		if allocs >= 1 {
			p.Errorf("%v allocations a message", allocs)
		}
	}},
	{name: "LargeMessagesAllocateNothingOnceTheBufferHasGrown", not: datagrams, run: func(p *pair) {
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
}
