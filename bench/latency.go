package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// copiedOut is up to which size what came back is copied out, as rivals' queues hand
// it out. What is longer is read where it lies, as with rivals that allow that.
const copiedOut = 64

// ping sends a message, waits for its echo, and so on. The time between two
// sends is a sample.
func (s *team) ping(ctx context.Context) (found part, err error) {
	back := make([]byte, min(len(s.buf), copiedOut))
	s.samples = s.samples[:0]
	var number [8]byte
	ticks := func(d time.Duration) uint64 { return uint64(float64(d) * s.clock.TicksPerNs) }
	last := s.clock.Now()
	warm := last + ticks(s.orders.warmUp())
	stop := warm + ticks(s.orders.length())
	s.beginSlices()
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(number[:], i)
		copy(s.buf, number[:])
		if err := s.send(ctx, 0, s.buf); err != nil {
			return found, err
		}
		m, err := s.recv(ctx)
		if err != nil {
			return found, err
		}
		got := m.Payload
		if len(got) <= copiedOut {
			got = back[:copy(back, got)]
		}
		now := s.clock.Now()
		if len(m.Payload) != len(s.buf) || !bytes.HasPrefix(got, number[:min(8, len(got))]) {
			return found, fmt.Errorf("round trip %d came back with another payload", i)
		}
		if now > warm {
			s.samples = append(s.samples, s.clock.Ns(now-last))
			if now > stop || len(s.samples) == cap(s.samples) {
				found = s.thereAndBack()
				found.Slices = s.slicesOf(s.samples, s.clock.Ns(now-warm))
				return found, s.send(ctx, typeEnd, nil)
			}
		}
		last = now
	}
}

// thereAndBack is what the samples come to: each is of two messages.
func (s *team) thereAndBack() (found part) {
	found.Times = limits.Collect(s.samples)
	found.Messages = 2 * int64(len(s.samples))
	for _, ns := range s.samples {
		found.Ns += ns
	}
	return found
}

// echo sends back what comes.
func (s *team) echo(ctx context.Context) (found part, err error) {
	for {
		m, err := s.recv(ctx)
		if err != nil {
			return found, err
		}
		if m.Type == typeEnd {
			return found, s.released()
		}
		if err := s.send(ctx, 0, m.Payload); err != nil {
			return found, err
		}
	}
}
