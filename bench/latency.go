package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

// ping sends a message, waits for its echo, and so on. The time between two
// sends is a sample.
func (s *team) ping(ctx context.Context) error {
	const warm = 2000
	back := make([]byte, len(s.buf))
	s.samples = s.samples[:0]
	var number [8]byte
	var last, stop uint64
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(number[:], i)
		copy(s.buf, number[:])
		if err := s.out.Send(ctx, s.buf); err != nil {
			return err
		}
		m, err := s.in.Recv(ctx)
		if err != nil {
			return err
		}
		copy(back, m.Payload)
		now := s.clock.Now()
		if len(m.Payload) != len(s.buf) || !bytes.HasPrefix(back, number[:min(8, len(back))]) {
			return fmt.Errorf("round trip %d came back with another payload", i)
		}
		switch {
		case i == warm:
			stop = now + uint64(float64(s.orders.Duration)*s.clock.TicksPerNs)
		case i > warm:
			s.samples = append(s.samples, s.clock.Ns(now-last))
			if now > stop || len(s.samples) == cap(s.samples) {
				return s.out.SendTyped(ctx, typeEnd, nil)
			}
		}
		last = now
	}
}

// echo sends back what comes.
func (s *team) echo(ctx context.Context) error {
	for {
		m, err := s.in.Recv(ctx)
		if err != nil {
			return err
		}
		if m.Type == typeEnd {
			return s.in.Release()
		}
		if err := s.out.Send(ctx, m.Payload); err != nil {
			return err
		}
	}
}
