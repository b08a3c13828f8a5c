package main

import (
	"code.hybscloud.com/lfq"

	"github.com/ringway/ringway/bench/rivals/peer"
)

// spsc is the queue of one producer and one consumer.
type spsc struct{ q *lfq.SPSC[uint64] }

func (e spsc) Produce(w *peer.Worker) {
	v, failed := w.Next, 0
	for w.GoesOn() {
		for until := v + peer.Lot; v < until; v++ {
			for e.q.Enqueue(&v) != nil {
				if failed++; failed%w.Patience == 0 {
					peer.Yield()
				}
			}
		}
	}
	last := uint64(peer.Last)
	for range w.Stopped(v) {
		for e.q.Enqueue(&last) != nil {
			peer.Yield()
		}
	}
}

func (e spsc) Consume(w *peer.Worker) {
	for failed := 0; ; {
		v, err := e.q.Dequeue()
		if err == nil {
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
