package ringway_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

func TestAPollingReceiverIsWokenByEachMessage(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		ctx := within(t)
		there := newRingOf(t, kind, ringway.Wait(ringway.Poll), ringway.Capacity(4096))
		back := newRingOf(t, kind, ringway.Wait(ringway.Poll), ringway.Capacity(4096))
		p1, c1 := ends(t, there)
		p2, c2 := ends(t, back)
		const n = 300
		go func() {
			for m, err := range c1.Messages(ctx) {
				if err == nil {
					err = p2.Send(ctx, m.Payload)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
		late := 0
		for i := range n {
			start := time.Now()
			if err := p1.Send(ctx, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			m, err := c2.Recv(ctx)
			if err != nil || m.Payload[0] != byte(i) {
				t.Fatalf("message %d: %v, %v", i, m.Payload, err)
			}
			if time.Since(start) > 900*time.Millisecond {
				late++
			}
		}
		if late > n/10 { // the machine may stand still for a while, but not all the time
			t.Errorf("%v: %d of %d round trips needed the safety net", kind, late, n)
		}
		if err := p1.End(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPollingReceiverLearnsOfTheEndOfItsContextAndOfClose(t *testing.T) {
	r := newRing(t, ringway.Wait(ringway.Poll))
	_, c := ends(t, r)
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := c.Recv(ctx); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		cancel()
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Recv(t.Context())
		done <- err
	}()
	runtime.Gosched()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
}

func TestAPollingSenderIsWokenByRoom(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Wait(ringway.Poll), ringway.Capacity(4096))
	p, c := ends(t, r)
	const n = 500
	go func() {
		for range n {
			if err := p.Send(ctx, make([]byte, 1000)); err != nil {
				t.Error(err)
				return
			}
		}
		if err := p.End(ctx); err != nil {
			t.Error(err)
		}
	}()
	got := 0
	for _, err := range c.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != n {
		t.Errorf("%d messages of %d", got, n)
	}
}

func TestSelectReturnsTheRingThatHasSomething(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		ctx := within(t)
		var producers []*ringway.Producer
		var consumers []*ringway.Consumer
		var sources []ringway.Source
		for range 5 {
			p, c := ends(t, newRingOf(t, kind, ringway.Capacity(4096)))
			producers, consumers, sources = append(producers, p), append(consumers, c), append(sources, c)
		}
		s := ringway.NewSelector(sources...)
		// receive waits for the next message of any.
		receive := func() (int, ringway.Message, error) {
			for {
				i, err := s.Wait(ctx)
				if err != nil {
					return i, ringway.Message{}, err
				}
				if m, err := consumers[i].TryRecv(); !errors.Is(err, ringway.ErrEmpty) {
					return i, m, err
				}
			}
		}
		for n := range 100 {
			want := n * 7 % len(producers)
			sent := make(chan error, 1)
			go func() {
				if n%3 > 0 {
					runtime.Gosched()
				}
				sent <- producers[want].Send(ctx, []byte{byte(n)})
			}()
			if i, m, err := receive(); err != nil || i != want || m.Payload[0] != byte(n) {
				t.Fatalf("round %d: ring %d, %v, %v; want ring %d", n, i, m.Payload, err, want)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
		// Who always has something doesn't keep it from the others.
		for i, p := range producers {
			if err := p.Send(ctx, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		for others := len(producers) - 1; others > 0; {
			i, _, err := receive()
			if err != nil {
				t.Fatal(err)
			}
			if i != 3 {
				others--
			} else if err := producers[3].Send(ctx, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := receive(); err != nil { // the last one of ring 3
			t.Fatal(err)
		}
		if err := producers[3].End(ctx); err != nil {
			t.Fatal(err)
		}
		if i, _, err := receive(); i != 3 || err != io.EOF {
			t.Errorf("after the end of ring 3: ring %d, %v", i, err)
		}
		// A consumer that was selected can wait alone.
		s.Close()
		sent := make(chan error, 1)
		go func() { sent <- producers[0].Send(ctx, []byte("alone")) }()
		if m, err := consumers[0].Recv(ctx); err != nil || string(m.Payload) != "alone" {
			t.Errorf("%q, %v", m.Payload, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
}

func TestSelectEndsWithItsContextAndTellsErrors(t *testing.T) {
	_, a := ends(t, newRing(t))
	_, b := ends(t, newRing(t))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	for { // it may return for nothing
		i, err := ringway.Select(ctx, a, b)
		if err == nil {
			continue
		}
		if i != -1 || err != context.DeadlineExceeded {
			t.Errorf("Select: %d, %v", i, err)
		}
		break
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if i, err := ringway.Select(t.Context(), a, b); i != 1 || !errors.Is(err, ringway.ErrClosed) {
		t.Errorf("Select of a closed consumer: %d, %v", i, err)
	}
	if i, err := ringway.Select(t.Context()); i != -1 || !errors.Is(err, ringway.ErrBadArgument) {
		t.Errorf("Select of nothing: %d, %v", i, err)
	}
}

func TestSelectorsLeaveNoGoroutineForEachRingBehind(t *testing.T) {
	receive := func() {
		p, c := ends(t, newRing(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for ctx.Err() == nil {
			_, _ = ringway.Select(ctx, c)
		}
		if err := p.Send(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	receive() // there may be one for all of them
	before := runtime.NumGoroutine()
	for range 10 {
		receive()
	}
	proctest.Until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+2 })
}

func TestSelectTakesSubscribersToo(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(64<<10))
	p, err := r.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sub, err := r.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	_, c := ends(t, newRing(t))
	s := ringway.NewSelector(c, sub)
	defer s.Close()
	for n := range 50 {
		sent := make(chan error, 1)
		go func() { sent <- p.Send(ctx, []byte{byte(n)}) }()
		for {
			i, err := s.Wait(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				continue // for nothing
			}
			m, err := sub.TryRecv()
			if errors.Is(err, ringway.ErrEmpty) {
				continue
			}
			if err != nil || m.Payload[0] != byte(n) {
				t.Fatalf("message %d: %v, %v", n, m.Payload, err)
			}
			break
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}

func TestEachOfSeveralPollingSubscribersIsWoken(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(64<<10), ringway.Wait(ringway.Poll))
	p, err := r.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const subscribers = 5
	n := 300
	got := make(chan error, subscribers)
	for range subscribers {
		s, err := r.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		go func() {
			for {
				m, err := s.Recv(ctx)
				if err == nil && len(m.Payload) == 0 {
					return
				}
				got <- err
			}
		}()
	}
	late := 0
	for range n {
		start := time.Now()
		if err := p.Send(ctx, []byte("all")); err != nil {
			t.Fatal(err)
		}
		for range subscribers {
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(start) > 400*time.Millisecond {
			if late++; late > n/10 {
				t.Fatal("the safety net wakes them")
			}
		}
	}
	if err := p.Send(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsASelectOfARing(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Park, ringway.Poll} {
		_, c := ends(t, newRing(t, ringway.Wait(wait)))
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := ringway.Select(t.Context(), c); err != nil {
					ended <- err
					return
				}
				if _, err := c.TryRecv(); !errors.Is(err, ringway.ErrEmpty) {
					ended <- err
					return
				}
			}
		}()
		time.Sleep(time.Millisecond) // it may watch by now, or not
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ringway.ErrClosed) {
			t.Errorf("%v: the wait for a ring that was closed ends with %v", wait, err)
		}
	}
}
