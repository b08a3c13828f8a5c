package bench

import (
	"fmt"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/bench/rivals"
)

// connCases are those of connections: beside the ring that they are made of, the
// raw line, a bare socket, and shmipc-go.
func connCases() []Case {
	conn := func(mode, transport string, size int, wait ringway.WaitStrategy) RunOptions {
		return RunOptions{Topology: Connection, Transport: transport, Mode: mode, Size: size,
			Capacity: max(64<<10, 4*size), Batch: 1, Wait: wait}
	}
	rings := func(o RunOptions) []variant {
		o.Topology, o.Transport = "spsc", ""
		return []variant{{overSPSC, o}}
	}
	spinning, rate := conn(Latency, "shm", 64, ringway.BusySpin), conn(Throughput, "shm", 64, ringway.Adaptive)
	rate.Capacity = 8 << 20
	alone := func(rivals.Engine) bool { return false }
	shmipc := func(e rivals.Engine) bool { return e.Name == "shmipc" }
	const work = "sent from a buffer, sent back from where it lies, and its number looked at there: "
	const within = 1 / 1.1 // of the ring itself
	cases := []Case{
		{Name: "conn-rtt", Title: "round trip of 64 bytes over a connection, both sides spinning", Target: within, TargetOf: []string{overSPSC},
			Options: spinning, beside: rings(spinning), who: alone},
		{Name: "conn-throughput", Title: "64 bytes, one a call, over a connection", Target: within, TargetOf: []string{overSPSC},
			Options: rate, beside: rings(rate), who: alone},
		{Name: "call-rtt", Title: "a call with 64 bytes and its answer, both sides spinning", Limit: 1.5,
			Options: conn(Calls, "shm", 64, ringway.BusySpin), beside: rings(spinning), who: alone},
		{Name: "conn-rest-rtt", Title: "round trip of 64 bytes over a connection, waiting as usual", Options: conn(Latency, "shm", 64, ringway.Adaptive),
			who: alone},
		{Name: "conn-tcp-rtt", Title: "round trip of 64 bytes over a connection by TCP, waiting as usual", Options: conn(Latency, "tcp", 64, ringway.Adaptive),
			who: alone},
	}
	for _, size := range []int{64, 64 << 10} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("shmipc-%d-spin", size), Title: fmt.Sprintf("round trip of %s over a connection that spins, beside shmipc-go", bytesText(size)),
			Target: 5, TargetOf: []string{rivals.Messaging}, Options: conn(Latency, "shm", size, ringway.BusySpin), who: shmipc,
			About: work + "one copy each way for both, shmipc-go's into memory that it reserved",
		}, Case{
			Name: fmt.Sprintf("shmipc-%d-sleep", size), Title: fmt.Sprintf("round trip of %s over a connection that sleeps, beside shmipc-go", bytesText(size)),
			Target: 1.3, TargetOf: []string{rivals.Messaging}, Options: conn(Latency, "shm", size, ringway.Poll), who: shmipc,
			About: work + "one copy each way for both, shmipc-go's into memory that it reserved",
		})
		if ringway.Unix.Missing() != "" {
			continue
		}
		cases = append(cases, Case{
			Name: fmt.Sprintf("conn-unix-%d", size), Title: fmt.Sprintf("round trip of %s over a connection by a unix socket, beside a bare one", bytesText(size)),
			Target: 0.9, TargetOf: []string{limits.GoSocket}, Options: conn(Latency, "unix", size, ringway.Adaptive), who: alone,
			About: work + "both are copied into the kernel and out of it, each way",
			wires: []string{limits.GoSocket},
		})
	}
	return cases
}
