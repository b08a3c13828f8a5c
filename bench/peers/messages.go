package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
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

// A message begins with its number and the moment at which it was due.
const header = 16

// messages measures a messenger, between two processes; channels between two
// threads.
func messages(o options, connect func(string, bool, int) (messenger, error)) (r result, err error) {
	size := max(o.size, header)
	if o.second != "" {
		if err := pinProcess(o.cpus[1%len(o.cpus)]); err != nil {
			return r, err
		}
		m, err := connect(o.second, false, size)
		if err != nil {
			return r, err
		}
		defer m.close()
		times, err := receive(o, m, size)
		if err != nil {
			return r, err
		}
		return r, json.NewEncoder(os.Stdout).Encode(timed(result{}, times))
	}
	r = result{Engine: titles[o.engine], Between: "processes"}
	if o.engine == "channel" {
		r.Between = "threads"
	} else if err := pinProcess(o.cpus[0]); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "ringway-peers-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	defer cleanUp(path)

	theirs := make(chan error, 1)
	var arrived result
	if o.engine == "channel" {
		go func() {
			m, err := connect(path, false, size)
			if err == nil {
				var times []int64
				times, err = receive(o, m, size)
				arrived = timed(arrived, times)
			}
			theirs <- err
		}()
	} else {
		cmd := exec.Command(os.Args[0], append(os.Args[1:], "--second", path)...)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, pinnedEnv) })
		cmd.Stderr = os.Stderr
		dieWithUs(cmd)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return r, err
		}
		defer func() { _ = cmd.Process.Kill() }()
		go func() {
			err := json.NewDecoder(bufio.NewReader(out)).Decode(&arrived)
			theirs <- errors.Join(err, cmd.Wait())
		}()
	}
	m, err := connect(path, true, size)
	if err != nil {
		return r, err
	}
	times, err := sendAll(o, m, size, &r)
	m.close()
	if err != nil {
		return r, err
	}
	if err := <-theirs; err != nil {
		return r, fmt.Errorf("the other side: %w", err)
	}
	if o.mode == "paced" {
		r.Times = arrived.Times
		r.Messages = 0
		for _, t := range r.Times {
			r.Messages += uint64(t[1])
		}
		return r, nil
	}
	if o.mode == "latency" {
		r.Messages *= 2
	}
	r.Times = timed(result{}, times).Times
	return r, nil
}

// sendAll is the first side's part.
func sendAll(o options, m messenger, size int, r *result) (times []int64, err error) {
	out, in := make([]byte, size), make([]byte, size)
	// Both are connected when each has heard of the other.
	if err := errors.Join(m.send(out), m.recv(in)); err != nil {
		return nil, err
	}
	start := monotonic()
	var began int64
	var first uint64
	warm := int64(o.duration / 5)
	for i := uint64(0); ; i++ {
		now := monotonic()
		if began == 0 && now-start > warm {
			began, first = now, i
		}
		if began != 0 && now-began > int64(o.duration) {
			r.Messages, r.Seconds = i-first, float64(now-began)/1e9
			break
		}
		binary.LittleEndian.PutUint64(out, i)
		binary.LittleEndian.PutUint64(out[8:], 0)
		if o.mode == "paced" {
			due := start + int64(float64(i)*1e9/float64(o.rate))
			for monotonic() < due {
				runtime.Gosched() // gRPC has work to do meanwhile
			}
			if due > start+warm {
				binary.LittleEndian.PutUint64(out[8:], uint64(due))
			}
		}
		if err := m.send(out); err != nil {
			return nil, err
		}
		if o.mode != "latency" {
			continue
		}
		if err := m.recv(in); err != nil {
			return nil, err
		}
		if binary.LittleEndian.Uint64(in) != i {
			return nil, fmt.Errorf("round trip %d came back as %d", i, binary.LittleEndian.Uint64(in))
		}
		if began != 0 {
			times = append(times, monotonic()-now)
		}
	}
	binary.LittleEndian.PutUint64(out, last)
	return times, errors.Join(m.send(out), m.recv(in)) // the other side has everything
}

// receive is the second side's part.
func receive(o options, m messenger, size int) (times []int64, err error) {
	b := make([]byte, size)
	if err := errors.Join(m.recv(b), m.send(b)); err != nil {
		return nil, err
	}
	for i := uint64(0); ; i++ {
		if err := m.recv(b); err != nil {
			return nil, err
		}
		number, due := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		if number == last {
			err := m.send(b)
			if o.engine != "channel" {
				_ = m.recv(b) // fails when the other side has received this and closed
			}
			return times, err
		}
		if number != i {
			return nil, fmt.Errorf("message %d came as number %d", number, i)
		}
		if due != 0 {
			times = append(times, max(monotonic()-int64(due), 0))
		}
		if o.mode == "latency" {
			if err := m.send(b); err != nil {
				return nil, err
			}
		}
	}
}

// timed adds times to a result, rounded to three digits.
func timed(r result, times []int64) result {
	counts := make(map[int64]int64)
	var sum int64
	for _, t := range times {
		sum += t
		unit := int64(1)
		for t >= 2000*unit {
			unit *= 10
		}
		counts[int64(math.Round(float64(t)/float64(unit)))*unit]++
	}
	for t, n := range counts {
		r.Times = append(r.Times, [2]int64{t, n})
	}
	slices.SortFunc(r.Times, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	if r.Seconds == 0 {
		r.Seconds = time.Duration(sum).Seconds()
	}
	return r
}
