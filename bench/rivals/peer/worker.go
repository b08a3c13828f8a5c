package peer

import (
	"errors"
	"fmt"
	"runtime"
)

// Queue is what a program measures the rate of. The loops are in it and not
// around it, so that there is no call through an interface for each message.
type Queue interface {
	// Produce sends numbers from w.Next on while w.GoesOn says so, which it asks
	// after each Lot. Then it tells w.Stopped, and sends as many consumers as that
	// returns the word Last; each of them, where every message goes to all.
	Produce(w *Worker)

	// Consume gives w.Take what it receives, until Last comes.
	Consume(w *Worker)
}

// Lot is how many messages are sent between two looks at the clock.
const Lot = 4096

// Last is the word that ends a consumer's part of a slice.
const Last = ^uint64(0)

// Worker is a thread that sends or receives. It belongs to one goroutine.
type Worker struct {
	Patience int    // attempts in vain after which it yields its processor
	Next     uint64 // a producer's: the next number
	Consumer int    // which one it is, from 0; less than that is a producer

	s        *slice
	id       int    // producers first
	first    uint64 // a producer's: the slice's first number
	due      []uint64
	seen     uint32 // the stage that a consumer knows of
	n        uint64 // received
	from, to uint64 // and of these, the part that counts
	sum      uint64
	wrong    bool
	_        [64]byte
}

const numberBits = 48

// GoesOn is what a producer asks after each lot.
func (w *Worker) GoesOn() bool {
	if w.id == 0 {
		return w.s.goesOn()
	}
	return w.s.stage.Load() < stop
}

// Stopped is called by a producer when it has sent everything before next. It returns
// how many consumers are to be told: none if there are producers left who will.
func (w *Worker) Stopped(next uint64) int {
	w.Next = next
	if w.s.running.Add(-1) > 0 {
		return 0
	}
	return w.s.o.Consumers
}

// Take counts and checks a message: what comes from one producer has to come in
// order, and if nobody else receives it, all of it.
func (w *Worker) Take(v uint64) {
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

func (w *Worker) look() {
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

// Rate returns what measures the rate of a queue between threads. Title is what it
// is called in results.
func Rate(o Options, title string, q Queue) (func() (Result, error), error) {
	threads := o.Producers + o.Consumers
	runtime.GOMAXPROCS(threads + 1)
	s := &slice{o: o}
	list := make([]Worker, threads)
	for i := range list {
		w := &list[i]
		*w = Worker{s: s, id: i, Consumer: i - o.Producers, Patience: Patience(threads, o.CPUs),
			Next: uint64(i)<<numberBits + 1, due: make([]uint64, o.Producers)}
	}
	crew, err := NewWorkers(threads, o.CPUs, func(id int) {
		if w := &list[id]; id < o.Producers {
			w.first = w.Next
			q.Produce(w)
		} else {
			w.n, w.from, w.to, w.sum, w.seen = 0, 0, 0, 0, warm
			q.Consume(w)
			w.look()
		}
	})
	return func() (Result, error) {
		s.begin()
		crew.Do()
		r := Result{Engine: title, Between: "threads", Seconds: s.ns.Seconds()}
		var sent, got, sum uint64
		for i := range list {
			w := &list[i]
			if i < o.Producers {
				n := w.Next - w.first
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
		if o.Broadcast { // all consumers had all of it
			r.Messages /= uint64(o.Consumers)
			return r, unlessReceived(sent*uint64(o.Consumers), got)
		}
		if sum != 0 {
			return r, fmt.Errorf("what was received is not what was sent: %d messages of %d", got, sent)
		}
		return r, unlessReceived(sent, got)
	}, err
}

// Patience is how often threads try in vain before they yield their processor.
func Patience(threads int, cpus []int) int {
	if threads > len(cpus) {
		return 64
	}
	return 4096
}

func unlessReceived(sent, got uint64) error {
	if sent != got {
		return fmt.Errorf("sent %d, received %d", sent, got)
	}
	return nil
}
