package ringway_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

// bothEnds are the two sides of a ring of any kind.
type bothEnds struct {
	send interface {
		Send(ctx context.Context, b []byte) error
		SendBatch(ctx context.Context, msgs [][]byte) (int, error)
		Close() error
	}
	receive interface {
		RecvAppend(ctx context.Context, dst []byte) ([]byte, error)
		RecvBatch(ctx context.Context, into []ringway.Message) (int, error)
		Close() error
	}
}

func attachBoth(t *testing.T, r *ringway.Ring) (e bothEnds) {
	t.Helper()
	var err error
	if r.Kind() == ringway.Broadcast {
		if e.send, err = r.Publisher(); err == nil {
			e.receive, err = r.Subscribe()
		}
	} else if e.send, err = r.Producer(); err == nil {
		e.receive, err = r.Consumer()
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e bothEnds) close() { _, _ = e.send.Close(), e.receive.Close() }

// eachSampled runs test for a ring of each kind.
func eachSampled(t *testing.T, test func(t *testing.T, r *ringway.Ring), opts ...ringway.Option) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC, ringway.Broadcast} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			r, err := ringway.CreateRing("timed", kind, append(opts, ringway.Dir(dir), ringway.Capacity(1<<16))...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = r.Close()
				_ = ringway.RemoveRing("timed", ringway.Dir(dir))
			})
			test(t, r)
		})
	}
}

func TestMessagesOfASampledRingAreTimedAndTheTimesOutliveThoseWhoMeasured(t *testing.T) {
	eachSampled(t, func(t *testing.T, r *ringway.Ring) {
		began := time.Now()
		for range 2 {
			e := attachBoth(t, r)
			for range 100 {
				if err := e.send.Send(t.Context(), make([]byte, 40)); err != nil {
					t.Fatal(err)
				}
				if _, err := e.receive.RecvAppend(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			e.close()
		}
		most := uint64(time.Since(began))
		s := r.Inspect()
		d := (*ring.Durations)(s.OneWay)
		if s.Status != inspect.Good || s.SampleEvery != 1 || d.Count() != 200 || d.Sum == 0 || d.Sum > most {
			t.Errorf("%d messages took %d ns of %d, one of %d is timed, %s", d.Count(), d.Sum, most, s.SampleEvery, s.Error)
		}
	}, ringway.SampleLatency(1))
}

func TestBatchesGoThroughASampledRingAsThroughAnyOther(t *testing.T) {
	eachSampled(t, func(t *testing.T, r *ringway.Ring) {
		e := attachBoth(t, r)
		defer e.close()
		batch := make([][]byte, 32)
		for i := range batch {
			batch[i] = []byte{byte(i), 1, 2}
		}
		into := make([]ringway.Message, 7)
		for range 200 {
			if n, err := e.send.SendBatch(t.Context(), batch); n != len(batch) || err != nil {
				t.Fatal(n, err)
			}
			for got := 0; got < len(batch); {
				n, err := e.receive.RecvBatch(t.Context(), into)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range into[:n] {
					if len(m.Payload) != 3 || m.Payload[0] != byte(got) {
						t.Fatalf("message %d is %v", got, m.Payload)
					}
					got++
				}
			}
		}
		// Lent messages would keep the memory mapped.
		if err := e.send.Send(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := e.receive.RecvAppend(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := (*ring.Durations)(r.Inspect().OneWay).Count(); n < 180 { // where the ring ends a batch may begin with padding
			t.Errorf("%d of 200 batches were timed", n)
		}
	}, ringway.SampleLatency(1))
}

func TestAReceiverThatWasWokenSaysHowLongThatTook(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Park, ringway.Poll, ringway.Adaptive} {
		eachSampled(t, func(t *testing.T, r *ringway.Ring) {
			e := attachBoth(t, r)
			defer e.close()
			awake := make(chan error)
			go func() {
				for {
					_, err := e.receive.RecvAppend(t.Context(), nil)
					if awake <- err; err != nil {
						return
					}
				}
			}()
			// Now and then it is asleep already when it is rung for.
			for (*ring.Durations)(r.Inspect().WakeUp).Count() == 0 {
				time.Sleep(2 * time.Millisecond)
				if err := e.send.Send(t.Context(), []byte{1}); err != nil {
					t.Fatal(err)
				}
				if err := <-awake; err != nil {
					t.Fatal(err)
				}
			}
			_ = e.receive.Close()
			<-awake
		}, ringway.SampleLatency(1000), ringway.Wait(wait))
	}
}

func TestARingThatIsNotSampledHasNoTimes(t *testing.T) {
	eachSampled(t, func(t *testing.T, r *ringway.Ring) {
		if s := r.Inspect(); s.OneWay != nil || s.WakeUp != nil || s.SampleEvery != 0 {
			t.Errorf("%+v", s)
		}
	})
	for _, n := range []int{-1, math.MinInt} {
		if _, err := ringway.CreateRing("x", ringway.SPSC, ringway.Dir(t.TempDir()), ringway.SampleLatency(n)); err == nil {
			t.Errorf("one of %d messages is timed", n)
		}
	}
}

func TestSubscribersThatReadOnlyMeasureForThemselves(t *testing.T) {
	dir := t.TempDir()
	w, err := ringway.CreateRing("timed", ringway.Broadcast, ringway.Dir(dir), ringway.SampleLatency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer ringway.RemoveRing("timed", ringway.Dir(dir))
	defer w.Close()
	p, err := w.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r, err := ringway.OpenRing("timed", ringway.Dir(dir), ringway.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, err := r.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 100 {
		if err := p.Send(t.Context(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := (*ring.Durations)(w.Inspect().OneWay).Count(); n != 0 {
		t.Errorf("%d were counted by somebody who can't write", n)
	}
}
