package main

import (
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/ringway/ringway/bench/rivals/peer"
)

// xsyncEngine is the queue of any number of producers and consumers.
type xsyncEngine struct{ q *xsync.MPMCQueue[uint64] }

func newXsync() xsyncEngine { return xsyncEngine{xsync.NewMPMCQueue[uint64](peer.Room)} }

func (e xsyncEngine) Produce(w *peer.Worker) {
	v, failed := w.Next, 0
	for w.GoesOn() {
		for until := v + peer.Lot; v < until; v++ {
			for !e.q.TryEnqueue(v) {
				if failed++; failed%w.Patience == 0 {
					peer.Yield()
				}
			}
		}
	}
	for range w.Stopped(v) {
		for !e.q.TryEnqueue(peer.Last) {
			peer.Yield()
		}
	}
}

func (e xsyncEngine) Consume(w *peer.Worker) {
	for failed := 0; ; {
		v, ok := e.q.TryDequeue()
		if ok {
			if v == peer.Last {
				return
			}
			w.Take(v)
			continue
		}
		if failed++; failed%w.Patience == 0 {
			peer.Yield()
		}
	}
}

// xsyncSPSC is the queue of one producer and one consumer.
type xsyncSPSC struct{ q *xsync.SPSCQueue[uint64] }

func newXsyncSPSC() xsyncSPSC { return xsyncSPSC{xsync.NewSPSCQueue[uint64](peer.Room)} }

func (e xsyncSPSC) Produce(w *peer.Worker) {
	v, failed := w.Next, 0
	for w.GoesOn() {
		for until := v + peer.Lot; v < until; v++ {
			for !e.q.TryEnqueue(v) {
				if failed++; failed%w.Patience == 0 {
					peer.Yield()
				}
			}
		}
	}
	for range w.Stopped(v) {
		for !e.q.TryEnqueue(peer.Last) {
			peer.Yield()
		}
	}
}

func (e xsyncSPSC) Consume(w *peer.Worker) {
	for failed := 0; ; {
		v, ok := e.q.TryDequeue()
		if ok {
			if v == peer.Last {
				return
			}
			w.Take(v)
			continue
		}
		if failed++; failed%w.Patience == 0 {
			peer.Yield()
		}
	}
}

type channelEngine struct{ c chan uint64 }

func newChannel() channelEngine { return channelEngine{make(chan uint64, peer.Room)} }

func (e channelEngine) Produce(w *peer.Worker) {
	v := w.Next
	for w.GoesOn() {
		for until := v + peer.Lot; v < until; v++ {
			e.c <- v
		}
	}
	for range w.Stopped(v) {
		e.c <- peer.Last
	}
}

func (e channelEngine) Consume(w *peer.Worker) {
	for v := range e.c {
		if v == peer.Last {
			return
		}
		w.Take(v)
	}
}

// fanEngine has a channel for each consumer, into all of which each message
// goes.
type fanEngine struct{ channels []chan uint64 }

func newFan(consumers int) fanEngine {
	e := fanEngine{make([]chan uint64, consumers)}
	for i := range e.channels {
		e.channels[i] = make(chan uint64, peer.Room)
	}
	return e
}

func (e fanEngine) Produce(w *peer.Worker) {
	v := w.Next
	for w.GoesOn() {
		for until := v + peer.Lot; v < until; v++ {
			for _, c := range e.channels {
				c <- v
			}
		}
	}
	w.Stopped(v)
	for _, c := range e.channels {
		c <- peer.Last
	}
}

func (e fanEngine) Consume(w *peer.Worker) {
	channelEngine{e.channels[w.Consumer]}.Consume(w)
}
