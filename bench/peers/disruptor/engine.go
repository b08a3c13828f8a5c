package main

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/smarty/go-disruptor"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/bench/rivals/peer"
)

// message begins with its number.
type message interface{ [1]uint64 | [8]uint64 }

// engine is a disruptor and the ring that it tells its users to look into.
type engine[M message] struct {
	ring     *[peer.Room]M
	d        disruptor.Disruptor
	batch    uint32 // messages that are reserved and committed at a time
	waits    *waits
	handlers []*handler[M]
}

// measure makes one ready.
func measure[M message](o peer.Options) (func() (peer.Result, error), error) {
	threads := o.Producers + o.Consumers
	e := &engine[M]{ring: new([peer.Room]M), batch: uint32(o.Batch), waits: &waits{patience: int64(peer.Patience(threads, o.CPUs)), consumers: int32(o.Consumers)}}
	e.waits.close()
	var group []disruptor.Handler
	for i := range o.Consumers {
		h := &handler[M]{ring: e.ring, waits: e.waits, cpu: o.CPUs[(o.Producers+i)%len(o.CPUs)],
			start: make(chan *peer.Worker, 1), done: make(chan struct{}, 1)}
		e.handlers, group = append(e.handlers, h), append(group, h)
	}
	var err error
	e.d, err = disruptor.New(disruptor.Options.BufferCapacity(peer.Room), disruptor.Options.WriterCount(1),
		disruptor.Options.WaitStrategy(e.waits), disruptor.Options.NewHandlerGroup(group...))
	if err != nil {
		return nil, err
	}
	slice, err := peer.Rate(o, "go-disruptor", e)
	if err != nil {
		return nil, err
	}
	go e.d.Listen()
	return peer.Rehearsed(ways, e.waits.choose, slice), nil
}

func (e *engine[M]) Produce(w *peer.Worker) {
	e.waits.open()
	d, ring := e.d, e.ring
	var m M
	v := w.Next
	for w.GoesOn() {
		until := v + peer.Lot
		if batch := uint64(e.batch); batch > 1 {
			for v < until {
				upper := d.Reserve(e.batch)
				lower := upper - int64(batch) + 1
				for at := lower; at <= upper; at++ {
					m[0] = v
					v++
					ring[at&(peer.Room-1)] = m
				}
				d.Commit(lower, upper)
			}
			continue
		}
		for ; v < until; v++ {
			m[0] = v
			at := d.Reserve(1)
			ring[at&(peer.Room-1)] = m
			d.Commit(at, at)
		}
	}
	w.Stopped(v)
	m[0] = peer.Last
	at := d.Reserve(1)
	ring[at&(peer.Room-1)] = m
	d.Commit(at, at)
}

// Consume has the handler work for w: it runs in a goroutine of the library's.
func (e *engine[M]) Consume(w *peer.Worker) {
	h := e.handlers[w.Consumer]
	h.start <- w
	<-h.done
}

// handler receives for one consumer.
type handler[M message] struct {
	ring   *[peer.Room]M
	waits  *waits
	cpu    int
	pinned bool
	w      *peer.Worker // between the first message of a slice and the last one
	start  chan *peer.Worker
	done   chan struct{}
	got    M
}

// Handle is called with messages that there are.
func (h *handler[M]) Handle(lower, upper int64) {
	if h.w == nil {
		h.begin()
	}
	w, ring := h.w, h.ring
	for at := lower; at <= upper; at++ {
		h.got = ring[at&(peer.Room-1)]
		if h.got[0] == peer.Last { // nothing comes behind it before the next slice
			h.w = nil
			h.waits.finished()
			h.done <- struct{}{}
			return
		}
		w.Take(h.got[0])
	}
}

// begin waits until the slice has begun for this consumer, too.
func (h *handler[M]) begin() {
	if !h.pinned {
		h.pinned = true
		if err := limits.Pin(h.cpu); err != nil { // locks the goroutine to its thread
			panic(err) // the other goroutines were pinned the same way
		}
	}
	h.w = <-h.start
}

// The ways to wait.
const (
	asItComes = iota // what the library does unless it is told otherwise
	gosched
	tryAgain
	ways
)

// waits is the library's WaitStrategy. Between two slices it has everybody sleep.
type waits struct {
	patience  int64
	consumers int32
	way       atomic.Int32
	_         [128]byte
	gate      atomic.Pointer[chan struct{}] // closed when the next slice begins; nil during one
	_         [128]byte
	ended     atomic.Int32 // consumers who have received the last message of the slice
}

func (s *waits) choose(way int) { s.way.Store(int32(way)) }

func (s *waits) close() {
	c := make(chan struct{})
	s.gate.Store(&c)
}

// open begins a slice.
func (s *waits) open() {
	s.ended.Store(0)
	close(*s.gate.Swap(nil))
}

// finished is called by a consumer that has received all of a slice.
func (s *waits) finished() {
	if s.ended.Add(1) == s.consumers {
		s.close()
	}
}

// Idle is called while there is nothing to receive.
func (s *waits) Idle(count int64) {
	if gate := s.gate.Load(); gate != nil {
		<-*gate
		return
	}
	s.wait(count, 500)
}

// Reserve is called while there is no room.
func (s *waits) Reserve(count int64) { s.wait(count, 1) }

// Gate is for groups of handlers that come after others, which there are none of.
func (s *waits) Gate(count int64) { s.wait(count, 1) }

func (s *waits) wait(count int64, sleep time.Duration) {
	switch s.way.Load() {
	case asItComes:
		time.Sleep(sleep)
	case gosched:
		runtime.Gosched()
	default:
		if count%s.patience == s.patience-1 {
			peer.Yield()
		}
	}
}
