package bench

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway"
)

// consume receives, copies out and checks what is produced, and reports how
// much of it came while that counted.
func (s *team) consume(ctx context.Context) (found part, err error) {
	s.marks = s.marks[:0]
	if err := s.meet(ctx); err != nil {
		return found, err
	}
	s.run++
	if s.sub != nil {
		return s.listen(ctx)
	}
	t := tally{team: s, next: s.numbers[0]}
	s.sum = 0
	defer func() {
		found.Slices = s.marked()
		found.Messages = int64(t.last - t.first)
		found.Took, found.Sum = int64(t.count), s.sum
	}()
	if s.conn != nil {
		return found, s.consumeConn(ctx, &t)
	}
	if s.orders.Batch == 1 {
		for in := s.in; ; {
			m, err := in.Recv(ctx)
			if err != nil {
				return found, err
			}
			if t.plain(m) {
				continue
			}
			if ended, err := t.take(m); ended || err != nil {
				return found, err
			}
		}
	}
	for {
		p, err := s.in.RecvPacked(ctx)
		if err != nil {
			return found, err
		}
		if ended, err := t.packed(p); ended || err != nil {
			return found, err
		}
	}
}

// packed takes note of messages that came together, and reports whether the run
// has ended. All but the first of them are expected to follow upon each other.
func (t *tally) packed(p ringway.Packed) (ended bool, err error) {
	t.look()
	for b := p.Payload; ; {
		m := ringway.Message{Payload: b[:p.Size], Type: p.Type}
		if !t.plain(m) {
			if ended, err := t.take(m); ended || err != nil {
				return ended, err
			}
		}
		if b = b[p.Size:]; p.Size == 8 && p.Type != typeEnd {
			next := t.next
			for ; len(b) >= 8 && binary.LittleEndian.Uint64(b) == next; b = b[8:] {
				next++
			}
			n := next - t.next
			t.taken += n*t.next + n*(n-1)/2
			t.count += n
			t.next = next
		}
		if len(b) == 0 {
			return false, nil
		}
	}
}

// plain takes note of a message of 8 bytes that is the next one of the producer
// of the last. What a small message costs is counted in nanoseconds, so no more
// than needed is done here for each, and in one piece with the loop that receives.
func (t *tally) plain(m ringway.Message) bool {
	if len(m.Payload) != 8 || m.Type == typeEnd || t.count%32 == 0 || binary.LittleEndian.Uint64(m.Payload) != t.next {
		return false
	}
	t.taken += t.next
	t.next++
	t.count++
	return true
}

// catchUp has check know of what plain has taken.
func (t *tally) catchUp() {
	t.numbers[t.next>>48] = t.next & numberMask
	t.sum += t.taken
	t.taken = 0
}

// numberMask are the bits of a message's number; those above say whose it is.
const numberMask = 1<<48 - 1

// tally is what a consumer counts in one run.
type tally struct {
	*team
	count, first uint64 // messages: all, and when those began that count
	last         uint64 // and when they ended
	stage        uint64
	next, taken  uint64 // plain: the number that it expects, and the sum of those it took
	touched      byte   // so that what is read in place is read
}

// touch reads a byte of each cache line, which is what a program that works on
// the message in place makes the machine move.
func touch(b []byte) (sum byte) {
	for i := 0; i < len(b); i += 64 {
		sum += b[i]
	}
	return sum
}

// take takes note of a message, and reports whether the run has ended.
func (t *tally) take(m ringway.Message) (ended bool, err error) {
	b := m.Payload
	t.catchUp()
	if m.Type == typeEnd {
		return t.end(b)
	}
	if t.count%32 == 0 {
		t.look()
	}
	if t.orders.Lease {
		t.touched += touch(b)
	} else if len(b) > 8 {
		b = t.buf[:copy(t.buf, b)]
	}
	if !t.check(b) {
		return false, fmt.Errorf("message %d arrived with another payload, or out of order", t.count)
	}
	if len(b) >= 8 {
		t.next = binary.LittleEndian.Uint64(b) + 1
	}
	t.count++
	return false, nil
}

// look takes note of the stage that the run is at.
func (t *tally) look() {
	t.mark()
	now := t.words.Load64(offStage)
	if now == t.stage {
		return
	}
	if t.stage == stageWarm {
		t.first = t.count
	}
	if now == stageStop {
		t.last = t.count
	}
	t.stage = now
}

// end ends the run if that is what b, the payload of a message that says so,
// is about.
func (t *tally) end(b []byte) (bool, error) {
	if binary.LittleEndian.Uint64(b) != t.run {
		return false, nil
	}
	t.look()
	t.words.Add64(offEnded, 1)
	return true, t.released()
}

// stamp writes this producer's next number into a message, if it is long enough.
func (s *team) stamp(b []byte) {
	if len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, uint64(s.orders.Member)<<48|s.numbers[0])
		s.numbers[0]++
	}
}

// check reports whether a message has the number that has to come next from
// its producer; with several consumers who share them, whether it is a later one.
func (s *team) check(b []byte) bool {
	if len(b) < 8 {
		return true
	}
	v := binary.LittleEndian.Uint64(b)
	from, n := v>>48, v&numberMask
	if from >= uint64(s.orders.Producers) {
		return false
	}
	due := s.numbers[from]
	s.numbers[from] = n + 1
	s.sum += v
	return n == due || n > due && s.orders.Consumers > 1 && s.sub == nil
}
