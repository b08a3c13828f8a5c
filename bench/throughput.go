package bench

import (
	"context"
	"encoding/binary"
	"runtime"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// conduct is the leader's part of a throughput run: it produces, and tells the
// others when the part that counts begins and ends. It reports how long that
// was.
func (s *team) conduct(ctx context.Context) (found part, err error) {
	first := s.numbers[0]
	if err := s.raiseCurtain(ctx); err != nil {
		return found, err
	}
	began := limits.Now()
	measuring := began + int64(s.orders.warmUp())
	s.beginSlices()
	for {
		if err := s.produceSome(ctx); err != nil {
			return found, err
		}
		now := limits.Now()
		s.passBoundary()
		switch stage := s.words.Load64(offStage); {
		case stage == stageWarm && now > measuring:
			s.words.Store64(offStage, stageMeasure)
			s.published(&found, stageMeasure)
			began = now
			continue
		case stage == stageMeasure && now > began+int64(s.orders.length()):
			s.words.Store64(offStage, stageStop)
			s.published(&found, stageStop)
			found.Ns = now - began
		default:
			continue
		}
		break
	}
	s.sentSince(first, &found)
	for s.words.Load64(offDone) < uint64(s.orders.Producers-1) {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		runtime.Gosched()
	}
	return found, s.dropCurtain(ctx)
}

// raiseCurtain begins a run in which consumers go on until they are told that
// it has ended. Only the leader calls it; the others meet it here.
func (s *team) raiseCurtain(ctx context.Context) error {
	s.words.Store64(offDone, 0)
	s.words.Store64(offEnded, 0)
	s.words.Store64(offStage, stageWarm)
	s.words.Store64(offSlice, 0)
	return s.meet(ctx)
}

// dropCurtain tells all consumers that the run has ended, and waits until they
// know. A consumer that receives batches may get more than one of these
// messages, and ones that nobody needed are still there at the next run: they
// have its number.
func (s *team) dropCurtain(ctx context.Context) error {
	s.run++
	end := binary.LittleEndian.AppendUint64(nil, s.run)
	for s.words.Load64(offEnded) < uint64(s.orders.Consumers) {
		if err := s.send(ctx, typeEnd, end); err != nil {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil
}

// produce is the part of the other producers.
func (s *team) produce(ctx context.Context) (found part, err error) {
	first := s.numbers[0]
	if err := s.meet(ctx); err != nil {
		return found, err
	}
	for s.words.Load64(offStage) < stageStop {
		if err := s.produceSome(ctx); err != nil {
			return found, err
		}
	}
	s.sentSince(first, &found)
	s.words.Add64(offDone, 1)
	return found, nil
}

// sentSince notes what this producer sent since its next number was first.
func (s *team) sentSince(first uint64, found *part) {
	n := s.numbers[0] - first
	found.Sent = int64(n)
	found.Sum = n*(uint64(s.orders.Member)<<48+first) + n*(n-1)/2
}

// produceSome sends messages for a while.
func (s *team) produceSome(ctx context.Context) (err error) {
	per := max(1, min(4096, 1<<20/max(s.orders.Size, 1)))
	if s.conn != nil {
		return s.sendSome(ctx, per)
	}
	if s.pub != nil {
		return s.publishSome(ctx, per)
	}
	if s.orders.Mode == Mixed {
		for _, n := range s.mix {
			b := s.buf[:n]
			s.stamp(b)
			if err := s.out.Send(ctx, b); err != nil {
				return err
			}
		}
		return nil
	}
	if s.orders.Lease {
		return s.produceInPlace(ctx, per)
	}
	// What a small message costs is counted in nanoseconds: no more than needed is
	// done here for each, and the number stays in a register.
	n := uint64(s.orders.Member)<<48 | s.numbers[0]
	stamped := s.orders.Size >= 8
	defer func() { s.numbers[0] = n & numberMask }()
	if s.orders.Batch == 1 {
		out, buf := s.out, s.buf
		for range per {
			if stamped {
				binary.LittleEndian.PutUint64(buf, n)
				n++
			}
			if err := out.Send(ctx, buf); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < per; i += s.orders.Batch {
		if stamped {
			for at := 0; at < len(s.packed); at += s.orders.Size {
				binary.LittleEndian.PutUint64(s.packed[at:], n)
				n++
			}
		}
		if _, err = s.out.SendPacked(ctx, s.packed, s.orders.Size); err != nil {
			return err
		}
	}
	return nil
}

// produceInPlace writes messages where they stay.
func (s *team) produceInPlace(ctx context.Context, per int) error {
	for range per {
		b, err := s.out.Claim(ctx, s.orders.Size)
		if err != nil {
			return err
		}
		copy(b, s.buf)
		s.stamp(b)
		if err := s.out.Commit(); err != nil {
			return err
		}
	}
	return nil
}
