// Package conform says, as tests, what every transport of messages has to do.
// All transports pass the same ones; traits say where they are allowed to differ.
package conform

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
)

// Link is an end of a connection, as far as the tests need it.
type Link interface {
	Send(ctx context.Context, typ uint16, payload []byte) error
	SendCorrelated(ctx context.Context, typ uint16, id uint64, payload []byte) error
	Recv(ctx context.Context) (ring.Message, error)
	CloseSend() error
	Close() error
	MaxMessage() int
}

// Traits are what a transport is like.
type Traits struct {
	// Connect makes both ends of a new connection. They are closed by the test.
	// Nil if only children can be connected to.
	Connect func(t *testing.T) (a, b Link)

	// Child starts this program as the child "conform", which calls ChildMain
	// with the arguments behind the first, and returns this end of the
	// connection to it. Nil if death can't be tested.
	Child func(t *testing.T, script string) (Link, *proctest.Child)

	// Not names tests that can't pass here, and why.
	Not map[string]string

	// Datagrams: messages may be lost, of which the receiver is told, a
	// sender isn't held up, and nobody learns of a death.
	Datagrams bool
}

// patience bounds what must happen; nothing is asserted about less.
const patience = proctest.Patience

// Run runs all tests: those that count allocations first, the others at the same
// time as the tests of other transports, for they mostly wait. So the test that
// calls it must not be parallel already.
func Run(t *testing.T, traits Traits) {
	cases := slices.Concat(messageCases, numberedCases, waitingCases, endCases, claimCases, callCases)
	for _, c := range cases {
		if c.not&company != 0 {
			traits.run(t, c)
		}
	}
	if traits.Connect != nil {
		t.Parallel()
	}
	for _, c := range cases {
		if c.not&company == 0 {
			traits.run(t, c)
		}
	}
	if traits.Child == nil {
		return
	}
	for _, c := range deaths {
		t.Run(c.name, func(t *testing.T) {
			if why := traits.Not[c.name]; why != "" {
				t.Skip(why)
			}
			l, child := traits.Child(t, c.script)
			p := &pair{T: t, a: l, traits: traits}
			p.ctx, p.cancel = context.WithTimeout(t.Context(), patience)
			defer p.cancel()
			defer l.Close()
			c.run(p, child)
		})
	}
}

// run runs a test of connections both of whose ends are here.
func (traits Traits) run(t *testing.T, c test) {
	if traits.Connect == nil || traits.Datagrams && c.not&datagrams != 0 {
		return
	}
	t.Run(c.name, func(t *testing.T) {
		if why := traits.Not[c.name]; why != "" {
			t.Skip(why)
		}
		a, b := traits.Connect(t)
		p := &pair{T: t, a: a, b: b, traits: traits}
		p.ctx, p.cancel = context.WithTimeout(t.Context(), patience)
		defer p.cancel()
		defer p.b.Close()
		defer p.a.Close()
		if _, all := a.(Conn); c.not&links != 0 && !all {
			t.Skip("of connections, not of what they are made of")
		}
		c.run(p)
	})
}

// What a test is not for.
const (
	datagrams = 1 << iota // they can't do that
	links                 // that are no Conn
	company               // of other tests at the same time
)

type test struct {
	name string
	run  func(p *pair)
	not  int
}

// pair is a connection under test.
type pair struct {
	*testing.T
	ctx    context.Context
	cancel func()
	a, b   Link
	traits Traits
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// recv receives a message, or fails.
func (p *pair) recv(l Link) ring.Message {
	p.Helper()
	m, err := l.Recv(p.ctx)
	if err != nil {
		p.Fatal(err)
	}
	return m
}

func (p *pair) send(l Link, payload string) {
	p.Helper()
	p.must(l.Send(p.ctx, 0, []byte(payload)))
}

func (p *pair) expect(l Link, payload string) {
	p.Helper()
	if got := string(p.recv(l).Payload); got != payload {
		p.Fatalf("received %.40q (%d bytes), want %.40q (%d bytes)", got, len(got), payload, len(payload))
	}
}

// async runs f, and returns what waits for its end.
func async(f func() error) func(p *pair) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return func(p *pair) error {
		p.Helper()
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			p.Fatal("it hangs")
			return nil
		}
	}
}

// blocked lets some time pass in which what was started has probably come to
// the point where it blocks. The tests hold wherever it has come to.
func blocked() { time.Sleep(5 * time.Millisecond) }

// fill sends from l until it would block, and returns how many messages that
// were. On a machine that stands still for a while there may be room left.
func (p *pair) fill(l Link, payload []byte) int {
	p.Helper()
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
		err := l.Send(ctx, 0, payload)
		late := ctx.Err() != nil
		cancel()
		switch {
		case err == nil && !late:
		case err == nil:
			return n + 1 // it had begun
		case late:
			return n
		default:
			p.Fatal(err)
		}
	}
}
