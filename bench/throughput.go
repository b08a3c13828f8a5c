package bench

import (
	"context"
	"encoding/binary"
	"runtime"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// conduct is the leader's part of a throughput run: it produces, and tells the
// others when the part that counts begins and ends. It returns how long that
// was, in nanoseconds.
func (s *team) conduct(ctx context.Context) (ns int64, err error) {
	s.words.Store64(offDone, 0)
	s.words.Store64(offEnded, 0)
	s.words.Store64(offStage, stageWarm)
	if err := s.meet(ctx); err != nil {
		return 0, err
	}
	began := limits.Now()
	measuring := began + int64(s.orders.Duration/5)
	for {
		if err := s.produceSome(ctx); err != nil {
			return 0, err
		}
		now := limits.Now()
		switch stage := s.words.Load64(offStage); {
		case stage == stageWarm && now > measuring:
			s.words.Store64(offStage, stageMeasure)
			began = now
			continue
		case stage == stageMeasure && now > began+int64(s.orders.Duration):
			s.words.Store64(offStage, stageStop)
			ns = now - began
		default:
			continue
		}
		break
	}
	for s.words.Load64(offDone) < uint64(s.orders.Producers-1) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		runtime.Gosched()
	}
	// A consumer that receives batches may get more than one of these, and ones
	// that nobody needed are still there at the next run: they have its number.
	s.run++
	end := binary.LittleEndian.AppendUint64(nil, s.run)
	for s.words.Load64(offEnded) < uint64(s.orders.Consumers) {
		if err := s.out.SendTyped(ctx, typeEnd, end); err != nil {
			return 0, err
		}
		time.Sleep(200 * time.Microsecond)
	}
	return ns, nil
}

// produce is the part of the other producers.
func (s *team) produce(ctx context.Context) error {
	if err := s.meet(ctx); err != nil {
		return err
	}
	for s.words.Load64(offStage) < stageStop {
		if err := s.produceSome(ctx); err != nil {
			return err
		}
	}
	s.words.Add64(offDone, 1)
	return nil
}

// produceSome sends messages for a while.
func (s *team) produceSome(ctx context.Context) (err error) {
	per := max(1, min(4096, 1<<20/max(s.orders.Size, 1)))
	if s.orders.Batch == 1 {
		out, buf := s.out, s.buf
		for range per {
			s.stamp(buf)
			if err := out.Send(ctx, buf); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < per; i += s.orders.Batch {
		for _, b := range s.batch {
			s.stamp(b)
		}
		if _, err = s.out.SendBatch(ctx, s.batch); err != nil {
			return err
		}
	}
	return nil
}
