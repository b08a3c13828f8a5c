package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what a thread sent or received.
type tally struct {
	n, sum uint64
	end    time.Time
	err    error
	_      [64]byte
}

// queue measures the rate of a queue between threads.
func queue(o options) (result, error) {
	var e engine
	switch o.engine {
	case "xsync":
		e = newXsync()
	case "xsync-spsc":
		if o.producers != 1 || o.consumers != 1 {
			return result{}, errors.New("xsync-spsc has one producer and one consumer")
		}
		e = newXsyncSPSC()
	default:
		e = newChannel()
		if o.broadcast {
			e = newFan(o.consumers)
		}
	}
	if o.broadcast && (o.engine != "channel" || o.producers != 1) {
		return result{}, errors.New("--broadcast goes with channels and one producer")
	}
	if o.mode != "throughput" || o.size != 8 {
		return result{}, fmt.Errorf("%s does throughput of 8-byte messages", o.engine)
	}
	threads := o.producers + o.consumers
	runtime.GOMAXPROCS(threads + 1)

	var stop atomic.Bool
	var ready, producing, all sync.WaitGroup
	ready.Add(threads)
	all.Add(threads)
	producing.Add(o.producers)
	var start time.Time
	begin := make(chan struct{})
	tallies := make([]tally, threads)
	for i := range threads {
		go func() {
			defer all.Done()
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			t := &tallies[i]
			t.err = pin(o.cpus[i%len(o.cpus)])
			ready.Done()
			<-begin
			if i >= o.producers {
				e.consume(t)
				t.end = time.Now()
				return
			}
			defer producing.Done()
			if t.err == nil {
				e.produce(t, uint64(i)<<48+1, &stop)
			}
		}()
	}
	ready.Wait()
	start = time.Now()
	close(begin)
	time.AfterFunc(o.duration, func() { stop.Store(true) })
	producing.Wait()
	var sent, got tally
	for _, t := range tallies[:o.producers] {
		sent.add(t)
	}
	e.close(sent.n)
	all.Wait()
	for _, t := range tallies[o.producers:] {
		got.add(t)
	}
	if o.broadcast { // all consumers had all of it
		sent.n, sent.sum = sent.n*uint64(o.consumers), sent.sum*uint64(o.consumers)
	}
	if err := errors.Join(sent.err, got.err); err != nil {
		return result{}, fmt.Errorf("pin: %w", err)
	}
	if sent.n != got.n || sent.sum != got.sum {
		return result{}, fmt.Errorf("sent %d, received %d, their sums are %d and %d", sent.n, got.n, sent.sum, got.sum)
	}
	if o.broadcast {
		got.n /= uint64(o.consumers)
	}
	return result{Engine: e.name(), Between: "threads", Messages: got.n, Seconds: got.end.Sub(start).Seconds()}, nil
}

func (t *tally) add(u tally) {
	t.n += u.n
	t.sum += u.sum
	t.err = errors.Join(t.err, u.err)
	if u.end.After(t.end) {
		t.end = u.end
	}
}
