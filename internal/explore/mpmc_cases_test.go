//go:build shmtest

package explore

import (
	"fmt"

	"github.com/ringway/ringway/ring"
)

// mpmcCases are the worlds of a ring with several producers and consumers. Their
// names say how many of them there are, where in a lap it begins, the cells of
// each producer's messages, and what else is particular.
func mpmcCases() (all []*mpmc) {
	add := func(name string, t mpmc) {
		t.name = "mpmc " + name
		if t.deaths > 0 {
			t.name += fmt.Sprintf(", %d deaths", t.deaths)
		}
		all = append(all, &t)
	}
	// Nobody dies.
	add("1x1 2.1.2", mpmc{producers: [][]int{{2, 1, 2}}, consumers: 1})
	add("1x1 fresh 2.1.2", mpmc{fresh: true, producers: [][]int{{2, 1, 2}}, consumers: 1})
	add("1x2 2.2", mpmc{producers: [][]int{{2, 2}}, consumers: 2})
	add("1x2 at 3 2", mpmc{producers: [][]int{{2}}, from: ring.StartCell + 3, consumers: 2})
	add("1x2 1.1 held", mpmc{producers: [][]int{{1, 1}}, consumers: 2, hold: 2})
	add("2x1 2.1 1", mpmc{producers: [][]int{{2, 1}, {1}}, consumers: 1})
	add("2x1 batches", mpmc{producers: [][]int{{1, 1}, {1}}, consumers: 1, batch: true})
	add("2x1 2.1 1 taken", mpmc{producers: [][]int{{2, 1}, {1}}, consumers: 1, take: true})
	add("2x1 batches taken", mpmc{producers: [][]int{{1, 1}, {1}}, consumers: 1, batch: true, take: true})
	add("1x2 batches taken", mpmc{producers: [][]int{{1}}, consumers: 2, batch: true, take: true, deaths: 1})
	add("1x1 1.1.1.1 straight", mpmc{producers: [][]int{{1, 1, 1, 1}}, consumers: 1, straight: true})
	add("1x2 1.1 straight", mpmc{producers: [][]int{{1, 1}}, consumers: 2, straight: true})
	add("2x1 1.1 1 straight", mpmc{producers: [][]int{{1, 1}, {1}}, consumers: 1, straight: true})
	add("2x2 1.1 1 straight", mpmc{producers: [][]int{{1, 1}, {1}}, consumers: 2, straight: true, large: true})
	add("1x1 1.1.1 straight", mpmc{producers: [][]int{{1, 1, 1}}, consumers: 1, straight: true, again: true, deaths: 1})
	add("2x1 end", mpmc{producers: [][]int{{1}, {2}}, consumers: 1, end: true})
	add("2x2 2 1", mpmc{producers: [][]int{{2}, {1}}, consumers: 2})
	add("2x2 fresh 2 1", mpmc{fresh: true, producers: [][]int{{2}, {1}}, consumers: 2, large: true})
	add("1x2 2.2.1", mpmc{producers: [][]int{{2, 2, 1}}, consumers: 2, large: true})
	add("1x2 at 3 2.2.1", mpmc{producers: [][]int{{2, 2, 1}}, from: ring.StartCell + 3, consumers: 2, large: true})
	add("2x1 fresh 2.1 1", mpmc{fresh: true, producers: [][]int{{2, 1}, {1}}, consumers: 1})
	add("1x1 1.1 skip", mpmc{producers: [][]int{{1, 1}}, consumers: 1, skip: true})
	add("1x1 renewal", mpmc{producers: [][]int{{2, 2, 2}}, fresh: true, from: 1<<41 - 2, consumers: 1})
	add("2x1 renewal 2 2", mpmc{producers: [][]int{{2}, {2, 1}}, fresh: true, from: 1<<41 - 2, consumers: 1, large: true})
	add("2x2 1 1 skip", mpmc{producers: [][]int{{1}, {1}}, consumers: 2, skip: true, large: true})
	add("2x1 at 2 2.1 2", mpmc{producers: [][]int{{2, 1}, {2}}, from: ring.StartCell + 2, consumers: 1, large: true})
	add("2x2 at 3 2 1", mpmc{producers: [][]int{{2}, {1}}, from: ring.StartCell + 3, consumers: 2, large: true})

	// Three messages, around the ring's end; a ring of two cells is full after two.
	for deaths := range 2 {
		// Both consumers do the same: that one of them may die is enough.
		mortals := []int{0, 1, 2}[:3*deaths]
		add("2x2 2.1 1", mpmc{producers: [][]int{{2, 1}, {1}}, consumers: 2, deaths: deaths, mortals: mortals, large: true})
		add("2x2 at 3 2.1 1", mpmc{producers: [][]int{{2, 1}, {1}}, from: ring.StartCell + 3, consumers: 2, deaths: deaths, mortals: mortals, large: true})
		add("2x2 2 cells 1.1 1", mpmc{cells: 2, producers: [][]int{{1, 1}, {1}}, consumers: 2, deaths: deaths, mortals: mortals, large: true})
	}

	// One dies, and is swept at once.
	add("1x2 2.1", mpmc{producers: [][]int{{2, 1}}, consumers: 2, deaths: 1, mortals: []int{0, 1}, large: true})
	add("2x1 1 2", mpmc{producers: [][]int{{1}, {2}}, consumers: 1, again: true, deaths: 1})
	add("2x2 2 1", mpmc{producers: [][]int{{2}, {1}}, consumers: 2, deaths: 1, mortals: []int{0, 2}, large: true})

	// One dies, and is swept by somebody who takes his time.
	add("1x1 2 reaper", mpmc{producers: [][]int{{2}}, consumers: 1, again: true, deaths: 1, reapers: 1})
	add("1x2 1", mpmc{producers: [][]int{{1}}, consumers: 2, deaths: 1, mortals: []int{1}, reapers: 1})
	add("2x1 1 1 reaper", mpmc{producers: [][]int{{1}, {1}}, consumers: 1, deaths: 1, mortals: []int{0}, reapers: 1, large: true})
	add("1x1 1 two reapers", mpmc{producers: [][]int{{1}}, consumers: 1, again: true, deaths: 1, reapers: 2, large: true})
	add("1x2 1 selves", mpmc{producers: [][]int{{1}}, consumers: 2, deaths: 1, mortals: []int{0, 1}, selves: true, marking: true, large: true})
	// Its slot has a new holder while somebody still sweeps it.
	add("1x1 1 heir", mpmc{producers: [][]int{{1}}, heirs: [][]int{{2}}, consumers: 1, deaths: 1, mortals: []int{0}, reapers: 2, large: true})

	// Two die.
	add("1x1 2.2", mpmc{producers: [][]int{{2, 2}}, consumers: 1, again: true, deaths: 2})
	add("1x1 1 weak reaper", mpmc{producers: [][]int{{1}}, consumers: 1, again: true, deaths: 2, reapers: 1, weak: true, large: true})
	add("1x2 1 weak reaper", mpmc{producers: [][]int{{1}}, consumers: 2, deaths: 2, mortals: []int{1}, reapers: 1, weak: true, large: true})

	// Too large: samples.
	const some = 100
	add("2x1 2 2.2.1", mpmc{producers: [][]int{{2}, {2, 2, 1}}, consumers: 1, samples: some, small: true})
	add("2x1 at 3 2 2.2.1", mpmc{producers: [][]int{{2}, {2, 2, 1}}, from: ring.StartCell + 3, consumers: 1, samples: some})
	add("1x3 1.1", mpmc{producers: [][]int{{1, 1}}, consumers: 3, deaths: 1, mortals: []int{1}, samples: some})
	add("2x2 2.1.2 1.2", mpmc{producers: [][]int{{2, 1, 2}, {1, 2}}, consumers: 2, samples: some})
	add("3x2 1.2 2.1 2.2", mpmc{producers: [][]int{{1, 2}, {2, 1}, {2, 2}}, consumers: 2, hold: 2, samples: some})
	add("2x2 8 cells 4.3.2 1.4.2", mpmc{cells: 8, producers: [][]int{{4, 3, 2}, {1, 4, 2}}, consumers: 2, samples: some})
	add("2x3 batches held", mpmc{producers: [][]int{{1, 1, 1}, {1, 1, 1}}, consumers: 3, batch: true, hold: 2, deaths: 2, samples: some})
	add("2x2 2.1.2 1.2", mpmc{producers: [][]int{{2, 1, 2}, {1, 2}}, consumers: 2, again: true, deaths: 2, samples: some})
	add("2x2 2.1.2 1.2 weak reapers", mpmc{producers: [][]int{{2, 1, 2}, {1, 2}}, consumers: 2, again: true, deaths: 2, reapers: 2, weak: true, samples: some})
	add("2x3 2.2 2.2 selves", mpmc{producers: [][]int{{2, 2}, {2, 2}}, consumers: 3, deaths: 2, selves: true, marking: true, samples: some})
	add("2x2 2.2 1.1 heirs", mpmc{producers: [][]int{{2, 2}, {1, 1}}, heirs: [][]int{{1, 2}}, consumers: 2, again: true, deaths: 2, reapers: 2, marking: true, samples: some})
	add("2x2 2.1.1 1.2 skip", mpmc{producers: [][]int{{2, 1, 1}, {1, 2}}, consumers: 2, skip: true, deaths: 1, samples: some})
	add("2x2 2.1.1 1.2 end", mpmc{producers: [][]int{{2, 1, 1}, {1, 2}}, consumers: 2, end: true, deaths: 1, samples: some})
	add("2x2 2.1 1.2 tso", mpmc{producers: [][]int{{2, 1}, {1, 2}}, consumers: 2, deaths: 1, buffers: 4, samples: some})

	// With store buffers.
	add("1x1 2.1.2 tso", mpmc{producers: [][]int{{2, 1, 2}}, consumers: 1, buffers: 3})
	add("1x2 2.2 tso", mpmc{producers: [][]int{{2, 2}}, consumers: 2, buffers: 3})
	add("2x1 1 2 tso", mpmc{producers: [][]int{{1}, {2}}, consumers: 1, buffers: 3})
	add("2x1 at 3 2 1 tso", mpmc{producers: [][]int{{2}, {1}}, from: ring.StartCell + 3, consumers: 1, buffers: 3, large: true})
	add("1x2 1 tso", mpmc{producers: [][]int{{1}}, consumers: 2, deaths: 1, mortals: []int{0, 1}, buffers: 3})
	return all
}
