// Disruptor measures github.com/smarty/go-disruptor for package rivals of Ringway's
// module: what its flags are, and how it measures, says package peer there. It is a
// module of its own so that who can't have go-disruptor has the other rivals.
//
//	echo | go run . --engine go-disruptor --broadcast --consumers 3 --cpus 0,1
//
// One producer reserves and commits as many messages at a time as --batch says; each consumer is a handler
// of one group, all of whom see every message. A handler is called with as many
// messages as there are, which is how the library is used. Messages of 64 bytes are
// copied in and out, as by the others.
//
// What threads do while there is nothing, or no room, the library leaves to its user.
// Three ways are tried by turns before anything counts, and the best is kept: its own
// defaults (a sleep of 500 ns, and of 1 ns), runtime.Gosched, and trying again as the
// other rivals do.
package main

import (
	"errors"

	"github.com/ringway/ringway/bench/rivals/peer"
)

func main() {
	peer.Main(peer.Engine{Name: "go-disruptor", Measure: func(o peer.Options) (func() (peer.Result, error), error) {
		switch {
		case o.Mode != "throughput" || o.Producers != 1:
			return nil, errors.New("this is throughput of one producer")
		case !o.Broadcast && o.Consumers != 1:
			return nil, errors.New("all consumers see all messages: say --broadcast")
		case o.Size == 8:
			return measure[[1]uint64](o)
		case o.Size == 64:
			return measure[[8]uint64](o)
		}
		return nil, errors.New("messages have 8 bytes, or 64")
	}})
}
