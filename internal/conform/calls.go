package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ringway/ringway/internal/errs"
)

func echo(_ context.Context, _ uint16, request, dst []byte) ([]byte, error) {
	return append(dst, request...), nil
}

// serve has b serve until the test ends, which closes both sides and ends p.ctx.
func (p *pair) serve(b Conn, workers int, handle func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error)) {
	p.Helper()
	wait := async(func() error { return b.Serve(p.ctx, workers, handle) })
	p.Cleanup(func() {
		if err := wait(p); err != nil && !errors.Is(err, errs.Closed) && err != context.Canceled && !errors.Is(err, errs.PeerDead) {
			p.Error(err)
		}
	})
}

// Questions and their answers.
var callCases = []test{
	{name: "ACallIsAnswered", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		p.serve(b, 1, echo)
		for i := range 200 {
			q := fmt.Appendf(nil, "question %d", i)
			if answer, err := a.Call(p.ctx, uint16(i), q, nil); err != nil || !bytes.Equal(answer, q) {
				p.Fatalf("%q, %v", answer, err)
			}
		}
	}},
	{name: "CallsOfManyGoroutinesGetTheirOwnAnswers", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		p.serve(b, 4, echo)
		var waits []func(*pair) error
		for g := range 8 {
			waits = append(waits, async(func() error {
				for i := range 100 {
					q := fmt.Appendf(nil, "%d of %d", i, g)
					if answer, err := a.Call(p.ctx, 0, q, nil); err != nil || !bytes.Equal(answer, q) {
						return fmt.Errorf("%q, %v", answer, err)
					}
				}
				return nil
			}))
		}
		for _, wait := range waits {
			p.must(wait(p))
		}
	}},
	{name: "BothSidesMayAsk", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		p.serve(b, 1, echo)
		served := async(func() error { return a.Serve(p.ctx, 1, echo) })
		w1 := async(func() error {
			for range 100 {
				if answer, err := a.Call(p.ctx, 0, []byte("there"), nil); err != nil || string(answer) != "there" {
					return fmt.Errorf("%q, %v", answer, err)
				}
			}
			return nil
		})
		for range 100 {
			if answer, err := b.Call(p.ctx, 0, []byte("back"), nil); err != nil || string(answer) != "back" {
				p.Fatalf("%q, %v", answer, err)
			}
		}
		p.must(w1(p))
		p.must(a.Close())
		if err := served(p); !errors.Is(err, errs.Closed) {
			p.Error(err)
		}
	}},
	{name: "TheLargestQuestionIsAnswered", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		p.serve(b, 1, func(_ context.Context, _ uint16, request, dst []byte) ([]byte, error) {
			return append(dst, request[len(request)-1]), nil
		})
		q := pattern(a.MaxMessage()-8, 3)
		if answer, err := a.Call(p.ctx, 0, q, nil); err != nil || len(answer) != 1 || answer[0] != q[len(q)-1] {
			p.Fatal(answer, err)
		}
		if _, err := a.Call(p.ctx, 0, make([]byte, a.MaxMessage()+1), nil); !errors.Is(err, errs.TooLarge) {
			p.Fatal(err)
		}
		if answer, err := a.Call(p.ctx, 0, []byte("x"), nil); err != nil || string(answer) != "x" {
			p.Fatal(answer, err)
		}
	}},
	{name: "AHandlersErrorIsTheCalls", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		p.serve(b, 1, func(_ context.Context, _ uint16, _, dst []byte) ([]byte, error) { return dst, errors.New("no") })
		if _, err := a.Call(p.ctx, 0, []byte("may I?"), nil); err == nil || err.Error() != "no" {
			p.Fatal(err)
		}
	}},
	{name: "AnAnswerThatComesTooLateIsNobodyElses", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		goOn := make(chan struct{})
		p.serve(b, 2, func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error) {
			if typ == 1 {
				<-goOn
			}
			return append(dst, request...), nil
		})
		ctx, cancel := context.WithCancel(p.ctx)
		wait := async(func() error { _, err := a.Call(ctx, 1, []byte("late"), nil); return err })
		blocked()
		cancel()
		if err := wait(p); err != context.Canceled {
			p.Fatal(err)
		}
		close(goOn)
		for i := range 50 {
			q := fmt.Appendf(nil, "question %d", i)
			if answer, err := a.Call(p.ctx, 0, q, nil); err != nil || !bytes.Equal(answer, q) {
				p.Fatalf("%q, %v", answer, err)
			}
		}
	}},
	{name: "CloseEndsACallThatWaits", not: datagrams | links, run: func(p *pair) {
		a, _ := p.conns()
		wait := async(func() error { _, err := a.Call(p.ctx, 0, []byte("anybody?"), nil); return err })
		blocked()
		p.must(a.Close())
		if err := wait(p); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "TheOthersCloseEndsACallThatWaits", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		wait := async(func() error { _, err := a.Call(p.ctx, 0, []byte("anybody?"), nil); return err })
		blocked()
		p.must(b.Close())
		if err := wait(p); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
		if _, err := a.Call(p.ctx, 0, nil, nil); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{name: "WhoServesEndsWithTheOthersEnd", not: datagrams | links, run: func(p *pair) {
		_, b := p.conns()
		wait := async(func() error { return b.Serve(p.ctx, 1, echo) })
		blocked()
		p.must(p.a.CloseSend())
		p.must(wait(p))
		if _, err := b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
}
