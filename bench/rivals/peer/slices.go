package peer

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// The stages of a slice in which a rate is measured.
const (
	warm = iota
	measure
	stop
)

// slice is what the workers of a slice share; what many look at has a line of its
// own.
type slice struct {
	o       Options
	stage   atomic.Uint32
	_       [124]byte
	running atomic.Int32 // producers
	_       [124]byte
	began   time.Time // the first producer's
	ns      time.Duration
}

// begin makes ready for the next slice, while all workers sleep.
func (s *slice) begin() {
	s.stage.Store(warm)
	s.running.Store(int32(s.o.Producers))
	s.began = time.Time{}
}

// goesOn is what the first producer asks after each lot of messages.
func (s *slice) goesOn() bool {
	now := time.Now()
	switch {
	case s.began.IsZero():
		s.began = now
	case s.stage.Load() == warm:
		if now.Sub(s.began) > s.o.Duration/5 {
			s.began = now
			s.stage.Store(measure)
		}
	case now.Sub(s.began) > s.o.Duration:
		s.ns = now.Sub(s.began)
		s.stage.Store(stop)
		return false
	}
	return true
}

// Workers are goroutines that do something together, slice by slice, each locked
// to a thread that is pinned to a processor. In between they sleep.
type Workers struct {
	turns []chan struct{}
	done  sync.WaitGroup
}

// NewWorkers starts them, and returns when all are pinned.
func NewWorkers(n int, cpus []int, work func(id int)) (*Workers, error) {
	w := &Workers{}
	ready := make(chan error)
	for id := range n {
		turn := make(chan struct{})
		w.turns = append(w.turns, turn)
		go func() {
			ready <- limits.Pin(cpus[id%len(cpus)])
			for range turn {
				work(id)
				w.done.Done()
			}
		}()
	}
	var failed error
	for range n {
		if err := <-ready; err != nil {
			failed = err
		}
	}
	return w, failed
}

// Do has all of them do it once.
func (w *Workers) Do() {
	w.done.Add(len(w.turns))
	for _, turn := range w.turns {
		turn <- struct{}{}
	}
	w.done.Wait()
}

// serve measures a slice for each line of in, and prints what it found. One that
// isn't printed goes before them, to get warm.
func serve(in io.Reader, out io.Writer, patience time.Duration, expired func(), measured func() (Result, error)) error {
	lines, encoder := bufio.NewScanner(in), json.NewEncoder(out)
	for warmed := false; ; warmed = true {
		if warmed && !lines.Scan() {
			return lines.Err()
		}
		timer := time.AfterFunc(patience, expired)
		r, err := measured()
		timer.Stop()
		if err != nil {
			return err
		}
		if !warmed {
			continue
		}
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
}
