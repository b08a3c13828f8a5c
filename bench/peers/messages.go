package main

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

// messenger is one end of a way to send messages that sleeps while there is
// none. It belongs to one goroutine.
type messenger interface {
	// send sends b as one message.
	send(b []byte) error
	// recv receives a message of len(b) bytes.
	recv(b []byte) error
	close()
}

// messengers make an end: the first one, or the second, in another process. All
// that they create is at path or begins with it.
var messengers = map[string]func(path string, first bool, size int) (messenger, error){
	"shmipc":  newShmipc,
	"grpc":    newGRPC,
	"unix":    newSocket,
	"channel": newChannels,
}

// titles are the names of messengers in results.
var titles = map[string]string{
	"shmipc": "shmipc-go", "grpc": "gRPC (unix socket)", "unix": "unix socket (Go net)", "channel": "chan [64]byte",
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
	o     options
	m     messenger
	size  int
	clock limits.Clock
}

func (t *talk) bytes() []byte { return make([]byte, t.size) }

// messages returns what measures a messenger, between two processes; channels
// between two threads. The second process is the program itself, again.
func messages(o options, connect func(string, bool, int) (messenger, error)) (measure func() (result, error), end func(), err error) {
	t := talk{o: o, size: max(o.size, header)}
	if o.second != "" {
		if err := pinProcess(o.cpus[1%len(o.cpus)]); err != nil {
			return nil, nil, err
		}
		t.clock = limits.Calibrate()
		if t.m, err = connect(o.second, false, t.size); err != nil {
			return nil, nil, err
		}
		defer t.m.close()
		out := json.NewEncoder(os.Stdout)
		return nil, nil, t.follow(func(r result) error { return out.Encode(r) })
	}
	between := "threads"
	if o.engine != "channel" {
		between = "processes"
		if err := pinProcess(o.cpus[0]); err != nil {
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
		cleanUp(path)
		_ = os.RemoveAll(dir)
	}
	heard, ended := make(chan result, 1), make(chan error, 1)
	hear := func(r result) error {
		heard <- r
		return nil
	}
	if o.engine == "channel" {
		other := t
		go func() {
			var err error
			if other.m, err = connect(path, false, t.size); err == nil {
				err = other.follow(hear)
			}
			ended <- err
		}()
	} else if err := startSecond(path, hear, ended); err != nil {
		cleanAll()
		return nil, nil, err
	}
	if t.m, err = connect(path, true, t.size); err != nil {
		cleanAll()
		return nil, nil, err
	}
	end = func() {
		t.m.close()
		<-ended
		cleanAll()
	}
	// Both are connected when each has heard of the other.
	if err := errors.Join(t.m.send(t.bytes()), t.m.recv(t.bytes())); err != nil {
		end()
		return nil, nil, err
	}
	var times []int64
	return func() (result, error) {
		trips, err := t.lead(times[:0])
		if times = trips; err != nil {
			return result{}, err
		}
		select {
		case r := <-heard:
			if o.mode == "latency" {
				r = timed(result{Messages: 2 * uint64(len(times))}, times)
			}
			r.Engine, r.Between = titles[o.engine], between
			return r, nil
		case err := <-ended:
			ended <- err
			return result{}, fmt.Errorf("the other side: %w", err)
		}
	}, end, nil
}

// startSecond starts the second process. Hear is called with what it finds, slice
// by slice.
func startSecond(path string, hear func(result) error, ended chan<- error) error {
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
			var r result
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
	out, in := t.bytes(), t.bytes()
	ticks := func(ns float64) uint64 { return uint64(ns * t.clock.TicksPerNs) }
	start := t.clock.Shared()
	warm := start + ticks(float64(o.duration)/5)
	until := warm + ticks(float64(o.duration))
	for i := uint64(0); ; i++ {
		now := t.clock.Shared()
		if now > until {
			break
		}
		var word uint64
		if now > warm {
			word = 1
		}
		if o.mode == "paced" {
			due := start + ticks(float64(i)*1e9/float64(o.rate))
			for t.clock.Shared() < due {
				runtime.Gosched() // gRPC has work to do meanwhile
			}
			if word = 0; due > warm {
				word = due
			}
		}
		binary.LittleEndian.PutUint64(out, i)
		binary.LittleEndian.PutUint64(out[8:], word)
		if err := t.m.send(out); err != nil {
			return times, err
		}
		if o.mode != "latency" {
			continue
		}
		if err := t.m.recv(in); err != nil {
			return times, err
		}
		if binary.LittleEndian.Uint64(in) != i {
			return times, fmt.Errorf("round trip %d came back as %d", i, binary.LittleEndian.Uint64(in))
		}
		if word != 0 {
			times = append(times, t.clock.Ns(t.clock.Shared()-now))
		}
	}
	binary.LittleEndian.PutUint64(out, last)
	return times, errors.Join(t.m.send(out), t.m.recv(in)) // the other side has everything
}

// follow is the second side's part, slice by slice until the first one closes: it
// calls hear with the rate at which what counts arrived, or the times.
func (t *talk) follow(hear func(result) error) error {
	b := t.bytes()
	if err := errors.Join(t.m.recv(b), t.m.send(b)); err != nil {
		return err
	}
	var times []int64
	for {
		times = times[:0]
		var r result
		var began, now uint64
		for i := uint64(0); ; i++ {
			if err := t.m.recv(b); err != nil {
				if i == 0 {
					return nil // the first side has closed
				}
				return err
			}
			number, word := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			if number == last {
				break
			}
			if number != i {
				return fmt.Errorf("message %d came as number %d", number, i)
			}
			if t.o.mode == "latency" {
				if err := t.m.send(b); err != nil {
					return err
				}
			}
			if word == 0 {
				continue
			}
			switch now = t.clock.Shared(); {
			case t.o.mode == "paced":
				times = append(times, t.clock.Ns(max(now, word)-word))
			case began == 0:
				began = now
			default:
				r.Messages++
			}
		}
		if t.o.mode == "paced" {
			r = timed(result{Messages: uint64(len(times))}, times)
		} else {
			r.Seconds = float64(now-began) / t.clock.TicksPerNs / 1e9
		}
		if err := errors.Join(t.m.send(b), hear(r)); err != nil {
			return err
		}
	}
}
