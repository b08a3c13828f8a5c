package main

import (
	"fmt"
	"runtime"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/bench/rivals/peer"
)

// line is a message of 64 bytes.
type line [8]uint64

// roundTrips returns what measures how long a message of 64 bytes takes to a
// goroutine on another processor and back.
func roundTrips(o peer.Options) (func() (peer.Result, error), error) {
	if o.Size != 64 {
		return nil, fmt.Errorf("%s does round trips of 64 bytes", o.Engine)
	}
	runtime.GOMAXPROCS(3)
	var send func(line) line
	var echo func()
	name := "chan [64]byte"
	switch o.Engine {
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
					for !back.TryEnqueue(m) {
					}
					if m[0] == peer.Last {
						return
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
				if m[0] == peer.Last {
					return
				}
			}
		}
	default:
		return nil, fmt.Errorf("%s has no round trips", o.Engine)
	}
	times := make([]int64, 0, 2<<20)
	var failed error
	both, err := peer.NewWorkers(2, o.CPUs, func(id int) {
		if id == 0 {
			times, failed = pingPong(o, times[:0], send)
		} else {
			echo()
		}
	})
	return func() (peer.Result, error) {
		both.Do()
		return peer.Timed(peer.Result{Engine: name, Between: "threads", Messages: 2 * uint64(len(times))}, times), failed
	}, err
}

// pingPong sends for the duration of a slice, once it is warm.
func pingPong(o peer.Options, times []int64, send func(line) line) (_ []int64, err error) {
	clock := limits.Calibrate()
	ticks := func(ns float64) uint64 { return uint64(ns * clock.TicksPerNs) }
	before := clock.Now()
	warm := before + ticks(float64(o.Duration)/5)
	until := warm + ticks(float64(o.Duration))
	for i := uint64(0); len(times) < cap(times); i++ {
		m := line{i, 0, 0, 0, 0, 0, 0, i}
		if got := send(m); got != m {
			err = fmt.Errorf("round trip %d came back as %d", i, got[0])
			break
		}
		now := clock.Now()
		if now > warm {
			times = append(times, clock.Ns(now-before))
		}
		if before = now; now > until {
			break
		}
	}
	send(line{peer.Last})
	return times, err
}
