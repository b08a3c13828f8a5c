package ringway

import (
	"context"
	"encoding/binary"
	"runtime"

	"github.com/ringway/ringway/sync"
)

// Who calls on a connection over rings, and finds nobody else there, has both
// rings for itself: it asks and takes the answer without a lock, and no other
// goroutine runs in between. Whoever comes meanwhile makes that call one of many.
// Those share the rings as caller says, until none of them is left. So
// caller.state is
//
//	        begins        has asked
//	nobody ────────▶ asks ────────▶ hears
//	 ▲ ▲ ▲            │               │ │  another one comes, or what it
//	 │ │ └────────────┘ no room       │ │  hears is not its answer
//	 │ └──────────────────────────────┘ ▼
//	 └───────────────────────────────── many
const (
	callNobody = iota
	callAsks   // for an instant: nothing is waited for
	callHears
	callMany
)

// callAlone makes a call if nobody else is there. Otherwise, or if something is
// in its way, it did nothing, and says so.
func (c *Conn) callAlone(ctx context.Context, typ uint16, request, into []byte) (answer []byte, err error, made bool) {
	s := &c.calls
	if !s.state.CompareAndSwap(callNobody, callAsks) {
		return nil, nil, false
	}
	if s.lone == nil {
		s.lone = s.addSlot()
	}
	s.loneID = s.newID(s.lone)
	id := s.loneID
	if !c.out.putCorrelated(typ, id, request) {
		s.state.Store(callNobody)
		return nil, nil, false
	}
	// Hands over the slot and the producer; pairs with the swap in gather.
	s.state.Store(callHears)
	m, err := c.recvCorrelated(ctx)
	if err == nil && m.Correlated && binary.LittleEndian.Uint64(m.Payload) == id|isAnswer {
		answer = append(into, m.Payload[8:]...)
		// Hands over both ends; pairs with the swaps that begin.
		if s.state.CompareAndSwap(callHears, callNobody) {
			return answer, nil, true
		}
	}
	answer, err = c.callOn(ctx, s.amongMany(into), m, err)
	return answer, err, true
}

// callOn goes on with a call that reads for all, and has just received m.
func (c *Conn) callOn(ctx context.Context, k *call, m Message, err error) ([]byte, error) {
	over, done, err := c.heard(ctx, k, m, err)
	if over {
		c.calls.handOver(k)
	} else {
		done, err = c.readAnswers(ctx, k)
	}
	if !done && err == nil {
		err = c.readInTurn(ctx, k)
	}
	return c.calls.finish(k, err)
}

// gather makes whoever is there one of many. The caller has s.mu.
func (s *caller) gather() {
	for {
		switch s.state.Load() {
		case callMany:
			return
		case callNobody:
			if s.state.CompareAndSwap(callNobody, callMany) {
				return
			}
		case callHears:
			if s.state.CompareAndSwap(callHears, callMany) {
				k := s.lone
				k.id, k.err, k.done, k.leads = s.loneID, nil, false, true
				s.active, s.unheard, s.reading = 1, 1, true
				return
			}
		case callAsks:
			runtime.Gosched()
		}
	}
}

// amongMany is for the lone call that isn't any more, or isn't to be.
func (s *caller) amongMany(into []byte) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gather()
	s.lone.into = into
	return s.lone
}

// scatter lets the next call be alone, if nothing is left of those before. The
// caller has s.mu.
func (s *caller) scatter() {
	if s.active == 0 && s.unheard == 0 && s.failed == nil && s.server == nil && len(s.kept) == 0 {
		s.state.Store(callNobody)
	}
}

// recvCorrelated is Recv for who expects a message that asks or answers.
func (c *Conn) recvCorrelated(ctx context.Context) (Message, error) {
	if c.in != nil {
		if m, ok := c.in.hear(); ok {
			return m, nil
		}
	}
	return c.Recv(ctx)
}

// hear is take for a message with a correlation word. A consumer that spins looks
// for it for some 10 µs, as in spin.
func (c *Consumer) hear() (m Message, ok bool) {
	const rounds = 8
	looks := uint32(0)
	if c.wait == sync.BusySpin {
		looks = 64
	}
	for i := range rounds {
		if !c.gate.Enter() {
			break
		}
		if m, ok = c.spsc.TakeCorrelated(looks); ok {
			c.counters.Received(1, uint64(len(m.Payload)))
		} else if i == 0 && looks > 0 {
			c.release()
			c.publish() // the other side may wait for room
		}
		c.gate.Exit()
		if ok || looks == 0 {
			break
		}
	}
	return m, ok
}

// putCorrelated sends a message with a number in front if that is all there is to
// do.
func (p *Producer) putCorrelated(typ uint16, id uint64, b []byte) bool {
	if len(b) >= rouseFrom {
		p.rouse()
	}
	if !p.gate.Enter() {
		return false
	}
	ok := p.spsc.PutCorrelated(typ, id, b)
	if ok {
		p.theirs.Ring()
		p.counters.Sent(1, 8+uint64(len(b)))
	}
	p.gate.Exit()
	return ok
}
