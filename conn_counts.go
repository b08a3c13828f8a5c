package ringway

import (
	"context"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// Counts returns what this side of the connection has counted: of messages and
// bytes, sent and received, over rings also waits, sleeps and the like. It may be
// called at any time; after Close it returns the last counts.
func (c *Conn) Counts() (t ring.Totals) {
	if c.re != nil {
		return c.re.counts()
	}
	if last := c.last.Load(); last != nil {
		return *last
	}
	if c.link != nil {
		c.link.counters.AddTo(&t)
		return t
	}
	if !c.memory.hold() {
		return *c.last.Load() // closed since
	}
	defer func() { _ = c.memory.release() }()
	c.out.counters.AddTo(&t)
	c.in.counters.AddTo(&t)
	return t
}

// keepCounts has Counts return what it does now, before the memory goes.
func (c *Conn) keepCounts() {
	t := c.Counts()
	c.last.Store(&t)
}

// countedLink counts what goes over a link, as the ends of a ring do. Those who
// send and those who receive write different counters.
type countedLink struct {
	fallback.Link
	counters ring.Counters
}

func newCountedLink(l fallback.Link) *countedLink {
	return &countedLink{l, ring.CountersOf(make([]byte, ring.CountersSize))}
}

// noLink is what the calls on a connection return that nobody made.
func noLink(op string) error { return &errs.Error{Op: op, Err: ErrClosed} }

func (l *countedLink) CloseSend() error {
	if l == nil {
		return noLink("end")
	}
	return l.Link.CloseSend()
}

func (l *countedLink) Send(ctx context.Context, typ uint16, b []byte) error {
	if l == nil {
		return noLink("send")
	}
	err := l.Link.Send(ctx, typ, b)
	if err == nil {
		l.counters.Sent(1, uint64(len(b)))
	}
	return err
}

func (l *countedLink) SendCorrelated(ctx context.Context, typ uint16, id uint64, b []byte) error {
	if l == nil {
		return noLink("send")
	}
	err := l.Link.SendCorrelated(ctx, typ, id, b)
	if err == nil {
		l.counters.Sent(1, 8+uint64(len(b)))
	}
	return err
}

func (l *countedLink) Recv(ctx context.Context) (ring.Message, error) {
	if l == nil {
		return ring.Message{}, noLink("receive")
	}
	m, err := l.Link.Recv(ctx)
	if err == nil {
		l.counters.Received(1, uint64(len(m.Payload)))
	}
	return m, err
}
