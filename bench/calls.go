package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// call asks and waits for the answer, again and again. Each call is a sample; the
// last one, of type typeEnd, ends the other side's part.
func (s *team) call(ctx context.Context) (found part, err error) {
	into := make([]byte, 0, len(s.buf))
	s.samples = s.samples[:0]
	ticks := func(d time.Duration) uint64 { return uint64(float64(d) * s.clock.TicksPerNs) }
	last := s.clock.Now()
	warm := last + ticks(s.orders.Duration/5)
	stop := warm + ticks(s.orders.Duration)
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(s.buf, i)
		answer, err := s.conn.Call(ctx, 0, s.buf, into)
		if err != nil {
			return found, err
		}
		now := s.clock.Now()
		if !bytes.Equal(answer, s.buf) {
			return found, fmt.Errorf("call %d came back with another answer", i)
		}
		if now > warm {
			s.samples = append(s.samples, s.clock.Ns(now-last))
			if now > stop || len(s.samples) == cap(s.samples) {
				_, err := s.conn.Call(ctx, typeEnd, nil, into)
				return s.thereAndBack(), err
			}
		}
		last = now
	}
}

// serve answers calls with what they ask.
func (s *team) serve(ctx context.Context) (part, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	over := false
	err := s.conn.Serve(ctx, 1, func(_ context.Context, typ uint16, request, dst []byte) ([]byte, error) {
		if typ == typeEnd {
			over = true
			end()
		}
		return append(dst, request...), nil
	})
	if over && errors.Is(err, context.Canceled) {
		return part{}, nil
	}
	return part{}, err
}
