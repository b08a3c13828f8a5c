package conform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ringway/ringway/internal/errs"
)

// The end of a direction, and of the connection.
var endCases = []test{
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
	{name: "BothSidesMayEndAtTheSameTime", run: func(p *pair) {
		wait := async(p.b.CloseSend)
		p.must(p.a.CloseSend())
		p.must(wait(p))
		for _, l := range []Link{p.a, p.b} {
			if _, err := l.Recv(p.ctx); err != io.EOF {
				p.Fatal(err)
			}
		}
	}},
	{name: "TheEndDoesNotOvertakeWhatIsHeldUp", not: datagrams, run: func(p *pair) {
		block := pattern(min(p.a.MaxMessage(), 32<<10), 3)
		n := p.fill(p.a, block)
		wait := async(p.a.CloseSend)
		for range n {
			if m := p.recv(p.b); !bytes.Equal(m.Payload, block) {
				p.Fatal("a block differs")
			}
		}
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
		p.must(wait(p))
	}},
	{name: "WhoHasEndedLearnsOfTheOthersClose", run: func(p *pair) {
		p.must(p.a.CloseSend())
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
		p.must(p.b.Close())
		for range 2 {
			if _, err := p.a.Recv(p.ctx); err != io.EOF {
				p.Fatal(err)
			}
		}
	}},
	{name: "AnEndWithoutMessagesIsAnEnd", run: func(p *pair) {
		p.must(p.a.CloseSend())
		p.must(p.b.CloseSend())
		p.must(p.a.Close())
		if _, err := p.b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "CloseOnTheSideThatIsFullHangsNobody", not: datagrams, run: func(p *pair) {
		p.fill(p.a, pattern(min(p.a.MaxMessage(), 32<<10), 3))
		wait := async(p.a.Close)
		p.must(wait(p))
		wait = async(p.b.Close)
		p.must(wait(p))
	}},
}
