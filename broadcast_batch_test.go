package ringway_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/ring"
)

// batches receives to the end, so many messages at once, and returns how many
// came in how many calls.
func (c *checker) batches(ctx context.Context, n int) (calls int, err error) {
	into := make([]ringway.Message, n)
	for {
		due := c.s.Sequence()
		k, err := c.s.RecvBatch(ctx, into)
		var lap *ringway.Lapped
		switch {
		case errors.As(err, &lap) && k == 0:
			c.missed += lap.Messages
			continue
		case err == io.EOF && k == 0:
			return calls, nil
		case err != nil || k == 0:
			return calls, err
		}
		calls++
		if c.s.Sequence() != due+uint64(k) {
			return calls, errors.New("a batch has a gap")
		}
		for i, m := range into[:k] {
			if c.want = sequenced(c.want, due+uint64(i)); string(c.want) != string(m.Payload) {
				return calls, errors.New("a message of a batch is another one, or torn")
			}
			c.got++
		}
	}
}

func TestBatchesOfALosslessRingHoldEveryMessageOnce(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Capacity(8192))
	p := publisher(t, r)
	const messages = 5000
	c := &checker{s: subscriber(t, r, ringway.FromOldest())}
	done := make(chan error, 1)
	go func() {
		_, err := c.batches(ctx, 16)
		done <- err
	}()
	var b []byte
	for p.Sequence() <= messages {
		b = sequenced(b, p.Sequence())
		if err := p.Send(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || c.got != messages || c.missed > 0 {
		t.Errorf("%d received, %d missed, %v", c.got, c.missed, err)
	}
	if n := countOf(r, ring.ReceivedMessages); n != messages {
		t.Errorf("%d messages are counted", n)
	}
}

func TestBatchesAndWhatWasMissedMakeUpWhatWasSent(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(4096))
	p := publisher(t, r)
	subs := []*checker{{s: subscriber(t, r)}, {s: subscriber(t, readOnly(t, r))}}
	const messages = 1000
	for p.Sequence() <= messages {
		if err := p.Send(ctx, sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	for i, c := range subs {
		calls, err := c.batches(ctx, 4)
		if err != nil || c.got+c.missed != messages || c.missed == 0 || c.s.Missed() != c.missed || calls > int(c.got)/2+2 {
			t.Errorf("subscriber %d: %d received in %d calls, %d missed, %v", i, c.got, calls, c.missed, err)
		}
	}
}

func TestABatchOfNoneReturnsAtOnce(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast)
	if n, err := subscriber(t, r).RecvBatch(within(t), nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestASubscriberThatSpinsReceivesWhatComesMeanwhile(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Capacity(4096), ringway.Wait(ringway.BusySpin))
	p := publisher(t, r)
	c := &checker{s: subscriber(t, r, ringway.FromOldest())}
	const messages = 20
	done := make(chan error, 1)
	next := make(chan struct{}, messages)
	go func() {
		for range messages {
			if err := c.next(ctx); err != nil {
				done <- err
				return
			}
			next <- struct{}{}
		}
		done <- c.all(ctx)
	}()
	for range messages {
		if err := p.Send(ctx, sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
		select {
		case <-next: // so that it is empty again
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || c.got != messages || c.missed > 0 {
		t.Errorf("%d received, %d missed, %v", c.got, c.missed, err)
	}
}
