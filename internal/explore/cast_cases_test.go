//go:build shmtest

package explore

import (
	"fmt"

	"github.com/ringway/ringway/ring"
)

// castCases are the worlds of a broadcast ring. What earlier laps left in the ring
// looks like frames of this one.
func castCases() (all []*cast) {
	equal := func(n int) (sizes []int) {
		for range n {
			sizes = append(sizes, 48) // four to a lap
		}
		return sizes
	}
	small := func(n int) (sizes []int) {
		for range n {
			sizes = append(sizes, castMessage) // eight to a lap
		}
		return sizes
	}
	unlike := func(n int) (sizes []int) {
		for i := range n {
			sizes = append(sizes, castMessage+i%2*8) // eight to a lap
		}
		return sizes
	}
	var (
		oldest = castSub{start: ring.Oldest, resume: ring.Oldest}
		newest = castSub{start: ring.Newest, resume: ring.Newest}
		last   = castSub{start: ring.Newest, resume: ring.Oldest, last: true}
		third  = castSub{start: ring.AtSequence, number: 2, resume: ring.Oldest}
		pairs  = castSub{start: ring.Oldest, resume: ring.Oldest, batch: true}
		gated  = castSub{start: ring.Oldest, resume: ring.Oldest, gated: true}
		late   = castSub{start: ring.Newest, resume: ring.Oldest, gated: true}
	)
	gatedPairs := pairs
	gatedPairs.gated = true
	for deaths := range 2 {
		add := func(t *cast) {
			t.name = fmt.Sprintf("cast %s, %d deaths", t.name, deaths)
			t.deaths = deaths
			t.large = t.large || deaths > 0
			all = append(all, t)
		}
		add(&cast{name: "oldest", before: 128, sizes: equal(5), subs: []castSub{oldest}})
		add(&cast{name: "newest", before: 128, sizes: equal(5), subs: []castSub{newest}})
		add(&cast{name: "last", before: 128, sizes: equal(5), subs: []castSub{last}, large: true})
		add(&cast{name: "third", before: 128, sizes: equal(5), subs: []castSub{third}})
		// Pads before the ring's end, and frames that end within a line.
		add(&cast{name: "pads", before: 104, sizes: []int{16, 96, 96, 24}, subs: []castSub{oldest}})
		// A header goes where a payload was: in the midst of a line, and at
		// its beginning.
		add(&cast{name: "stale", before: 240, sizes: []int{16, 96, 96, 16, 48}, subs: []castSub{oldest}, large: true})
		add(&cast{name: "stale line", before: 208, sizes: []int{48, 96, 16, 48, 16}, subs: []castSub{oldest}, large: true})
		// Several to a checkpoint.
		add(&cast{name: "pairs", before: 96, sizes: []int{16, 16, 16, 16}, subs: []castSub{newest}})
		add(&cast{name: "gated", before: 128, sizes: equal(5), subs: []castSub{gated}})
		add(&cast{name: "evicted", before: 128, sizes: equal(5), subs: []castSub{gated}, evict: true, large: true})
		add(&cast{name: "tso", before: 128, sizes: equal(5), subs: []castSub{oldest}, buffers: 3, large: true})
		add(&cast{name: "gated tso", before: 128, sizes: equal(5), subs: []castSub{gated}, buffers: 3, large: true})
		add(&cast{name: "six", before: 192, sizes: equal(6), subs: []castSub{oldest}, large: true})
		// Two subscribers. What a lossy ring's do nobody else sees, so that two of
		// them are two worlds of one; here they are together all the same.
		add(&cast{name: "two", before: 192, sizes: equal(5), there: 3, ready: true, subs: []castSub{oldest, newest}})
		add(&cast{name: "two gated", before: 192, sizes: equal(5), there: 3, ready: true, subs: []castSub{gated, late}, large: true})
		add(&cast{name: "gated and not", before: 192, sizes: equal(5), there: 3, ready: true, subs: []castSub{gated, oldest}, large: true})
		add(&cast{name: "two evicted", before: 192, sizes: equal(5), there: 3, ready: true, evict: true, subs: []castSub{gated, late}, large: true})
		// The straight ways, and batches of two.
		add(&cast{name: "sends", before: 224, sizes: small(10), there: 5, ready: true, how: "send", subs: []castSub{oldest}})
		add(&cast{name: "batches", before: 224, sizes: unlike(10), there: 4, ready: true, how: "batch", subs: []castSub{pairs}})
		add(&cast{name: "batches and gates", before: 224, sizes: unlike(10), there: 6, ready: true, how: "batch", subs: []castSub{gatedPairs}})
		add(&cast{name: "batches tso", before: 224, sizes: unlike(10), there: 4, ready: true, how: "batch", buffers: 3, subs: []castSub{pairs}, large: true})
		// Two in one frame, which is what fits into an eighth of the ring: received
		// one by one, and by those who begin with the second one of a frame.
		alike := func(name string, s castSub, large bool) {
			add(&cast{name: name, before: 192, sizes: small(12), there: 2, ready: s.start == ring.Oldest, how: "batch", alike: true, subs: []castSub{s}, large: large})
		}
		alike("alike", oldest, false)
		alike("alike pairs", pairs, true)
		alike("alike newest", newest, true)
		alike("alike last", last, true)
		alike("alike fourth", castSub{start: ring.AtSequence, number: 3, resume: ring.Newest}, true)
		add(&cast{name: "alike tso", before: 192, sizes: small(12), there: 2, ready: true, how: "batch", alike: true, buffers: 3, subs: []castSub{oldest}, large: true})
		if deaths == 0 {
			add(&cast{name: "two six", before: 192, sizes: equal(6), there: 3, ready: true, subs: []castSub{oldest, newest}, large: true})
			add(&cast{name: "two join", before: 192, sizes: equal(5), there: 3, subs: []castSub{oldest, newest}, large: true})
		}
	}
	return all
}
