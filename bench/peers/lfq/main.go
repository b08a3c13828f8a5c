// Lfq measures the SPSC queue of code.hybscloud.com/lfq for package rivals of Ringway's
// module: what its flags are, and how it measures, says package peer there. It is a
// module of its own so that who can't have lfq has the other rivals.
//
//	echo | go run . --engine lfq-spsc --cpus 0,1
//
// It doesn't take or give several messages at a time, so a batch is a loop.
//
// Its MPMC and MPMCIndirect are not here: v0.1.3, built with the standard compiler, lost
// a few messages of half a million in every trial. An Enqueue that has found its slot
// free doesn't notice that a Dequeue that found it empty has passed it since. (The
// library's authors have a compiler of their own for it, and say that the standard one
// does for basic tests.)
package main

import (
	"errors"

	"code.hybscloud.com/lfq"

	"github.com/ringway/ringway/bench/rivals/peer"
)

func main() {
	peer.Main(peer.Engine{Name: "lfq-spsc", Measure: func(o peer.Options) (func() (peer.Result, error), error) {
		if o.Mode != "throughput" || o.Size != 8 || o.Producers != 1 || o.Consumers != 1 {
			return nil, errors.New("this is throughput of 8-byte messages between one and one")
		}
		return peer.Rate(o, "lfq.SPSC", spsc{lfq.NewSPSC[uint64](peer.Room)})
	}})
}
