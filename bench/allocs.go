package bench

import "runtime"

// allocs counts heap allocations of this process.
type allocs uint64

func countAllocs() allocs {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return allocs(m.Mallocs)
}

// count returns the allocations since a.
func (a allocs) count() uint64 { return uint64(countAllocs() - a) }

// perMessage divides allocations by messages. What the runtime itself allocates
// now and then is not told apart: less than one in a hundred thousand messages
// counts as none.
func perMessage(allocs float64, n int64) float64 {
	if per := allocs / float64(max(n, 1)); per > 1e-5 {
		return per
	}
	return 0
}
