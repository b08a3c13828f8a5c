package main

import (
	"github.com/puzpuzpuz/xsync/v4"
)

// engines are the names of all that can be measured.
var engines = []string{"xsync", "xsync-spsc", "channel", "shmipc", "grpc", "unix"}

// engine is a queue. The loops are in the engine and not around it, so that
// there is no call through an interface for each message.
type engine interface {
	name() string

	// produce sends numbers until the slice ends; then the last producer sends
	// each consumer the word that ends it.
	produce(w *worker)

	// consume receives until that.
	consume(w *worker)
}

// lot is how many messages are sent between two looks at the clock.
const lot = 4096

type xsyncEngine struct{ q *xsync.MPMCQueue[uint64] }

func newXsync() xsyncEngine { return xsyncEngine{xsync.NewMPMCQueue[uint64](capacity)} }

func (xsyncEngine) name() string { return "xsync.MPMCQueue" }

func (e xsyncEngine) produce(w *worker) {
	v, failed := w.next, 0
	for w.goesOn() {
		for until := v + lot; v < until; v++ {
			for !e.q.TryEnqueue(v) {
				if failed++; failed%w.patience == 0 {
					yield()
				}
			}
		}
	}
	for range w.stopped(v) {
		for !e.q.TryEnqueue(last) {
			yield()
		}
	}
}

func (e xsyncEngine) consume(w *worker) {
	for failed := 0; ; {
		v, ok := e.q.TryDequeue()
		if ok {
			if v == last {
				return
			}
			w.take(v)
			continue
		}
		if failed++; failed%w.patience == 0 {
			yield()
		}
	}
}

// xsyncSPSC is the queue of one producer and one consumer.
type xsyncSPSC struct{ q *xsync.SPSCQueue[uint64] }

func newXsyncSPSC() xsyncSPSC { return xsyncSPSC{xsync.NewSPSCQueue[uint64](capacity)} }

func (xsyncSPSC) name() string { return "xsync.SPSCQueue" }

func (e xsyncSPSC) produce(w *worker) {
	v, failed := w.next, 0
	for w.goesOn() {
		for until := v + lot; v < until; v++ {
			for !e.q.TryEnqueue(v) {
				if failed++; failed%w.patience == 0 {
					yield()
				}
			}
		}
	}
	for range w.stopped(v) {
		for !e.q.TryEnqueue(last) {
			yield()
		}
	}
}

func (e xsyncSPSC) consume(w *worker) {
	for failed := 0; ; {
		v, ok := e.q.TryDequeue()
		if ok {
			if v == last {
				return
			}
			w.take(v)
			continue
		}
		if failed++; failed%w.patience == 0 {
			yield()
		}
	}
}

type channelEngine struct{ c chan uint64 }

func newChannel() channelEngine { return channelEngine{make(chan uint64, capacity)} }

func (channelEngine) name() string { return "chan uint64" }

func (e channelEngine) produce(w *worker) {
	v := w.next
	for w.goesOn() {
		for until := v + lot; v < until; v++ {
			e.c <- v
		}
	}
	for range w.stopped(v) {
		e.c <- last
	}
}

func (e channelEngine) consume(w *worker) {
	for v := range e.c {
		if v == last {
			return
		}
		w.take(v)
	}
}

// fanEngine has a channel for each consumer, into all of which each message
// goes.
type fanEngine struct{ channels []chan uint64 }

func newFan(consumers int) fanEngine {
	e := fanEngine{make([]chan uint64, consumers)}
	for i := range e.channels {
		e.channels[i] = make(chan uint64, capacity)
	}
	return e
}

func (fanEngine) name() string { return "a Go channel each" }

func (e fanEngine) produce(w *worker) {
	v := w.next
	for w.goesOn() {
		for until := v + lot; v < until; v++ {
			for _, c := range e.channels {
				c <- v
			}
		}
	}
	w.stopped(v)
	for _, c := range e.channels {
		c <- last
	}
}

func (e fanEngine) consume(w *worker) {
	channelEngine{e.channels[w.id-w.s.o.producers]}.consume(w)
}
