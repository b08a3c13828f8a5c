package bench

import (
	"context"
	"fmt"
	"os"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/shm"
)

// crew is the parent's side of a team: the children, the first of which leads.
// Between two turns they sleep, so that rivals can be measured meanwhile.
type crew struct {
	team  []*child
	rings []*ringway.Ring
	watch *child   // looks at the rings from outside, if anybody does
	done  []func() // what ends it, in reverse

	producers int
	counts    bool // all that is sent is received by one consumer
	heard     bool // or what counts is what all of them received
}

// startCrew creates what the children share and starts them.
func startCrew(ctx context.Context, o RunOptions) (_ *crew, err error) {
	c := &crew{producers: o.Producers, heard: (o.Lossless || o.heard) && !workloads[o.Mode].timed && o.Mode != Publish}
	c.counts = (o.Mode == Throughput || o.Mode == Mixed) && o.Size >= 8 && o.Topology != ringway.Broadcast.String()
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	orders := teamOrders{
		Topology: o.Topology, Producers: o.Producers, Consumers: o.Consumers,
		Ring: uniqueName("ab"), Raw: uniqueName("raw"), Mode: o.Mode, Size: o.Size, Batch: o.Batch,
		Capacity: o.Capacity, Duration: o.Duration, Wait: o.Wait.String(), Rate: o.Rate, Burst: o.Burst,
		Lease: o.Lease, ReadOnly: o.ReadOnly, Detached: o.detached, Transport: o.Transport, Slices: o.slices,
	}
	raw, err := shm.Create(orders.Raw, shm.Options{Kind: rawKind, Body: rawBody, Participants: 1})
	if err != nil {
		return nil, err
	}
	names := []string{orders.Raw}
	c.done = append(c.done, func() { _ = raw.Close() })
	rings := []string{orders.Ring}
	switch {
	case o.Topology == Connection:
		orders.Ring, rings = "", nil
		if orders.Dir, err = os.MkdirTemp("", "shmbench-"); err != nil {
			return nil, err
		}
		dir := orders.Dir
		c.done = append(c.done, func() { _ = os.RemoveAll(dir) })
		t, err := o.transportNamed()
		if err != nil {
			return nil, err
		}
		orders.Address = address(t, dir)
	case workloads[o.Mode].both:
		orders.Back = uniqueName("ba")
		rings = append(rings, orders.Back)
	}
	// The names are only needed until all children have opened them.
	defer func() {
		for _, name := range names {
			_ = shm.Remove(name, "")
		}
	}()
	for _, name := range rings {
		kind, err := kindOf(o.Topology)
		if err != nil {
			return nil, err
		}
		opts := []ringway.Option{ringway.Capacity(o.Capacity)}
		if kind == ringway.MPMC {
			opts = append(opts, ringway.CellSize(cellFor(o.Size)))
		}
		if o.Lossless {
			opts = append(opts, ringway.Lossless(), ringway.Participants(o.Consumers+1))
		}
		r, err := ringway.CreateRing(name, kind, opts...)
		if err != nil {
			return nil, err
		}
		names, c.rings = append(names, name), append(c.rings, r)
		c.done = append(c.done, func() { _ = r.Close() })
	}
	cpuA, cpuB := limits.PickPair()
	if cpuA == cpuB && o.Wait == ringway.BusySpin {
		return nil, fmt.Errorf("two spinning processes need two processors, there is one: use another --wait")
	}
	for orders.Member = range o.Producers + o.Consumers {
		// Producers and consumers alternate between the two cores, the first
		// of each on different ones.
		orders.CPU = cpuA
		if at := orders.Member; at < o.Producers && at%2 == 1 || at >= o.Producers && (at-o.Producers)%2 == 0 {
			orders.CPU = cpuB
		}
		member, err := start(ctx, "team", orders)
		if err != nil {
			return nil, err
		}
		c.team = append(c.team, member)
		c.done = append(c.done, member.kill)
		var said hello
		if err := member.hear(&said); err != nil {
			return nil, err
		}
		if orders.leads() {
			orders.Address = said.Address
		}
	}
	if o.watch == nil {
		return c, nil
	}
	o.watch.Raw, o.watch.Rings = orders.Raw, rings
	if c.watch, err = start(ctx, "watcher", o.watch); err != nil {
		return nil, err
	}
	c.done = append(c.done, c.watch.kill)
	if err := c.watch.hear(&hello{}); err != nil {
		return nil, err
	}
	return c, nil
}

// close ends the children and gives back what they shared.
func (c *crew) close() {
	for i := len(c.done) - 1; i >= 0; i-- {
		c.done[i]()
	}
	_, _ = shm.Clean("") // killed children leave their doorbells
}

// do has all members do something and returns what each of them found, the
// leader first. When one of them fails the others are ended: they would wait for
// it.
func (c *crew) do(t turn) ([]part, error) {
	for _, member := range c.team {
		if err := member.send(t); err != nil {
			return nil, err
		}
	}
	type answer struct {
		member int
		part   part
		err    error
	}
	answers := make(chan answer, len(c.team))
	for i, member := range c.team {
		go func() {
			a := answer{member: i}
			a.err = member.hear(&a.part)
			answers <- a
		}()
	}
	parts := make([]part, len(c.team))
	var failed error
	for range c.team {
		a := <-answers
		if parts[a.member] = a.part; a.err != nil && failed == nil {
			failed = a.err
			for _, member := range c.team {
				_ = member.cmd.Process.Kill()
			}
		}
	}
	return parts, failed
}

// probe tells the machine's regime.
func (c *crew) probe() (probe, error) {
	parts, err := c.do(turnProbe)
	if err != nil {
		return probe{}, err
	}
	return probe{rtt: parts[0].Probe}, nil
}

// run measures the limit and then one slice.
func (c *crew) run() (teamRun, error) {
	limit, err := c.do(turnLimit)
	if err != nil {
		return teamRun{}, err
	}
	run, err := c.work()
	run.RawRTT, run.Copies = limit[0].Raw, limit[0].Copies
	return run, err
}

// work measures one slice.
func (c *crew) work() (run teamRun, err error) {
	parts, err := c.do(turnRun)
	if err != nil {
		return run, err
	}
	return c.sumUp(parts)
}

// sumUp makes one of what all members found, and checks that they found the same.
func (c *crew) sumUp(parts []part) (run teamRun, err error) {
	run.Ns = parts[0].Ns
	allocs := uint64(0)
	var sent, took int64
	var sum uint64
	for i, p := range parts {
		sent, took = sent+p.Sent, took+p.Took
		if sum += p.Sum; i >= c.producers {
			sum -= 2 * p.Sum
		}
		run.Messages += p.Messages
		run.Received += p.Received
		run.Missed += p.Missed
		allocs += p.Allocs
		run.Slices = addSlices(run.Slices, p.Slices)
		if p.Times == nil {
			continue
		}
		if run.Times == nil {
			run.Times, run.Stats = p.Times, p.Stats
			continue
		}
		run.Times.Merge(p.Times)
		run.Stats = run.Times.Stats().Within(min(run.Stats.Min, p.Stats.Min), max(run.Stats.Max, p.Stats.Max))
	}
	if c.counts && (sent != took || sum != 0) {
		return run, fmt.Errorf("%d messages were sent and %d received, or others in their place", sent, took)
	}
	if c.heard {
		run.Messages = run.Received / int64(len(parts)-c.producers)
	}
	run.Allocs = perMessage(float64(allocs), run.Messages)
	return run, nil
}

// teamRun is one run of the whole team.
type teamRun struct {
	Figure
	RawRTT limits.Stats  // there and back: the limit
	Copies limits.Copies // one way: the limit
	Allocs float64

	Received, Missed int64 // of a broadcast ring

	Slices []Figure // of a run that has them
}
