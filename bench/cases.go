package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/bench/rivals"
)

// Case is one thing that Compare measures: ours, its limit, and rivals at the
// same work.
type Case struct {
	Name  string // a stable word
	Title string // for people
	About string // what is compared with what

	Options RunOptions // without what CompareOptions say

	// Target is what we want to reach against the best rival of TargetOf, or
	// against the limit where there is none; more is better. 0 is no target.
	Target   float64
	TargetOf []string // classes, or titles of engines

	// Limit is what we want to reach of the limit: at most so many times a raw
	// round trip, at least such a share of a rate. 0 is no target.
	Limit float64

	beside []variant                // ringway otherwise
	task   func(*rivals.Task)       // changes what rivals have to do
	who    func(rivals.Engine) bool // which rivals; nil is all that can
	system bool                     // beside the operating system's own round trips
	wires  []string                 // beside these of them
	slice  time.Duration            // of one run; 0 is 40 ms
	runs   int                      // at most so many
}

// Cases returns all cases, in the order in which they are reported.
func Cases() []Case {
	rate := func(size, capacity, batch int) RunOptions {
		return RunOptions{Topology: "spsc", Mode: Throughput, Size: size, Capacity: capacity, Batch: batch, Wait: ringway.Adaptive}
	}
	crowd := func(producers, consumers, batch int) RunOptions {
		o := rate(8, 1<<20, batch) // 65,536 cells
		o.Topology, o.Producers, o.Consumers = "mpmc", producers, consumers
		return o
	}
	cast := func(subscribers int) RunOptions {
		o := rate(8, 1<<20, 1)
		o.Topology, o.Consumers, o.Lossless = "broadcast", subscribers, true
		return o
	}
	lease := rate(64<<10, 4<<20, 1)
	lease.Lease = true
	paced := RunOptions{Topology: "spsc", Mode: Paced, Size: 64, Capacity: 1 << 20, Batch: 1, Rate: 100_000, Wait: ringway.Adaptive}
	burst := paced
	burst.Burst = 100
	fanOut := crowd(1, 3, 1)
	mixed := rate(4096, 8<<20, 1)
	mixed.Mode = Mixed
	// Four and more take turns on two processors, for milliseconds each.
	const crowded, timely = 100 * time.Millisecond, 200 * time.Millisecond
	cpp := []string{rivals.Cpp}
	spinning := []string{rivals.Cpp, rivals.Go}
	const bounded = "no engine has more than 65,536 messages under way; moodycamel's producers are held to that by counting"
	crossing := RunOptions{Topology: "broadcast", Mode: Latency, Size: 64, Capacity: 64 << 10, Batch: 1, Wait: ringway.BusySpin}
	narrow, watching := crossing, crossing
	narrow.Size, watching.ReadOnly = 48, true
	asleep := RunOptions{Topology: "broadcast", Mode: Publish, Consumers: 8, ReadOnly: true, Size: 8, Capacity: 1 << 20, Batch: 1, Wait: ringway.Adaptive}
	busy := cast(1)
	busy.Lossless = false
	castBatch := cast(1)
	castBatch.Batch = 32
	wide := cast(1)
	wide.Size, wide.Capacity = 64, 8<<20
	keepingUp := wide
	keepingUp.Lossless, keepingUp.heard = false, true
	goDisruptor := func(e rivals.Engine) bool { return e.Name == "go-disruptor" }
	nobodyElse := func(rivals.Engine) bool { return false }
	cases := []Case{
		{Name: "spsc-rtt", Title: "round trip of 64 bytes, both sides spinning", Target: 1.3, TargetOf: spinning, Limit: 1.15,
			Options: RunOptions{Topology: "spsc", Mode: Latency, Size: 64, Capacity: 64 << 10, Batch: 1, Wait: ringway.BusySpin},
			who:     oneToOne},
		{Name: "spsc-8", Title: "8 bytes, one a call, 65,536 messages' room", Target: 1.5, TargetOf: cpp, Options: rate(8, 1<<20, 1), who: oneToOne},
		{Name: "spsc-8-batch", Title: "8 bytes, 32 a call, 65,536 messages' room", Target: 3, TargetOf: cpp, Options: rate(8, 1<<20, 32),
			About: bounded + "; all take and give arrays; ConcurrentQueue is here for its calls for many",
			who:   func(e rivals.Engine) bool { return oneToOne(e) || e.Name == "moodycamel" }},
		{Name: "spsc-small", Title: "8 bytes, one a call, 64 KiB of ring", Target: 1.3, TargetOf: cpp, Options: rate(8, 64<<10, 1),
			About: "rivals have 64 KiB of slots, too", task: func(t *rivals.Task) { t.Room = 8192 }, who: oneToOne},
		{Name: "spsc-64", Title: "64 bytes, one a call, 65,536 messages' room", Target: 1.5, TargetOf: cpp, Options: rate(64, 8<<20, 1), who: oneToOne},
		{Name: "spsc-64k", Title: "64 KiB, copied in and out", Limit: 0.9, Options: rate(64<<10, 4<<20, 1),
			who: nobodyElse},
		{Name: "spsc-64k-lease", Title: "64 KiB, written and read in place", Limit: 0.95, Options: lease,
			who: nobodyElse},
		{Name: "mpmc-1p1c", About: bounded, Title: "8 bytes, 1 producer, 1 consumer, any number allowed", Target: 2, TargetOf: spinning, Options: crowd(1, 1, 1),
			who: anyNumber},
		{Name: "mpmc-2p2c", About: bounded, Title: "8 bytes, 2 producers, 2 consumers", Target: 1.2, TargetOf: spinning, Options: crowd(2, 2, 1), who: anyNumber, slice: crowded},
		{Name: "mpmc-2p2c-batch", About: bounded, Title: "8 bytes, 2 producers, 2 consumers, 32 a call", Target: 3, TargetOf: spinning, Options: crowd(2, 2, 32), who: anyNumber, slice: crowded},
		{Name: "mpmc-4p4c", About: bounded, Title: "8 bytes, 4 producers, 4 consumers", Target: 1.5, TargetOf: spinning, Options: crowd(4, 4, 1), who: anyNumber, slice: crowded},
		{Name: "mpmc-1p3c", About: bounded, Title: "8 bytes, 1 producer, 3 consumers: each message to one of them", Options: fanOut, who: anyNumber, slice: crowded},
		{Name: "broadcast-1", Title: "8 bytes, each to 1 subscriber, none lost", Target: 1.5, TargetOf: []string{"go-disruptor"}, Options: cast(1)},
		{Name: "broadcast-3", Title: "8 bytes, each to all of 3 subscribers, none lost", Target: 1.5, TargetOf: []string{"go-disruptor"}, Options: cast(3), slice: crowded},
		{Name: "broadcast-64", Title: "64 bytes, each to 1 subscriber, none lost", Options: wide,
			beside: []variant{{overSPSC, rate(64, 8<<20, 1)}}, who: goDisruptor},
		{Name: "broadcast-64-lossy", Title: "64 bytes, received by 1 subscriber that nobody waits for", Target: 1.5, TargetOf: []string{"go-disruptor"}, Options: keepingUp,
			About: "what is published and missed doesn't count; go-disruptor's producer always waits", who: goDisruptor},
		{Name: "broadcast-rtt", Title: "round trip of 64 bytes over two broadcast rings, both sides spinning", Limit: 1.3, Options: crossing,
			beside: []variant{{"read-only subscribers", watching}}, who: nobodyElse},
		{Name: "broadcast-rtt-line", Title: "round trip of 48 bytes, a line with their header, over two broadcast rings", Limit: 1.3, Options: narrow, who: nobodyElse},
		{Name: "broadcast-asleep", Title: "8 bytes, published while 8 read-only subscribers sleep", Target: 0.95, TargetOf: []string{nobody}, Options: asleep},
		{Name: "broadcast-busy", Title: "8 bytes, published while 1 subscriber receives what it can", Target: 0.8, TargetOf: []string{overSPSC}, Options: busy,
			beside: []variant{{overSPSC, rate(8, 1<<20, 1)}}, who: nobodyElse},
		{Name: "broadcast-gated", Title: "8 bytes, each to 1 subscriber that is waited for", Target: 0.8, TargetOf: []string{overSPSC}, Options: cast(1),
			beside: []variant{{overSPSC, rate(8, 1<<20, 1)}}, who: nobodyElse},
		{Name: "broadcast-batch", Title: "8 bytes, 32 a call, each to 1 subscriber that is waited for", Options: castBatch,
			beside: []variant{{overSPSC, rate(8, 1<<20, 32)}}, who: goDisruptor},
		{Name: "paced", Title: "p99.9 from due to there, 64 bytes, 100,000 a second", Target: 2, TargetOf: []string{rivals.Messaging, rivals.Go}, Options: paced, slice: timely,
			About: "beside those that sleep while there is nothing",
			who:   func(e rivals.Engine) bool { return e.Class == rivals.Messaging || e.Name == "channel" }},
		{Name: "wakeup", Title: "round trip of 64 bytes between two that sleep until they are woken",
			Options: RunOptions{Topology: "spsc", Mode: Wakeup, Size: 64, Capacity: 64 << 10, Batch: 1, Wait: ringway.Park}, slice: timely / 2,
			About: "bracketed by a bare futex, not by spinning: sleeping takes as long whether processors are near or far"},
		{Name: "burst", Title: "p99.9 from due to there, 64 bytes, 100,000 a second, 100 at a time", Options: burst, slice: timely,
			who: nobodyElse},
		{Name: "mixed", Title: "8 bytes to 4 KiB, copied in and out", Options: mixed,
			who: nobodyElse},
		{Name: "rtt-vs-kernel", Title: "round trip of 64 bytes, waiting as usual, beside what crosses the kernel", Target: 5,
			TargetOf: []string{rivals.Messaging}, system: true,
			Options: RunOptions{Topology: "spsc", Mode: Latency, Size: 64, Capacity: 64 << 10, Batch: 1, Wait: ringway.Adaptive},
			who: func(e rivals.Engine) bool {
				return slices.Contains([]string{"shmipc", "zeromq", "nng", "grpc", "unix", "mangos"}, e.Name)
			}},
	}
	cases = append(cases, connCases()...)
	for size := 8; size <= 64<<10; size *= 8 {
		cases = append(cases, Case{
			Name: fmt.Sprintf("size-%d", size), Title: fmt.Sprintf("%s, one a call, 8 MiB of ring", bytesText(size)), Options: rate(size, 8<<20, 1), runs: 10,
			task: func(t *rivals.Task) { t.Room = min(65536, max(8<<20/t.Size, 2)) },
			who:  func(e rivals.Engine) bool { return slices.Contains([]string{"shmipc", "zeromq", "unix"}, e.Name) },
		})
	}
	return cases
}

// overSPSC is what the same work over an SPSC ring is called in reports.
const overSPSC = "spsc ring"

// oneToOne says whether an engine is a queue of one producer and one consumer, or a
// channel.
func oneToOne(e rivals.Engine) bool {
	return e.Class != rivals.Messaging && (e.Name == "channel" || !anyNumber(e))
}

// anyNumber says whether an engine takes any number of producers and consumers.
func anyNumber(e rivals.Engine) bool {
	return e.Can(rivals.Task{Mode: rivals.Throughput, Producers: 2, Consumers: 2}) == nil
}

// bytesText is a size for people.
func bytesText(n int) string {
	if n >= 1024 && n%1024 == 0 {
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Sprintf("%d bytes", n)
}

// caseNames returns the names of all cases.
func caseNames() []string {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	return names
}

// chosen returns the cases that filters name: by their names or the beginnings
// of them. Without filters, that is all of them.
func chosen(filters []string) ([]Case, error) {
	all := Cases()
	if len(filters) == 0 {
		return all, nil
	}
	var list []Case
	for _, f := range filters {
		if !slices.ContainsFunc(all, func(c Case) bool { return strings.HasPrefix(c.Name, f) }) {
			return nil, fmt.Errorf("case %q: there are %s, and the beginnings of these", f, strings.Join(caseNames(), ", "))
		}
	}
	for _, c := range all {
		exact := slices.Contains(filters, c.Name)
		if exact || slices.ContainsFunc(filters, func(f string) bool {
			return strings.HasPrefix(c.Name, f) && !slices.Contains(caseNames(), f)
		}) {
			list = append(list, c)
		}
	}
	return list, nil
}

// duration is how long a slice of the case measures.
func (c *Case) duration(o CompareOptions) time.Duration {
	d := c.slice
	if d == 0 {
		d = 40 * time.Millisecond
	}
	switch {
	case o.Duration > 0:
		return o.Duration
	case o.Quick:
		return d / 2
	}
	return d
}

// contenders are the rivals of a case, and what the system allows.
func (c *Case) contenders(duration time.Duration) []Contender {
	o := c.Options
	o.Duration = duration
	t := o.Task()
	switch t.Mode {
	case Mixed:
		return nil
	case Wakeup:
		return wakeupContenders(&o)
	case Publish:
		return publishContenders(o)
	}
	if c.task != nil {
		c.task(&t)
	}
	var all []Contender
	for _, v := range c.beside {
		all = append(all, v.contender(duration))
	}
	for _, e := range rivals.Of(t) {
		if c.who == nil && e.Class == rivals.Messaging || c.who != nil && !c.who(e) {
			continue
		}
		all = append(all, Rivalling(e, t))
	}
	all = append(all, systemContenders(o.Size, duration, c.wires...)...)
	if c.system {
		all = append(all, systemContenders(o.Size, duration, limits.Futex, limits.Pipe, limits.Socket)...)
	}
	return all
}
