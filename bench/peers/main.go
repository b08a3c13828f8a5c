// Peers measures rivals that are written in Go, for package rivals of the module
// around this one. It is a module of its own so that Ringway's doesn't depend on
// what Ringway is measured against. What its flags are, and how it measures, says
// package peer of that module.
//
//	echo | go run . --engine xsync --producers 2 --consumers 2 --cpus 0,1
//
// The engines:
//
//	xsync       MPMCQueue of github.com/puzpuzpuz/xsync/v4; threads
//	xsync-spsc  SPSCQueue of the same; threads
//	channel     a buffered channel; threads
//	shmipc      github.com/cloudwego/shmipc-go; processes
//	grpc        a stream of google.golang.org/grpc over a unix socket; processes
//	unix        a unix stream socket; processes
//
// None of the queues takes or gives several messages at a time, so a batch is a loop.
//
// Those whose modules one may have to do without are modules of their own below
// this directory: disruptor (smarty's go-disruptor), lfq and mangos.
package main

import (
	"errors"

	"github.com/ringway/ringway/bench/rivals/peer"
)

func main() {
	peer.Main(
		peer.Engine{Name: "xsync", Measure: func(o peer.Options) (func() (peer.Result, error), error) {
			return rate(o, "xsync.MPMCQueue", newXsync())
		}},
		peer.Engine{Name: "xsync-spsc", Measure: func(o peer.Options) (func() (peer.Result, error), error) {
			switch {
			case o.Mode == "latency":
				return roundTrips(o)
			case o.Producers != 1 || o.Consumers != 1:
				return nil, errors.New("xsync-spsc has one producer and one consumer")
			}
			return rate(o, "xsync.SPSCQueue", newXsyncSPSC())
		}},
		peer.Engine{Name: "channel", Title: "chan [64]byte", Connect: newChannels, Threads: true, Measure: channel},
		peer.Engine{Name: "shmipc", Title: "shmipc-go", Connect: newShmipc, CleanUp: cleanUp},
		peer.Engine{Name: "grpc", Title: "gRPC (unix socket)", Connect: newGRPC},
		peer.Engine{Name: "unix", Title: "unix socket (Go net)", Connect: newSocket},
	)
}

// channel measures channels where nothing is paced.
func channel(o peer.Options) (func() (peer.Result, error), error) {
	switch {
	case o.Mode == "latency":
		return roundTrips(o)
	case o.Broadcast && o.Producers == 1:
		return peer.Rate(o, "a Go channel each", newFan(o.Consumers))
	}
	return rate(o, "chan uint64", newChannel())
}

// rate measures a queue of 8-byte messages.
func rate(o peer.Options, title string, q peer.Queue) (func() (peer.Result, error), error) {
	if o.Broadcast {
		return nil, errors.New("--broadcast goes with channels and one producer")
	}
	if o.Mode != "throughput" || o.Size != 8 {
		return nil, errors.New("queues do throughput of 8-byte messages")
	}
	return peer.Rate(o, title, q)
}
