package bench

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/sync"
)

// Connection is the topology of two processes that met by an address. Others
// are the kinds of rings.
const Connection = "conn"

// transports are those that connections can be measured over here.
func transports() []fallback.Transport {
	all := []fallback.Transport{fallback.SHM, fallback.Unix, fallback.Pipe, fallback.TCP, fallback.FIFO}
	return slices.DeleteFunc(all, func(t fallback.Transport) bool { return t.Missing() != "" })
}

// transportNamed returns the transport that o names.
func (o *RunOptions) transportNamed() (t fallback.Transport, err error) {
	for _, t := range transports() {
		if t.String() == o.Transport {
			return t, nil
		}
	}
	return 0, fmt.Errorf("transport %q: there are %v here", o.Transport, transports())
}

// address is where the first of the two listens, in a directory of their own.
func address(t fallback.Transport, dir string) string {
	switch t {
	case fallback.TCP:
		return "tcp://127.0.0.1:0"
	case fallback.FIFO:
		return "fifo://" + filepath.ToSlash(filepath.Join(dir, "road"))
	}
	return uniqueName("conn")
}

// openConn listens, or connects to who does. The one who listens accepts with
// its first turn: the other one is not there yet.
func (s *team) openConn(ctx context.Context, wait sync.Strategy) (io.Closer, error) {
	t, err := fallback.ParseTransport(s.orders.Transport)
	if err != nil {
		return nil, err
	}
	opts := []ringway.Option{ringway.Transports(t), ringway.Wait(wait), ringway.Capacity(s.orders.Capacity), ringway.Dir(s.orders.Dir), ringway.Prefault()}
	if !s.orders.leads() {
		c, err := ringway.Dial(ctx, s.orders.Address, opts...)
		if err != nil {
			return nil, err
		}
		s.conn = c
		return c, nil
	}
	l, err := ringway.Listen(s.orders.Address, opts...)
	if err != nil {
		return nil, err
	}
	s.orders.Address = l.Addr()
	conn := &accepted{Listener: l}
	s.accept = func(ctx context.Context) (err error) {
		if conn.conn, err = l.Accept(ctx); err != nil {
			return err
		}
		s.conn = conn.conn
		return nil
	}
	return conn, nil
}

// accepted is a listener and its only connection.
type accepted struct {
	*ringway.Listener
	conn *ringway.Conn
}

func (a *accepted) Close() error {
	if a.conn != nil {
		_ = a.conn.Close()
	}
	return a.Listener.Close()
}

// send sends a message whatever the road.
func (s *team) send(ctx context.Context, typ uint16, b []byte) error {
	switch {
	case s.out != nil:
		return s.out.SendTyped(ctx, typ, b)
	case s.pub != nil:
		return s.pub.SendTyped(ctx, typ, b)
	}
	return s.conn.SendTyped(ctx, typ, b)
}

// recv receives a message whatever the road.
func (s *team) recv(ctx context.Context) (ringway.Message, error) {
	switch {
	case s.in != nil:
		return s.in.Recv(ctx)
	case s.sub != nil:
		return s.sub.Recv(ctx)
	}
	return s.conn.Recv(ctx)
}

// released is called by a consumer that has received the last message of a run.
func (s *team) released() error {
	if s.in != nil {
		return s.in.Release()
	}
	return nil
}

// sendSome is produceSome of a connection.
func (s *team) sendSome(ctx context.Context, per int) error {
	for range min(per, 256) {
		s.stamp(s.buf)
		if err := s.conn.Send(ctx, s.buf); err != nil {
			return err
		}
	}
	return nil
}

// consumeConn is consume of a connection.
func (s *team) consumeConn(ctx context.Context, t *tally) error {
	for {
		m, err := s.conn.Recv(ctx)
		if err != nil {
			return err
		}
		if ended, err := t.take(m); ended || err != nil {
			return err
		}
	}
}
