package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

// line is a message of 64 bytes.
type line [8]uint64

const last = ^uint64(0)

// roundTrips measures how long a message of 64 bytes takes to a goroutine on
// another processor and back.
func roundTrips(o options) (result, error) {
	if o.size != 64 {
		return result{}, fmt.Errorf("%s does round trips of 64 bytes", o.engine)
	}
	runtime.GOMAXPROCS(3)
	var send func(line) line
	var echo func()
	name := "chan [64]byte"
	switch o.engine {
	case "xsync-spsc":
		name = "xsync.SPSCQueue"
		there, back := xsync.NewSPSCQueue[line](1024), xsync.NewSPSCQueue[line](1024)
		send = func(m line) line {
			for !there.TryEnqueue(m) {
			}
			for {
				if got, ok := back.TryDequeue(); ok {
					return got
				}
			}
		}
		echo = func() {
			for {
				if m, ok := there.TryDequeue(); ok {
					if m[0] == last {
						back.TryEnqueue(m)
						return
					}
					for !back.TryEnqueue(m) {
					}
				}
			}
		}
	case "channel":
		there, back := make(chan line, 1024), make(chan line, 1024)
		send = func(m line) line {
			there <- m
			return <-back
		}
		echo = func() {
			for m := range there {
				back <- m
				if m[0] == last {
					return
				}
			}
		}
	default:
		return result{}, fmt.Errorf("%s has no round trips", o.engine)
	}
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		failed <- pin(o.cpus[1%len(o.cpus)])
		echo()
	}()
	if err := <-failed; err != nil {
		return result{}, err
	}
	done := make(chan error)
	var times []int64
	go func() {
		runtime.LockOSThread()
		err := pin(o.cpus[0])
		if err == nil {
			times, err = pingPong(o, send)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return result{}, err
	}
	return timed(result{Engine: name, Between: "threads", Messages: 2 * uint64(len(times))}, times), nil
}

// pingPong sends for the duration of a run, once it is warm.
func pingPong(o options, send func(line) line) (times []int64, err error) {
	times = make([]int64, 0, 4<<20)
	began := time.Now()
	warm, until := o.duration/5, o.duration/5+o.duration
	var before time.Duration
	for i := uint64(0); len(times) < cap(times); i++ {
		m := line{i, 0, 0, 0, 0, 0, 0, i}
		if got := send(m); got != m {
			return nil, fmt.Errorf("round trip %d came back as %d", i, got[0])
		}
		now := time.Since(began)
		if before > warm {
			times = append(times, int64(now-before))
		}
		if before = now; now > until {
			break
		}
	}
	send(line{last})
	return times, nil
}
