package ringway

import (
	"context"
	"log/slog"

	"github.com/ringway/ringway/ring"
)

// Events has h told of what happens rarely: that an endpoint attaches or
// detaches, that it finds a peer dead or takes over what one has left or evicts one, that a
// connection was made, and that it goes over something else than was preferred,
// with the reason. Without it nothing is logged. A message never is.
//
// h is called on the goroutine that attaches, waits, closes or connects, which
// goes on when it returns; it must not call the endpoint. For CreateRing,
// OpenRing, Listen and Dial.
//
//	message          level  attributes beside ring (or address)
//	attached         INFO   topology, role, slot
//	detached         INFO   topology, role, slot
//	took over        WARN   topology, role, slot, pid: of the dead one before
//	peer died        WARN   topology, role: of the peer, pid
//	recovered        WARN   topology, role, slot; participants, claims, frames: how many of each
//	evicted          WARN   topology, role, slot; subscriber: its slot
//	connected        INFO   transport, peer
//	downgraded       WARN   transport, and one for each that was not to be had, with the reason
func Events(h slog.Handler) Option { return func(o *options) { o.events = slog.New(h) } }

// event tells of something that happened at this endpoint.
func (e *endpoint) event(level slog.Level, what string, more ...any) {
	if e.events == nil || e.pairing != nil { // a connection speaks for its rings
		return
	}
	at := []any{"ring", e.name, "topology", e.kind.String(), "role", roleName(e.kind, e.role)}
	if e.place != nil {
		at = append(at, "slot", e.place.Slot())
	}
	e.events.Log(context.Background(), level, what, append(at, more...)...)
}

// attached tells that this endpoint has its place.
func (e *endpoint) attached() {
	e.event(slog.LevelInfo, "attached")
	if e.place != nil && e.place.PreviousDied {
		e.event(slog.LevelWarn, "took over", "pid", e.place.PreviousPID)
	}
}

// recovered tells what a sweep did.
func (e *endpoint) recovered(s swept) {
	if s.recovered > 0 {
		e.event(slog.LevelWarn, "recovered", "participants", s.recovered, "claims", s.abandoned, "frames", s.redelivered)
	}
}

// buried tells whose gate a publisher took away.
func (p *Publisher) buried(g ring.Gate, as ring.Counter) {
	if as == ring.Evictions {
		p.event(slog.LevelWarn, "evicted", "subscriber", g.Number+1)
	} else {
		p.recovered(swept{recovered: 1})
	}
}

// connected tells what was negotiated.
func (c *Conn) connected(events *slog.Logger) {
	if events == nil {
		return
	}
	ctx := context.Background()
	at := []any{"address", c.name, "transport", c.transport.String()}
	events.Log(ctx, slog.LevelInfo, "connected", append(at, "peer", c.peer.String())...)
	plain := len(at)
	for _, s := range c.trail {
		if s.Err != nil {
			at = append(at, s.Transport.String(), s.Err.Error())
		}
	}
	if len(at) > plain {
		events.Log(ctx, slog.LevelWarn, "downgraded", at...)
	}
}
