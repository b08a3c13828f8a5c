package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// Paced messages begin with the moment at which they were due, in ticks of the
// clock that all processes share, and their number.
const pacedHeader = 16

// keepPace is the leader's part of a paced run: it sends by a schedule that
// nothing moves, Burst messages at a time, and stamps each with the time at which
// it was due, not with that at which it got away. So a receiver, or a sender,
// that is held up shows in the times of all messages that had to wait for it,
// and nothing is left out just because it was late.
func (s *team) keepPace(ctx context.Context) (found part, err error) {
	o := s.orders
	if err := s.raiseCurtain(ctx); err != nil {
		return found, err
	}
	burst := uint64(max(o.Burst, 1))
	gap := s.clock.TicksPerNs * 1e9 / o.Rate * float64(burst)
	count := max(uint64(o.Rate*o.Duration.Seconds()), 1)
	warm := count / 5
	start := s.clock.Shared() + uint64(s.clock.TicksPerNs*1e6)
	for i := range warm + count {
		due := start + uint64(float64(i/burst)*gap)
		if err := s.until(ctx, due); err != nil {
			return found, err
		}
		if i < warm {
			binary.LittleEndian.PutUint64(s.buf, 0) // not counted
		} else {
			binary.LittleEndian.PutUint64(s.buf, due)
		}
		binary.LittleEndian.PutUint64(s.buf[8:], s.numbers[0])
		s.numbers[0]++
		if err := s.send(ctx, 0, s.buf); err != nil {
			return found, err
		}
	}
	began := start + uint64(float64(warm/burst)*gap)
	found.Ns = s.clock.Ns(s.clock.Shared() - began)
	return found, s.dropCurtain(ctx)
}

// until waits for a moment of the shared clock: asleep for the most part, and
// spinning for the last bit, since a sleep's end is not that exact. It allocates
// the first time only: allocations of a run are counted.
func (s *team) until(ctx context.Context, due uint64) error {
	const spin = 200_000 // ns
	for {
		left := int64(due - s.clock.Shared())
		if left <= 0 {
			return nil
		}
		if ns := float64(left) / s.clock.TicksPerNs; ns > spin {
			if s.alarm == nil {
				s.alarm = time.NewTimer(time.Hour)
			}
			s.alarm.Reset(time.Duration(ns - spin))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.alarm.C:
			}
		}
	}
}

// timeArrivals is the part of a paced run's consumers: how long after it was
// due each message came.
func (s *team) timeArrivals(ctx context.Context) (found part, err error) {
	if err := s.meet(ctx); err != nil {
		return found, err
	}
	s.run++
	found.Times = limits.NewHistogram(s.clock.StepNs)
	for {
		m, missed, err := s.await(ctx)
		if err != nil {
			return found, err
		}
		now := s.clock.Shared()
		b := m.Payload
		if m.Type == typeEnd {
			if binary.LittleEndian.Uint64(b) != s.run {
				continue
			}
			s.words.Add64(offEnded, 1)
			found.Messages = found.Times.Count()
			return found, s.released()
		}
		if len(b) != s.orders.Size {
			return found, fmt.Errorf("a message of %d bytes instead of %d", len(b), s.orders.Size)
		}
		due, number := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		found.Missed += missed
		if number < s.numbers[0] || number > s.numbers[0] && s.orders.Consumers == 1 && missed == 0 {
			return found, fmt.Errorf("message %d came in place of %d", number, s.numbers[0])
		}
		s.numbers[0] = number + 1
		if due != 0 {
			found.Times.Record(float64(int64(now-due)) / s.clock.TicksPerNs)
		}
	}
}
