package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/ringway/ringway/bench/limits"
)

// Messenger is one end of a way to send messages that sleeps while there is
// none. It belongs to one goroutine.
type Messenger interface {
	// Send sends b as one message. It doesn't keep b.
	Send(b []byte) error
	// Recv receives a message of n bytes, where it lies if that can be: it stays
	// until the next call.
	Recv(n int) ([]byte, error)
	Close()
}

// A message begins with its number and a word: paced, the moment at which it was
// due; otherwise whether it counts. 0 is that it doesn't.
const header = 16

// pinProcess pins all threads of this process to one processor, of which Go then
// knows no more than that.
func pinProcess(cpu int) error {
	runtime.GOMAXPROCS(1)
	return limits.PinProcess(cpu)
}

// talk is one side of a run.
type talk struct {
	o     Options
	m     Messenger
	size  int
	clock limits.Clock
}

func (t *talk) bytes() []byte { return make([]byte, t.size) }

// there sends b and waits for the answer.
func (t *talk) there(b []byte) error {
	err := t.m.Send(b)
	if err == nil {
		_, err = t.m.Recv(t.size)
	}
	return err
}

// messages returns what measures a messenger, between two processes; channels
// between two threads. The second process is the program itself, again.
func messages(o Options, e *Engine) (measure func() (Result, error), end func(), err error) {
	t := talk{o: o, size: max(o.Size, header)}
	if o.second != "" {
		if err := pinProcess(o.CPUs[1%len(o.CPUs)]); err != nil {
			return nil, nil, err
		}
		t.clock = limits.Calibrate()
		if t.m, err = e.Connect(o.second, false, t.size); err != nil {
			return nil, nil, err
		}
		defer t.m.Close()
		out := json.NewEncoder(os.Stdout)
		return nil, nil, t.follow(func(r Result) error { return out.Encode(r) })
	}
	between := "threads"
	if !e.Threads {
		between = "processes"
		if err := pinProcess(o.CPUs[0]); err != nil {
			return nil, nil, err
		}
	}
	t.clock = limits.Calibrate()
	dir, err := os.MkdirTemp("", "ringway-peers-")
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, "s")
	cleanAll := func() {
		if e.CleanUp != nil {
			e.CleanUp(path)
		}
		_ = os.RemoveAll(dir)
	}
	heard, ended := make(chan Result, 1), make(chan error, 1)
	hear := func(r Result) error {
		heard <- r
		return nil
	}
	if e.Threads {
		other := t
		go func() {
			var err error
			if other.m, err = e.Connect(path, false, t.size); err == nil {
				err = other.follow(hear)
			}
			ended <- err
		}()
	} else if err := startSecond(path, hear, ended); err != nil {
		cleanAll()
		return nil, nil, err
	}
	if t.m, err = e.Connect(path, true, t.size); err != nil {
		cleanAll()
		return nil, nil, err
	}
	end = func() {
		t.m.Close()
		<-ended
		cleanAll()
	}
	// Both are connected when each has heard of the other.
	if err := t.there(t.bytes()); err != nil {
		end()
		return nil, nil, err
	}
	var times []int64
	return func() (Result, error) {
		trips, err := t.lead(times[:0])
		if times = trips; err != nil {
			return Result{}, err
		}
		select {
		case r := <-heard:
			if o.Mode == "latency" {
				r = Timed(Result{Messages: 2 * uint64(len(times))}, times)
			}
			r.Engine, r.Between = e.Title, between
			return r, nil
		case err := <-ended:
			ended <- err
			return Result{}, fmt.Errorf("the other side: %w", err)
		}
	}, end, nil
}

// startSecond starts the second process. Hear is called with what it finds, slice
// by slice.
func startSecond(path string, hear func(Result) error, ended chan<- error) error {
	cmd := exec.Command(os.Args[0], append(os.Args[1:], "--second", path)...)
	cmd.Stderr = os.Stderr
	dieWithUs(cmd)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	go func() {
		for in := json.NewDecoder(bufio.NewReader(out)); ; {
			var r Result
			if in.Decode(&r) != nil || hear(r) != nil {
				break
			}
		}
		ended <- cmd.Wait()
	}()
	return nil
}

// lead is the first side's part of a slice. For latency it returns the times of
// round trips.
func (t *talk) lead(times []int64) ([]int64, error) {
	o := t.o
	out := t.bytes()
	ticks := func(ns float64) uint64 { return uint64(ns * t.clock.TicksPerNs) }
	start := t.clock.Shared()
	warm := start + ticks(float64(o.Duration)/5)
	until := warm + ticks(float64(o.Duration))
	for i := uint64(0); ; i++ {
		now := t.clock.Shared()
		if now > until {
			break
		}
		var word uint64
		if now > warm {
			word = 1
		}
		if o.Mode == "paced" {
			due := start + ticks(float64(i)*1e9/float64(o.Rate))
			for t.clock.Shared() < due {
				runtime.Gosched() // gRPC has work to do meanwhile
			}
			if word = 0; due > warm {
				word = due
			}
		}
		binary.LittleEndian.PutUint64(out, i)
		binary.LittleEndian.PutUint64(out[8:], word)
		if err := t.m.Send(out); err != nil {
			return times, err
		}
		if o.Mode != "latency" {
			continue
		}
		in, err := t.m.Recv(t.size)
		if err != nil {
			return times, err
		}
		if binary.LittleEndian.Uint64(in) != i {
			return times, fmt.Errorf("round trip %d came back as %d", i, binary.LittleEndian.Uint64(in))
		}
		if word != 0 {
			times = append(times, t.clock.Ns(t.clock.Shared()-now))
		}
	}
	binary.LittleEndian.PutUint64(out, Last)
	return times, t.there(out) // the other side has everything
}

// follow is the second side's part, slice by slice until the first one closes: it
// calls hear with the rate at which what counts arrived, or the times.
func (t *talk) follow(hear func(Result) error) error {
	b, err := t.m.Recv(t.size)
	if err == nil {
		err = t.m.Send(b)
	}
	if err != nil {
		return err
	}
	var times []int64
	for {
		times = times[:0]
		var r Result
		var began, now uint64
		for i := uint64(0); ; i++ {
			if b, err = t.m.Recv(t.size); err != nil {
				if i == 0 {
					return nil // the first side has closed
				}
				return err
			}
			number, word := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			if number == Last {
				break
			}
			if number != i {
				return fmt.Errorf("message %d came as number %d", number, i)
			}
			if t.o.Mode == "latency" {
				if err := t.m.Send(b); err != nil {
					return err
				}
			}
			if word == 0 {
				continue
			}
			switch now = t.clock.Shared(); {
			case t.o.Mode == "paced":
				times = append(times, t.clock.Ns(max(now, word)-word))
			case began == 0:
				began = now
			default:
				r.Messages++
			}
		}
		if t.o.Mode == "paced" {
			r = Timed(Result{Messages: uint64(len(times))}, times)
		} else {
			r.Seconds = float64(now-began) / t.clock.TicksPerNs / 1e9
		}
		if err := errors.Join(t.m.Send(b), hear(r)); err != nil {
			return err
		}
	}
}
