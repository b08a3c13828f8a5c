package ring

import (
	"errors"
	"fmt"
)

// broadcastNext is Next for a broadcast ring, of which an observer is one more
// subscriber, without a gate. It begins with the oldest message that is known to
// be there.
func (o *Observer) broadcastNext(buf []byte) (Frame, error) {
	if o.subscriber == nil {
		s, err := NewBroadcastSubscriber(o.g, o.body, BroadcastOptions{Start: Oldest, Resume: Oldest})
		if err != nil {
			return Frame{}, err
		}
		o.subscriber = s
	}
	s := o.subscriber
	var missed uint64
	for range lookups {
		from := s.rest
		m, err := s.Next()
		var l *Lapped
		if errors.As(err, &l) {
			missed += l.Messages
			continue
		}
		if err != nil {
			return Frame{}, err
		}
		// The subscriber's own copy is good until its next message.
		n := uint64(len(m.Payload))
		buf = room(buf, min(n, uint64(o.MaxPayload)))
		copy(buf, m.Payload)
		f := Frame{Owner: -1, Type: m.Type, Len: n, Payload: buf, Sequence: s.Sequence() - 1, Missed: missed}
		if from.done() && !s.rest.done() { // a batch's first, or the one it begins with
			from = s.rest
			from.at -= n
		}
		if from.done() {
			f.Size = frameSize(o.g.payloadOffset(), n)
			f.Position = s.Position() - f.Size
			f.Offset = f.Position & s.mask
			return f, nil
		}
		f.Flags, f.Size = FlagBatch, frameSize(batchOffset, uint64(len(from.frame)))
		f.Position = s.Position() - f.Size
		at := batchOffset + from.at
		f.Offset = f.Position&s.mask + at
		if from.at+n < uint64(len(from.frame)) {
			f.Size = at + n
		}
		if from.at > 0 {
			f.Size -= at
		}
		return f, nil
	}
	return Frame{}, ErrEmpty
}

// payloadOffset returns where in a message's frame the payload stands.
func (g Geometry) payloadOffset() uint64 {
	if g.Checksum {
		return 2 * HeaderSize
	}
	return HeaderSize
}

func (o *Observer) broadcastSnapshot() (s Snapshot) {
	r := newStream(o.g, o.body)
	for range lookups {
		latest := r.ctl.Load64(offLatest)
		from, ok := r.marked(latest)
		intent := r.ctl.Load64(offIntent)
		s = Snapshot{Tail: latest, Head: latest}
		switch {
		case before(intent, latest):
			s.Problem = fmt.Sprintf("intent %#x before the latest checkpoint, %#x", intent, latest)
		case !ok || from.pos != latest:
			s.Problem = fmt.Sprintf("no checkpoint at position %#x", latest)
		default:
			end, what := r.walk(from, func(cursor, uint64) bool { return false })
			if what == nonsense && r.intact(end.pos) {
				s.Problem = fmt.Sprintf("no frame at position %#x", end.pos)
			}
			s.Tail, s.Sequence = end.pos, end.seq
		}
		// The publisher may have gone on from there meanwhile.
		if s.Problem == "" && r.intact(latest) || s.Problem != "" && r.ctl.Load64(offLatest) == latest && r.ctl.Load64(offIntent) == intent {
			break
		}
	}
	if s.Problem != "" {
		return s
	}
	s.Head = s.Tail
	for i := range r.gates.Len() / gateSize {
		if w := r.gates.Load64(i * gateSize); w&gateSet != 0 {
			if at := gatePosition(w, s.Tail); s.Tail-at <= o.g.Capacity && before(at, s.Head) {
				s.Head = at
			}
		}
	}
	s.Depth, s.Moved = s.Tail-s.Head, s.Tail-StartPosition
	s.Ended = r.ctl.Load64(offEnd) != 0
	return s
}
