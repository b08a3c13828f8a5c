package ringway_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ringway/ringway"
)

func TestHandlesThatNobodyMadeAreClosed(t *testing.T) {
	ctx := t.Context()
	var (
		r   ringway.Ring
		p   ringway.Producer
		c   ringway.Consumer
		pub ringway.Publisher
		sub ringway.Subscriber
		con ringway.Conn
		l   ringway.Listener
	)
	second := func(_ any, err error) error { return err }
	one := [][]byte{nil}
	for what, call := range map[string]func() error{
		"Ring.Producer":    func() error { return second(r.Producer()) },
		"Ring.Consumer":    func() error { return second(r.Consumer()) },
		"Ring.Close":       r.Close,
		"Send":             func() error { return p.Send(ctx, nil) },
		"SendTyped":        func() error { return p.SendTyped(ctx, 1, nil) },
		"TrySend":          func() error { return p.TrySend(nil) },
		"SendBatch":        func() error { return second(p.SendBatch(ctx, one)) },
		"Claim":            func() error { return second(p.Claim(ctx, 1)) },
		"TryClaim":         func() error { return second(p.TryClaim(1)) },
		"Commit":           p.Commit,
		"CommitTyped":      func() error { return p.CommitTyped(1, 0) },
		"End":              func() error { p.Abort(); return p.End(ctx) },
		"Producer.Close":   p.Close,
		"Recv":             func() error { return second(c.Recv(ctx)) },
		"TryRecv":          func() error { return second(c.TryRecv()) },
		"RecvBatch":        func() error { return second(c.RecvBatch(ctx, make([]ringway.Message, 1))) },
		"RecvAppend":       func() error { return second(c.RecvAppend(ctx, nil)) },
		"Release":          c.Release,
		"FD":               func() error { return second(c.FD()) },
		"Arm":              func() error { return second(c.Arm()) },
		"Watch":            func() error { c.Unwatch(); return second(c.Watch(func() {})) },
		"Select":           func() error { return second(ringway.Select(ctx, &c)) },
		"Consumer.Close":   c.Close,
		"Publisher.Send":   func() error { return pub.Send(ctx, nil) },
		"Publisher.Commit": func() error { pub.Sequence(); return pub.Commit() },
		"Publisher.Claim":  func() error { return second(pub.Claim(ctx, 1)) },
		"Publisher.End":    func() error { pub.Abort(); return pub.End() },
		"Publisher.Close":  pub.Close,
		"Subscriber.Recv":  func() error { sub.Valid(); return second(sub.Recv(ctx)) },
		"Subscriber.Try":   func() error { return second(sub.TryRecv()) },
		"Subscriber.Last":  func() error { _, _, _, err := sub.Last(nil); return err },
		"Subscriber.Shut":  func() error { sub.Unwatch(); return sub.Close() },
		"Conn.Send":        func() error { return con.Send(ctx, nil) },
		"Conn.Claim":       func() error { return second(con.Claim(ctx, 0)) },
		"Conn.Recv":        func() error { return second(con.Recv(ctx)) },
		"Conn.TryRecv":     func() error { return second(con.TryRecv()) },
		"Conn.Watch":       func() error { con.Unwatch(); return second(con.Watch(func() {})) },
		"Conn.Call":        func() error { return second(con.Call(ctx, 1, nil, nil)) },
		"Conn.CloseSend":   con.CloseSend,
		"Conn.Close":       con.Close,
		"Listener.Accept":  func() error { return second(l.Accept(ctx)) },
		"Listener.Close":   l.Close,
	} {
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%s panics: %v", what, r)
				}
			}()
			if err := call(); !errors.Is(err, ringway.ErrClosed) {
				t.Errorf("%s: %v, want ErrClosed", what, err)
			}
		}()
	}
	for _, err := range c.Messages(ctx) {
		if !errors.Is(err, ringway.ErrClosed) {
			t.Errorf("Messages: %v", err)
		}
	}
}

func TestOptionsThatCannotBeAreTypedErrors(t *testing.T) {
	name := newAddress()
	create := func(kind ringway.Kind, o ...ringway.Option) error {
		r, err := ringway.CreateRing(name, kind, o...)
		if err == nil {
			_ = r.Close()
			_ = ringway.RemoveRing(name)
		}
		return err
	}
	for what, call := range map[string]func() error{
		"no strategy":          func() error { return create(ringway.SPSC, ringway.Wait(99)) },
		"a nil option":         func() error { return create(ringway.SPSC, ringway.Capacity(4096), nil) },
		"cells of an SPSC":     func() error { return create(ringway.SPSC, ringway.CellSize(64)) },
		"cells of a broadcast": func() error { return create(ringway.Broadcast, ringway.CellSize(64)) },
		"places of an SPSC":    func() error { return create(ringway.SPSC, ringway.Participants(2)) },
		"no places":            func() error { return create(ringway.MPMC, ringway.Participants(0)) },
		"no cells":             func() error { return create(ringway.MPMC, ringway.CellSize(0)) },
		"open":                 func() error { _, err := ringway.OpenRing(name, nil); return err },
		"remove":               func() error { return ringway.RemoveRing(name, nil) },
		"listen":               func() error { _, err := ringway.Listen(name, ringway.Wait(99)); return err },
		"dial":                 func() error { _, err := ringway.Dial(t.Context(), name, nil); return err },
		"child":                func() error { _, err := ringway.StartChild(t.Context(), nil, nil); return err },
		"parent":               func() error { _, err := ringway.Parent(t.Context(), ringway.Wait(99)); return err },
		"subscribe":            func() error { _, err := newRingOf(t, ringway.Broadcast).Subscribe(nil); return err },
	} {
		if err := call(); !errors.Is(err, ringway.ErrBadArgument) {
			t.Errorf("%s: %v, want ErrBadArgument", what, err)
		}
	}
	if err := create(ringway.Broadcast, ringway.Participants(2)); err != nil {
		t.Error(err)
	}
}

func TestErrorsAfterTheEndNameTheRing(t *testing.T) {
	for _, kind := range topologies {
		r := newRingOf(t, kind)
		p, err := r.Producer()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.End(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, batch := p.SendBatch(t.Context(), [][]byte{nil})
		_, claim := p.Claim(t.Context(), 1)
		for _, err := range []error{p.Send(t.Context(), nil), p.TrySend(nil), batch, claim} {
			if !errors.Is(err, ringway.ErrClosed) || !strings.Contains(err.Error(), r.Name()) {
				t.Errorf("%v: %v", kind, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
