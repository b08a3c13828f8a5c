package main

import (
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"
)

// engines are the names of all that can be measured.
var engines = []string{"xsync", "xsync-spsc", "channel", "shmipc", "grpc", "unix"}

// engine is a queue. The loops are in the engine and not around it, so that
// there is no call through an interface for each message.
type engine interface {
	name() string

	// produce sends first, first+1 and so on until it is stopped.
	produce(t *tally, first uint64, stop *atomic.Bool)

	// consume receives until there is nothing more.
	consume(t *tally)

	// close is called when all producers are done, with how many they sent.
	close(sent uint64)
}

// spin is how often is tried before the processor is yielded.
const spin = 64

type xsyncEngine struct {
	q        *xsync.MPMCQueue[uint64]
	sent     atomic.Uint64 // valid when done
	done     atomic.Bool
	received atomic.Uint64
}

func newXsync() *xsyncEngine {
	return &xsyncEngine{q: xsync.NewMPMCQueue[uint64](capacity)}
}

func (*xsyncEngine) name() string { return "xsync.MPMCQueue" }

func (e *xsyncEngine) produce(t *tally, first uint64, stop *atomic.Bool) {
	v, failed := first, 0
	var sum uint64
	for ; !stop.Load(); v++ {
		for !e.q.TryEnqueue(v) {
			if failed++; failed%spin == 0 {
				yield()
			}
		}
		sum += v
	}
	t.n, t.sum = v-first, sum
}

// consume ends when all consumers together have received what was sent; that
// TryDequeue fails doesn't mean that the queue is empty.
func (e *xsyncEngine) consume(t *tally) {
	failed := 0
	var n, told, sum uint64
	for {
		if v, ok := e.q.TryDequeue(); ok {
			n++
			sum += v
			continue
		}
		if e.done.Load() {
			if e.received.Add(n-told) >= e.sent.Load() {
				break
			}
			told = n
		}
		if failed++; failed%spin == 0 {
			yield()
		}
	}
	t.n, t.sum = n, sum
}

func (e *xsyncEngine) close(sent uint64) {
	e.sent.Store(sent)
	e.done.Store(true)
}

// xsyncSPSC is the queue of one producer and one consumer.
type xsyncSPSC struct {
	q    *xsync.SPSCQueue[uint64]
	sent atomic.Uint64
	done atomic.Bool
}

func newXsyncSPSC() *xsyncSPSC { return &xsyncSPSC{q: xsync.NewSPSCQueue[uint64](capacity)} }

func (*xsyncSPSC) name() string { return "xsync.SPSCQueue" }

func (e *xsyncSPSC) produce(t *tally, first uint64, stop *atomic.Bool) {
	v, failed := first, 0
	var sum uint64
	for ; !stop.Load(); v++ {
		for !e.q.TryEnqueue(v) {
			if failed++; failed%spin == 0 {
				yield()
			}
		}
		sum += v
	}
	t.n, t.sum = v-first, sum
}

func (e *xsyncSPSC) consume(t *tally) {
	failed := 0
	var n, sum uint64
	for {
		if v, ok := e.q.TryDequeue(); ok {
			n++
			sum += v
			continue
		}
		if e.done.Load() && n >= e.sent.Load() {
			break
		}
		if failed++; failed%spin == 0 {
			yield()
		}
	}
	t.n, t.sum = n, sum
}

func (e *xsyncSPSC) close(sent uint64) {
	e.sent.Store(sent)
	e.done.Store(true)
}

type channelEngine struct{ c chan uint64 }

func newChannel() channelEngine { return channelEngine{make(chan uint64, capacity)} }

func (channelEngine) name() string { return "chan uint64" }

func (e channelEngine) produce(t *tally, first uint64, stop *atomic.Bool) {
	v := first
	var sum uint64
	for ; !stop.Load(); v++ {
		e.c <- v
		sum += v
	}
	t.n, t.sum = v-first, sum
}

func (e channelEngine) consume(t *tally) {
	var n, sum uint64
	for v := range e.c {
		n++
		sum += v
	}
	t.n, t.sum = n, sum
}

func (e channelEngine) close(uint64) { close(e.c) }

// fanEngine has a channel for each consumer, into all of which each message
// goes.
type fanEngine struct {
	channels []chan uint64
	taken    atomic.Int32 // channels that have their consumer
}

func newFan(consumers int) *fanEngine {
	e := &fanEngine{channels: make([]chan uint64, consumers)}
	for i := range e.channels {
		e.channels[i] = make(chan uint64, capacity)
	}
	return e
}

func (*fanEngine) name() string { return "a Go channel each" }

func (e *fanEngine) produce(t *tally, first uint64, stop *atomic.Bool) {
	v := first
	var sum uint64
	for ; !stop.Load(); v++ {
		for _, c := range e.channels {
			c <- v
		}
		sum += v
	}
	t.n, t.sum = v-first, sum
}

func (e *fanEngine) consume(t *tally) {
	channelEngine{e.channels[e.taken.Add(1)-1]}.consume(t)
}

func (e *fanEngine) close(uint64) {
	for _, c := range e.channels {
		close(c)
	}
}
