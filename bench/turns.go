package bench

import (
	"context"
	"fmt"

	"github.com/ringway/ringway/bench/limits"
)

// workload is what the members do in a run of one mode. Each reports its part;
// allocations are counted around it.
type workload struct {
	lead    func(*team, context.Context) (part, error) // member 0
	produce func(*team, context.Context) (part, error) // the producers after it; nil where there can be none
	consume func(*team, context.Context) (part, error)

	// oneToOne says that there is one producer and one consumer.
	oneToOne bool
	// timed says that single messages are timed, otherwise they are counted.
	timed bool
	// both says that messages go there and back.
	both bool
}

// workloads are the modes of a run: a new one is a line here and its three
// functions in a file of its own.
var workloads = map[string]workload{
	Latency:    {lead: (*team).ping, consume: (*team).echo, oneToOne: true, timed: true, both: true},
	Calls:      {lead: (*team).call, consume: (*team).serve, oneToOne: true, timed: true, both: true},
	Throughput: {lead: (*team).conduct, produce: (*team).produce, consume: (*team).consume},
	Mixed:      {lead: (*team).conduct, produce: (*team).produce, consume: (*team).consume},
	Publish:    {lead: (*team).conduct, consume: (*team).slumber},
	Wakeup:     {lead: (*team).ping, consume: (*team).echo, oneToOne: true, timed: true, both: true},
	Paced:      {lead: (*team).keepPace, consume: (*team).timeArrivals, timed: true},
}

// take does what this member has to do in a turn. All members begin it
// together.
func (s *team) take(ctx context.Context, t turn) (found part, err error) {
	switch o := s.orders; t {
	case turnProbe:
		switch {
		case o.leads():
			found.Probe, err = limits.Probe(s.raw, 0)
		case o.answers():
			_, err = limits.Pong(s.raw, limits.MinBytes, 0)
		}
		return found, err
	case turnLimit:
		return s.limit()
	case turnDoze, turnRest:
		if o.leads() {
			return found, s.rouse(ctx, t)
		}
		return s.doze(ctx, t)
	case turnRun:
		w := workloads[o.Mode]
		do := w.consume
		switch {
		case o.leads():
			do = w.lead
		case o.produces():
			do = w.produce
		}
		allocs := countAllocs()
		found, err = do(s, ctx)
		found.Allocs = allocs.count()
		if found.Times != nil {
			found.Stats = found.Times.Stats()
		}
		return found, err
	}
	return found, fmt.Errorf("there is no turn %q", t)
}

// limit measures what physics allows in place of this work.
func (s *team) limit() (found part, err error) {
	o := s.orders
	switch n := rawSize(o); {
	case n > 0 && o.leads():
		raw, err := limits.RoundTrip(s.raw, n, o.Duration/4, 0)
		found.Raw = raw.Best()
		return found, err
	case n > 0 && o.answers():
		_, err = limits.Pong(s.raw, n, 0)
		return found, err
	case o.leads() && !workloads[o.Mode].timed && o.Size > 0:
		found.Copies = limits.Memcpy(o.meanSize(), o.Capacity, o.Duration/4)
	}
	return found, nil
}

// rawSize is the payload of the raw round trip that is the limit of a latency
// run; 0 where the raw loop doesn't go that far.
func rawSize(o teamOrders) int {
	if n := (o.Size + 7) &^ 7; workloads[o.Mode].both && n <= limits.MaxBytes {
		return max(n, limits.MinBytes)
	}
	return 0
}
