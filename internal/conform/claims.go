package conform

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// Conn is a Link with all that connections of package ringway have. Tests of that
// are left out for those that haven't.
type Conn interface {
	Link
	Claim(ctx context.Context, n int) ([]byte, error)
	Commit(ctx context.Context, typ uint16) error
	Messages(ctx context.Context) iter.Seq2[ring.Message, error]
	Call(ctx context.Context, typ uint16, request, into []byte) ([]byte, error)
	Serve(ctx context.Context, workers int, handle func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error)) error
	Transport() fallback.Transport
	PeerIdentity() fallback.Identity
}

// conns returns both ends as connections.
func (p *pair) conns() (a, b Conn) { return p.a.(Conn), p.b.(Conn) }

// Claims, loops over messages, and who is there.
var claimCases = []test{
	{name: "AClaimIsFilledAndCommitted", not: links, run: func(p *pair) {
		a, _ := p.conns()
		for i := range 100 {
			buf, err := a.Claim(p.ctx, 5)
			p.must(err)
			if len(buf) != 5 {
				p.Fatal(len(buf))
			}
			copy(buf, "claim")
			p.must(a.Commit(p.ctx, uint16(i)))
			if m := p.recv(p.b); string(m.Payload) != "claim" || m.Type != uint16(i) {
				p.Fatalf("%+v", m)
			}
		}
	}},
	{name: "AClaimThatIsGivenBackIsNeverSeen", not: links, run: func(p *pair) {
		a, _ := p.conns()
		buf, err := a.Claim(p.ctx, 100)
		p.must(err)
		copy(buf, "never")
		p.send(p.a, "instead")
		buf, err = a.Claim(p.ctx, 3)
		p.must(err)
		copy(buf, "one")
		buf, err = a.Claim(p.ctx, 3) // of two the last one counts
		p.must(err)
		copy(buf, "two")
		p.must(a.Commit(p.ctx, 0))
		p.expect(p.b, "instead")
		p.expect(p.b, "two")
	}},
	{name: "AClaimMayBeEmpty", not: links, run: func(p *pair) {
		a, _ := p.conns()
		_, err := a.Claim(p.ctx, 0)
		p.must(err)
		p.must(a.Commit(p.ctx, 77))
		if m := p.recv(p.b); len(m.Payload) != 0 || m.Type != 77 {
			p.Fatalf("%+v", m)
		}
	}},
	{name: "AClaimIsAsLargeAsAMessageMayBeAndNotLarger", not: links, run: func(p *pair) {
		a, _ := p.conns()
		if _, err := a.Claim(p.ctx, a.MaxMessage()+1); !errors.Is(err, errs.TooLarge) {
			p.Fatal(err)
		}
		buf, err := a.Claim(p.ctx, a.MaxMessage())
		p.must(err)
		want := pattern(a.MaxMessage(), 5)
		copy(buf, want)
		wait := async(func() error { return a.Commit(p.ctx, 0) })
		if m := p.recv(p.b); string(m.Payload) != string(want) {
			p.Fatal("it differs")
		}
		p.must(wait(p))
	}},
	{name: "ClaimsWaitForRoom", not: datagrams | links, run: func(p *pair) {
		a, _ := p.conns()
		const n, size = 200, 3000
		wait := async(func() error {
			for i := range n {
				buf, err := a.Claim(p.ctx, size)
				if err != nil {
					return err
				}
				copy(buf, pattern(size, byte(i)))
				if err := a.Commit(p.ctx, uint16(i)); err != nil {
					return err
				}
			}
			return nil
		})
		blocked()
		for i := range n {
			if m := p.recv(p.b); m.Type != uint16(i) || string(m.Payload) != string(pattern(size, byte(i))) {
				p.Fatalf("%d has type %d and %d bytes, or differs", i, m.Type, len(m.Payload))
			}
		}
		p.must(wait(p))
	}},
	{name: "CloseEndsAClaimThatWaits", not: datagrams | links, run: func(p *pair) {
		a, _ := p.conns()
		size := min(a.MaxMessage(), 32<<10)
		p.fill(p.a, make([]byte, size))
		wait := async(func() error {
			for {
				if _, err := a.Claim(p.ctx, size); err != nil {
					return err
				}
				if err := a.Commit(p.ctx, 0); err != nil {
					return err
				}
			}
		})
		blocked()
		p.must(a.Close())
		if err := wait(p); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "AClaimOpenWhileTheOtherClosesComesToNothing", not: datagrams | links, run: func(p *pair) {
		a, b := p.conns()
		for {
			buf, err := a.Claim(p.ctx, 64)
			if err == nil {
				_ = b.Close()
				for i := range buf { // still ours to write
					buf[i] = byte(i)
				}
				err = a.Commit(p.ctx, 0)
			}
			if errors.Is(err, errs.PeerDead) {
				return
			}
			p.must(err) // nobody has noticed yet
		}
	}},
	{name: "AClaimOpenAtCloseComesToNothing", not: links, run: func(p *pair) {
		a, b := p.conns()
		buf, err := a.Claim(p.ctx, 64)
		p.must(err)
		p.must(a.Close())
		for i := range buf {
			buf[i] = byte(i)
		}
		if err := a.Commit(p.ctx, 0); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
		if _, err := b.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
	{name: "ALoopThatIsBrokenOffLeavesTheRest", not: links, run: func(p *pair) {
		_, b := p.conns()
		for _, s := range []string{"one", "two", "three", "four"} {
			p.send(p.a, s)
		}
		for m, err := range b.Messages(p.ctx) {
			p.must(err)
			if string(m.Payload) == "two" {
				break
			}
		}
		p.expect(p.b, "three")
		for m, err := range b.Messages(p.ctx) {
			if p.must(err); string(m.Payload) != "four" {
				p.Fatalf("%q", m.Payload)
			}
			break
		}
	}},
	{name: "ALoopEndsBehindTheLastMessage", not: links, run: func(p *pair) {
		_, b := p.conns()
		p.send(p.a, "one")
		p.send(p.a, "two")
		p.must(p.a.CloseSend())
		n := 0
		for _, err := range b.Messages(p.ctx) {
			p.must(err)
			n++
		}
		if n != 2 {
			p.Fatal(n)
		}
	}},
	{name: "ALoopIsToldThatItsContextHasEnded", not: links, run: func(p *pair) {
		_, b := p.conns()
		ctx, cancel := context.WithCancel(p.ctx)
		wait := async(func() (last error) {
			for _, err := range b.Messages(ctx) {
				last = err
			}
			return last
		})
		blocked()
		cancel()
		if err := wait(p); err != context.Canceled {
			p.Fatal(err)
		}
	}},
	{name: "ALoopIsToldOfClose", not: links, run: func(p *pair) {
		_, b := p.conns()
		wait := async(func() (last error) {
			for _, err := range b.Messages(p.ctx) {
				last = err
			}
			return last
		})
		blocked()
		p.must(b.Close())
		if err := wait(p); !errors.Is(err, errs.Closed) {
			p.Fatal(err)
		}
	}},
	{name: "BothSidesKnowTheRoadAndWhoIsThere", not: links, run: func(p *pair) {
		a, b := p.conns()
		if a.Transport() != b.Transport() {
			p.Errorf("%v, %v", a.Transport(), b.Transport())
		}
		for _, c := range []Conn{a, b} {
			id := c.PeerIdentity()
			if who := id.String(); who == "" || id.PID == 0 && id.UID == -1 && id.User == "" && id.Address == "" && who != "unknown" {
				p.Errorf("%+v is %q", id, who)
			}
		}
	}},
	{name: "AfterCloseNothingElseWorksEither", not: links, run: func(p *pair) {
		a, _ := p.conns()
		p.must(a.Close())
		_, claim := a.Claim(p.ctx, 8)
		_, call := a.Call(p.ctx, 0, nil, nil)
		serve := a.Serve(p.ctx, 1, echo)
		var loop error
		for _, loop = range a.Messages(p.ctx) {
		}
		for what, err := range map[string]error{"claim": claim, "call": call, "serve": serve, "loop": loop} {
			if !errors.Is(err, errs.Closed) {
				p.Errorf("%s: %v", what, err)
			}
		}
	}},
}
