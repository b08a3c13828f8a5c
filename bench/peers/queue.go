package main

import (
	"errors"
	"fmt"
	"runtime"
)

// worker is a thread that sends or receives.
type worker struct {
	s        *slice
	id       int    // producers first
	patience int    // attempts in vain after which it yields its processor
	next     uint64 // a producer's: the next number
	first    uint64 // and the slice's first
	due      []uint64
	seen     uint32 // the stage that a consumer knows of
	n        uint64 // received
	from, to uint64 // and of these, the part that counts
	sum      uint64
	wrong    bool
	_        [64]byte
}

const numberBits = 48

// goesOn is what a producer asks after each lot.
func (w *worker) goesOn() bool {
	if w.id == 0 {
		return w.s.goesOn()
	}
	return w.s.stage.Load() < stop
}

// stopped is called by a producer when it has sent everything before next. It returns
// how many consumers are to be told: none if there are producers left who will.
func (w *worker) stopped(next uint64) int {
	w.next = next
	if w.s.running.Add(-1) > 0 {
		return 0
	}
	return w.s.o.consumers
}

// take counts and checks a message: what comes from one producer has to come in
// order, and if nobody else receives it, all of it.
func (w *worker) take(v uint64) {
	if w.n%32 == 0 {
		w.look()
	}
	w.n++
	from := v >> numberBits
	if from >= uint64(len(w.due)) || v < w.due[from] {
		w.wrong = true
		return
	}
	w.due[from] = v + 1
	w.sum += v
}

func (w *worker) look() {
	now := w.s.stage.Load()
	if now == w.seen {
		return
	}
	if w.seen == warm {
		w.from = w.n
	}
	if now == stop {
		w.to = w.n
	}
	w.seen = now
}

// queue returns what measures the rate of a queue between threads.
func queue(o options) (func() (result, error), error) {
	var e engine
	switch o.engine {
	case "xsync":
		e = newXsync()
	case "xsync-spsc":
		if o.producers != 1 || o.consumers != 1 {
			return nil, errors.New("xsync-spsc has one producer and one consumer")
		}
		e = newXsyncSPSC()
	default:
		e = newChannel()
		if o.broadcast {
			e = newFan(o.consumers)
		}
	}
	if o.broadcast && (o.engine != "channel" || o.producers != 1) {
		return nil, errors.New("--broadcast goes with channels and one producer")
	}
	if o.mode != "throughput" || o.size != 8 {
		return nil, fmt.Errorf("%s does throughput of 8-byte messages", o.engine)
	}
	threads := o.producers + o.consumers
	runtime.GOMAXPROCS(threads + 1)
	s := &slice{o: o}
	list := make([]worker, threads)
	for i := range list {
		w := &list[i]
		*w = worker{s: s, id: i, patience: 4096, next: uint64(i)<<numberBits + 1, due: make([]uint64, o.producers)}
		if threads > len(o.cpus) {
			w.patience = 64
		}
	}
	crew, err := newWorkers(threads, o.cpus, func(id int) {
		if w := &list[id]; id < o.producers {
			w.first = w.next
			e.produce(w)
		} else {
			w.n, w.from, w.to, w.sum, w.seen = 0, 0, 0, 0, warm
			e.consume(w)
			w.look()
		}
	})
	return func() (result, error) {
		s.begin()
		crew.do()
		r := result{Engine: e.name(), Between: "threads", Seconds: s.ns.Seconds()}
		var sent, got, sum uint64
		for i := range list {
			w := &list[i]
			if i < o.producers {
				n := w.next - w.first
				sent += n
				sum += n*w.first + n*(n-1)/2
				continue
			}
			if w.wrong {
				return r, errors.New("a message came twice, out of order or from nowhere")
			}
			got += w.n
			sum -= w.sum
			r.Messages += w.to - w.from
		}
		if o.broadcast { // all consumers had all of it
			r.Messages /= uint64(o.consumers)
			return r, unlessReceived(sent*uint64(o.consumers), got)
		}
		if sum != 0 {
			return r, errors.New("what was received is not what was sent")
		}
		return r, unlessReceived(sent, got)
	}, err
}

func unlessReceived(sent, got uint64) error {
	if sent != got {
		return fmt.Errorf("sent %d, received %d", sent, got)
	}
	return nil
}
