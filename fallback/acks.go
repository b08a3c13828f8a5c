package fallback

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/ring"
)

// A stream doesn't tell what the other side has received: when that dies, what was
// written may lie in the kernel still. If who dials asks for it, the other side
// says how many messages it has released, in control frames of type ack with the
// count as their payload (u64): in front of what it sends anyway, or by itself
// behind ackMessages messages or ackBytes bytes, or ackDelay after the first that
// it hasn't spoken of. Who dialled keeps copies of the rest.
const (
	ackMessages = 64
	ackBytes    = 64 << 10
	ackDelay    = 2 * time.Millisecond

	// mostKept is how many bytes of copies are kept; the oldest go first, and are
	// counted.
	mostKept = 8 << 20
	// askEvery is how many bytes of copies come together between two looks for
	// acks, by a side that sends and doesn't receive.
	askEvery = 256 << 10
)

// acknowledger says what was released. A nil one says nothing.
type acknowledger struct {
	// Of who receives.
	out   uint64 // size of the message that is handed out
	fresh uint64 // bytes released since the last word of it
	count uint64

	released atomic.Uint64 // messages; who receives hands count over to who sends
	armed    atomic.Bool   // the timer is set
	timer    *time.Timer   // has a frame sent that is for nothing else

	said uint64 // of who sends
}

// handed takes note that a message of n bytes was handed out.
func (a *acknowledger) handed(n int) {
	if a != nil {
		a.out = uint64(n) + 1
	}
}

// release takes note that what was handed out isn't needed any more.
func (a *acknowledger) release() {
	if a == nil || a.out == 0 {
		return
	}
	a.fresh += a.out - 1
	a.out = 0
	a.count++
	a.released.Store(a.count)
	switch {
	case a.count%ackMessages == 0 || a.fresh >= ackBytes:
		a.fresh = 0
		a.armed.Store(true)
		a.timer.Reset(0)
	case !a.armed.Swap(true):
		a.timer.Reset(ackDelay)
	}
}

// append appends a frame to b that says what was released, if that wasn't said,
// and returns the count to be said. The caller holds the right to write.
func (a *acknowledger) append(b []byte) ([]byte, uint64) {
	if a == nil {
		return b, 0
	}
	n := a.released.Load()
	if n == a.said {
		return b, n
	}
	b = appendHeader(b, ring.MakeHeader(8, ctlAck, ring.FlagControl), nil, 0, 0)
	return le.AppendUint64(b, n), n
}

// done takes note that n was said.
func (a *acknowledger) done(n uint64) {
	if a != nil {
		a.said = n
	}
}

// acknowledge sends what was released since the last word of it.
func (l *streamLink) acknowledge() {
	l.acks.armed.Store(false)
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.closed.Load() || l.broken != nil {
		return
	}
	l.writing.unwatch() // whoever's call that was, it is over
	b, n := l.acks.append(l.out[:0])
	l.out = b
	if len(b) == 0 {
		return
	}
	l.acks.done(n)
	if _, err := l.s.Write(b); err != nil {
		l.broken = l.gone("send", err)
	}
}

// stop ends the timer.
func (a *acknowledger) stop() {
	if a != nil {
		a.timer.Stop()
	}
}

// sentLog has copies of the messages that were sent and not acknowledged. A nil
// one has none. Any goroutine may use it.
type sentLog struct {
	mu        sync.Mutex
	sent      uint64 // messages
	acked     uint64
	forgotten uint64 // not acknowledged, and no more kept
	buf       []byte // headers and payloads of the others, without padding
	r         int    // where the oldest begins
	last      int    // where the newest begins
	asked     int    // size at the last look for acks
}

// push adds a message that is about to be sent. It reports whether it is time to
// look for acks.
func (s *sentLog) push(h ring.Header, id uint64, payload []byte) (look bool) {
	if s == nil || h.Flags()&ring.FlagControl != 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.r > len(s.buf)/2 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.r:])]
		s.r = 0
	}
	s.sent++
	s.last = len(s.buf)
	h = ring.MakeHeader(uint32(h.Len()), h.Type(), h.Flags()&ring.FlagCorrelation)
	s.buf = append(appendHeader(s.buf, h, nil, 0, id), payload...)
	for len(s.buf)-s.r > mostKept && s.r < s.last {
		s.drop()
		s.forgotten++
	}
	size := len(s.buf) - s.r
	if size < s.asked {
		s.asked = size
	}
	if size-s.asked < askEvery {
		return false
	}
	s.asked = size
	return true
}

// undo takes the newest message away again: it was not sent.
func (s *sentLog) undo(h ring.Header) {
	if s == nil || h.Flags()&ring.FlagControl != 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent--
	s.buf = s.buf[:s.last]
}

// at returns the message that begins at r, and where the next one does.
func (s *sentLog) at(r int) (m ring.Message, next int) {
	h := ring.Header(le.Uint64(s.buf[r:]))
	next = r + int(h.PayloadOffset()+h.Len())
	return ring.Message{Type: h.Type(), Correlated: h.Flags()&ring.FlagCorrelation != 0,
		Payload: s.buf[r+ring.HeaderSize : next]}, next
}

// drop drops the oldest message.
func (s *sentLog) drop() { _, s.r = s.at(s.r) }

// acknowledged takes note that n messages were released over there.
func (s *sentLog) acknowledged(n uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < s.acked || n > s.sent {
		return failf(ErrCorrupt, "%d messages were acknowledged, after %d, of %d", n, s.acked, s.sent)
	}
	for ; s.acked < n; s.acked++ {
		if s.forgotten > 0 {
			s.forgotten--
		} else {
			s.drop()
		}
	}
	return nil
}

// rest returns copies of what is kept, the oldest first, and how many older ones
// are not.
func (s *sentLog) rest() (all []ring.Message, forgotten uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := s.r; r < len(s.buf); {
		m, next := s.at(r)
		m.Payload = append([]byte(nil), m.Payload...)
		all, r = append(all, m), next
	}
	return all, s.forgotten
}

// takeAck takes an ack frame in.
func (l *streamLink) takeAck(f frame) error {
	p := f.payload()
	if l.log == nil || len(p) != 8 {
		return failf(ErrCorrupt, "control frame of type %d and %d bytes between messages", f.h.Type(), len(p))
	}
	return l.log.acknowledged(le.Uint64(p))
}

// collectAcks takes in the acks that have come, unless somebody receives, who
// does that anyway. It waits no longer than a millisecond for them.
func (l *streamLink) collectAcks() {
	if !l.receiving.TryLock() {
		return
	}
	defer l.receiving.Unlock()
	if l.ended != nil && !l.endSaid.Load() {
		return
	}
	l.reading.unwatch()
	_ = l.s.SetReadDeadline(time.Now().Add(time.Millisecond))
	for {
		f, err := l.in.next(l.s, l.wire)
		if err != nil {
			break // who receives will find out
		}
		if !f.control() || f.h.Type() != ctlAck || l.takeAck(f) != nil {
			l.in.last = 0 // it is for who receives
			break
		}
	}
	if !l.closed.Load() {
		_ = l.s.SetReadDeadline(time.Time{})
	}
	if l.closed.Load() { // since: it may have set the deadline before
		_ = l.s.SetReadDeadline(longAgo)
	}
}

// Unacknowledged implements Resumable.
func (l *streamLink) Unacknowledged() (all []ring.Message, forgotten uint64, err error) {
	if l.log == nil {
		return nil, 0, l.fail("unacknowledged", failf(ErrUnsupported, "acknowledgements were not agreed on"))
	}
	l.collectAcks()
	all, forgotten = l.log.rest()
	return all, forgotten, nil
}

// Cut implements Resumable.
func (l *streamLink) Cut() {
	l.cut.Store(true)
	_ = l.s.SetWriteDeadline(longAgo)
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.broken == nil {
		l.broken = l.gone("send", failf(ErrPeerDead, "%v has left, and another one is there", l.peer))
	}
}

// Ended implements Resumable.
func (l *streamLink) Ended() (said, gone bool) { return l.endSaid.Load(), l.left.Load() }
