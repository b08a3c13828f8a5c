package bench

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway"
)

// What a member does that publishes or subscribes: see throughput.go and tally.go
// for the other topologies. Of a broadcast run the publisher's messages count, and
// beside them how many the subscribers received of those, and missed.

// openCast attaches to broadcast rings.
func (s *team) openCast(out, in *ringway.Ring) (err error) {
	if out != nil {
		if s.pub, err = out.Publisher(); err != nil {
			return err
		}
	}
	if in != nil {
		s.sub, err = in.Subscribe(ringway.FromOldest())
	}
	return err
}

// closeCast gives back what openCast has opened.
func (s *team) closeCast() {
	if s.pub != nil {
		_ = s.pub.Close()
	}
	if s.sub != nil {
		_ = s.sub.Close()
	}
}

// publishSome is produceSome of a publisher.
func (s *team) publishSome(ctx context.Context, per int) error {
	o := &s.orders
	if o.Batch > 1 {
		for i := 0; i < per; i += o.Batch {
			for _, b := range s.batch {
				s.stamp(b)
			}
			if _, err := s.pub.SendBatch(ctx, s.batch); err != nil {
				return err
			}
		}
		return nil
	}
	if o.Mode == Mixed {
		for _, n := range s.mix {
			b := s.buf[:n]
			s.stamp(b)
			if err := s.pub.Send(ctx, b); err != nil {
				return err
			}
		}
		return nil
	}
	pub, buf := s.pub, s.buf
	for range per {
		s.stamp(buf)
		if err := pub.Send(ctx, buf); err != nil {
			return err
		}
	}
	return nil
}

// published notes how many messages the publisher had sent when a stage began.
func (s *team) published(found *part, stage uint64) {
	if s.pub != nil {
		n := int64(s.pub.Sequence())
		if found.Messages = n - s.sentBefore; stage == stageMeasure {
			s.sentBefore = n
		}
	}
}

// listen is consume of a subscriber.
func (s *team) listen(ctx context.Context) (found part, err error) {
	l := listener{tally: tally{team: s}}
	for {
		n := 1
		if s.orders.Batch > 1 {
			n, err = s.sub.RecvBatch(ctx, s.got)
		} else {
			s.got[0], err = s.sub.Recv(ctx)
		}
		if lap, ok := err.(*ringway.Lapped); ok {
			l.look()
			l.missed += lap.Messages
			l.lapped = true
			continue
		}
		if err != nil {
			return l.found, err
		}
		for _, m := range s.got[:n] {
			if ended, err := l.take(m); ended || err != nil {
				return l.found, err
			}
		}
	}
}

// listener is what a subscriber counts in one run.
type listener struct {
	tally
	found                part
	missed, missedBefore uint64 // messages: all, and when those began that count
	lapped               bool   // some were missed before the next one
}

// look takes note of the stage that the run is at.
func (l *listener) look() {
	l.mark()
	now := l.words.Load64(offStage)
	if now == l.stage {
		return
	}
	if l.stage == stageWarm {
		l.missedBefore = l.missed
	}
	if now == stageStop {
		l.found.Missed = int64(l.missed - l.missedBefore)
	}
	l.tally.look()
}

// take takes note of a message, and reports whether the run has ended.
func (l *listener) take(m ringway.Message) (ended bool, err error) {
	b := m.Payload
	if m.Type == typeEnd {
		if binary.LittleEndian.Uint64(b) != l.run {
			return false, nil
		}
		l.look()
		l.found.Received = int64(l.last - l.first)
		l.found.Slices = l.marked()
		l.words.Add64(offEnded, 1)
		return true, nil
	}
	if l.count%32 == 0 {
		l.look()
	}
	if len(b) > 8 {
		b = l.buf[:copy(l.buf, b)]
	}
	if due := l.numbers[0]; !l.check(b) && !(l.lapped && l.numbers[0] > due) {
		return false, fmt.Errorf("message %d arrived with another payload, or out of order", l.count)
	}
	l.lapped = false
	l.count++
	return false, nil
}

// await receives the next message in modes that time single ones, and how many
// were missed before it.
func (s *team) await(ctx context.Context) (m ringway.Message, missed int64, err error) {
	if s.sub == nil {
		m, err = s.recv(ctx)
		return m, 0, err
	}
	for {
		m, err = s.sub.Recv(ctx)
		lap, ok := err.(*ringway.Lapped)
		if !ok {
			return m, missed, err
		}
		missed += int64(lap.Messages)
	}
}
