//go:build shmtest

package explore

import "slices"

// order is the order in which the choices that there are in a state are made.
type order []choice

// choice returns the choice number n, and doEnd behind the last.
func (o order) choice(n int) choice {
	if n < len(o) {
		return o[n]
	}
	return doEnd
}

// orderAt returns the order for states at a depth. It is the same everywhere
// without a seed. With one the participants have priorities, which change at a
// few depths only, and deaths come last but for a few depths too: so that the
// first runs, which are all that there is time for, have somebody asleep for
// long while others go on, and somebody die in between.
func (e *search) orderAt(depth int) order {
	key := depth
	if e.seed == 0 {
		key = 0
	}
	if o, ok := e.orders[key]; ok {
		return o
	}
	const changes, deep = 3, 100
	epoch := uint64(0)
	death := false
	for i := range uint64(changes) {
		if e.seed != 0 && mix(e.seed, 100+i)%deep < uint64(depth) {
			epoch++
		}
		death = death || mix(e.seed, 200+i)%deep == uint64(depth)
	}
	var o order
	for way := doStep; way < doEnd; way += maxActors {
		for i := range e.r.actors {
			o = append(o, way+choice(i))
		}
	}
	if e.seed != 0 {
		rank := func(c choice) uint64 {
			r := mix(mix(e.seed, epoch), uint64(c)) >> 1
			if c.way() == doDie && !death {
				r |= 1 << 63
			}
			return r
		}
		slices.SortFunc(o, func(a, b choice) int {
			if rank(a) < rank(b) {
				return -1
			}
			return 1
		})
	}
	e.orders[key] = o
	return o
}
