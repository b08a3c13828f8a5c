package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/ring"
)

// Modes of a run.
const (
	Latency    = "latency"    // one message goes and comes back: round trip times
	Calls      = "calls"      // of a connection: a question and its answer
	Throughput = "throughput" // as fast as it goes; more than one consumer: fan-out
	Mixed      = "mixed"      // throughput of messages of many sizes, up to Size
	Wakeup     = "wakeup"     // round trips of two that sleep for each other; seldom messages; none
	Publish    = "publish"    // broadcast: as fast as it goes, while the subscribers are attached and asleep
	Paced      = "paced"      // so many a second, timed from when each was due until it arrived
)

// RunOptions say what Run measures.
type RunOptions struct {
	Topology  string        // spsc, mpmc, broadcast or conn
	Transport string        // of a conn: shm, unix, pipe, tcp or fifo; rings are in shm
	Producers int           // 0 is 1; more for throughput over mpmc
	Consumers int           // 0 is 1; more for mpmc and broadcast
	Mode      string        // one of Modes
	Size      int           // bytes a message; mixed: at most
	Capacity  int           // bytes of the ring
	Duration  time.Duration // of one run
	Runs      int           // how many runs must count
	Batch     int           // messages a call; throughput only
	Wait      ringway.WaitStrategy

	Rate  float64 // paced: messages a second
	Burst int     // paced: so many are due at the same time; 0 is 1
	Lease bool    // throughput: written and read in place, without copies

	Lossless bool // broadcast: the publisher waits for its subscribers
	ReadOnly bool // broadcast: subscribers map the ring without the right to write
	detached bool // publish: the one consumer is not a subscriber
	heard    bool // broadcast: what subscribers received counts, also when it was not all

	slices int          // a run is so many of Duration each, one behind the other; 0 is none
	watch  *watchOrders // for one more process, which looks at the rings; nil for none

	// Rivals are measured by turns with ours, while the children sleep.
	Rivals []Contender

	// KeepAll keeps runs during which the machine changed its speed, too, for a
	// machine that does nothing else. The result says how many they are.
	KeepAll bool

	// Metric, if not empty, is what engines are compared by; otherwise it is
	// the rate, the median of round trips, or p99.9 of one way.
	Metric Metric

	// Budget, if not 0, is after how long no further round is begun.
	Budget time.Duration

	// Progress, if not nil, is called after each run with how many of how many
	// runs count so far and how many were discarded.
	Progress func(kept, runs, discarded int)
}

func (o *RunOptions) metric() Metric {
	if o.Metric != "" {
		return o.Metric
	}
	return metricOf(o.Mode)
}

// Modes returns the modes that there are.
func Modes() []string { return slices.Sorted(maps.Keys(workloads)) }

func (o *RunOptions) check() error {
	w, ok := workloads[o.Mode]
	if !ok {
		return fmt.Errorf("mode %q: there are %s", o.Mode, strings.Join(Modes(), ", "))
	}
	if o.Producers < 0 || o.Consumers < 0 {
		return fmt.Errorf("%d producers and %d consumers: there is at least one of each", o.Producers, o.Consumers)
	}
	o.Producers, o.Consumers = max(o.Producers, 1), max(o.Consumers, 1)
	if o.Transport == "" {
		o.Transport = fallback.SHM.String()
	}
	if err := o.checkNumbers(); err != nil {
		return err
	}
	if o.Topology == Connection {
		return o.checkConn()
	}
	if o.Mode == Calls {
		return fmt.Errorf("mode %s is for topology %s", Calls, Connection)
	}
	if o.Transport != fallback.SHM.String() {
		return fmt.Errorf("transport %q: rings are in shm; other transports go with topology %s", o.Transport, Connection)
	}
	kind, err := kindOf(o.Topology)
	if err != nil {
		return err
	}
	switch {
	case o.Producers+o.Consumers > maxTeam:
		return fmt.Errorf("%d producers and %d consumers: this goes up to %d processes", o.Producers, o.Consumers, maxTeam)
	case o.Producers+o.Consumers > 2 && (kind == ringway.SPSC || w.oneToOne):
		return fmt.Errorf("%d producers and %d consumers: spsc, and %s, are between one and one", o.Producers, o.Consumers, Latency)
	case o.Producers > 1 && w.produce == nil:
		return fmt.Errorf("%d producers: in mode %s there is one", o.Producers, o.Mode)
	case kind == ringway.Broadcast && (o.Producers > 1 || o.Lease):
		return fmt.Errorf("%d producers, lease %t: a broadcast ring has one publisher, and copies", o.Producers, o.Lease)
	case kind != ringway.Broadcast && o.Mode == Publish, o.Lossless && o.Mode == Publish:
		return fmt.Errorf("topology %s, lossless %t: mode %s is for broadcast, and nobody is waited for", o.Topology, o.Lossless, Publish)
	case kind == ringway.Broadcast && o.Mode == Wakeup:
		return fmt.Errorf("mode %s is between one producer and one consumer", Wakeup)
	case (o.Lossless || o.ReadOnly) && kind != ringway.Broadcast:
		return fmt.Errorf("lossless %t, read-only %t: these are for broadcast", o.Lossless, o.ReadOnly)
	case o.Lossless && o.ReadOnly && !w.timed:
		return fmt.Errorf("nobody waits for subscribers that are read-only: lossless is for others")
	}
	g := ring.Geometry{Kind: kind, Capacity: uint64(o.Capacity)}
	if kind == ringway.MPMC {
		g.CellSize = uint64(cellFor(o.Size))
	}
	if err := g.Check(); err != nil {
		return err
	}
	if uint64(o.Size) > g.MaxMessage() {
		return fmt.Errorf("size %d: a ring of %d bytes takes messages of at most %d; give it more --capacity", o.Size, o.Capacity, g.MaxMessage())
	}
	return nil
}

// checkNumbers checks what doesn't depend on the topology.
func (o *RunOptions) checkNumbers() error {
	switch {
	case o.Size < 0 || o.Runs < 1 || o.Batch < 1 || o.Duration <= 0:
		return fmt.Errorf("size %d, runs %d, batch %d, duration %v: a size of at least 0 and the others of more than 0 make sense",
			o.Size, o.Runs, o.Batch, o.Duration)
	case o.Batch != 1 && o.Mode != Throughput && o.Mode != Publish:
		return fmt.Errorf("batch %d: batches are for throughput", o.Batch)
	case o.Batch != 1 && o.Size == 0:
		return fmt.Errorf("batch %d: messages of no bytes don't come in batches", o.Batch)
	case o.Lease && (o.Mode != Throughput || o.Batch != 1):
		return fmt.Errorf("lease: this is for throughput, one message a call")
	case o.Mode == Paced && (o.Rate <= 0 || o.Burst < 0 || o.Size < pacedHeader):
		return fmt.Errorf("rate %g, burst %d, size %d: paced messages need a rate and %d bytes at least", o.Rate, o.Burst, o.Size, pacedHeader)
	case o.Mode != Paced && (o.Rate != 0 || o.Burst != 0):
		return fmt.Errorf("rate %g, burst %d: these are for paced", o.Rate, o.Burst)
	case o.Mode == Mixed && o.Size < 8:
		return fmt.Errorf("size %d: mixed messages are of 8 bytes up to this, so it is at least 8", o.Size)
	}
	return nil
}

// checkConn checks the options for a connection.
func (o *RunOptions) checkConn() error {
	if o.Producers > 1 || o.Consumers > 1 || o.Batch > 1 || o.Lease || o.Lossless || o.ReadOnly || o.Mode == Mixed || o.Mode == Wakeup || o.Mode == Publish {
		return fmt.Errorf("%d producers, %d consumers, batch %d, lease %t, lossless %t, read-only %t, mode %s: a connection does %s, %s, %s and %s, "+
			"one to one and one message a call", o.Producers, o.Consumers, o.Batch, o.Lease, o.Lossless, o.ReadOnly, o.Mode, Latency, Calls, Throughput, Paced)
	}
	if o.Size > o.Capacity/2 {
		return fmt.Errorf("size %d: a connection with rings of %d bytes takes messages of at most half of that; give it more --capacity", o.Size, o.Capacity)
	}
	_, err := o.transportNamed()
	return err
}

// kindOf returns the kind of ring that a topology names.
func kindOf(topology string) (ringway.Kind, error) {
	for _, k := range []ringway.Kind{ringway.SPSC, ringway.MPMC, ringway.Broadcast} {
		if k.String() == topology {
			return k, nil
		}
	}
	return 0, fmt.Errorf("topology %q: there are %v, %v, %v and %s", topology, ringway.SPSC, ringway.MPMC, ringway.Broadcast, Connection)
}

// cellFor returns the cell size that suits messages of one size: one cell each,
// up to a cache line.
func cellFor(size int) int {
	cell := 16
	for cell < size+8 && cell < 64 {
		cell *= 2
	}
	return cell
}

// Run measures one mode between pinned processes, beside the physical limit and
// by turns with the contenders, until o.Runs runs of each count; a machine that
// changes its speed all the time gets four times as many tries. The result is
// that of the median run.
func Run(ctx context.Context, o RunOptions) (Result, error) {
	switch o.Mode {
	case Wakeup:
		o.inShortSlices()
		o.Rivals = append(wakeupContenders(&o), o.Rivals...)
	case Publish:
		o.Rivals = publishContenders(o)
	}
	all, err := run(ctx, &o)
	if err != nil {
		return Result{}, err
	}
	res := summary(o, all)
	if o.Mode == Wakeup {
		o.besideTheKernel(&res, all)
		return res, nil
	}
	for _, c := range all.rivals {
		theirs, against := o.rivalResult(c)
		res.Rival = &Rival{Engine: c.Engine, MsgsPerSec: theirs.MsgsPerSec, Missing: theirs.Missing}
		if theirs.RTT != nil {
			res.Rival.P50 = theirs.RTT.P50
		}
		if res.Against = against; against != nil {
			res.Rival.Ratio = against.Ratio
		}
	}
	return res, nil
}

// run checks the options and measures.
func run(ctx context.Context, o *RunOptions) (*rounds, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := startCrew(ctx, *o)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer c.close()
	measured, end, err := o.prober(ctx, c)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer end()
	all, err := measureRounds(ctx, measured, *o)
	return all, cause(ctx, err)
}

// cause returns why ctx has ended, if it has, since all that went wrong then
// did so because of it; otherwise err.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
