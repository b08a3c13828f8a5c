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
// now and then is not told apart: a hundred in a run, or one in a hundred thousand
// messages, count as none, unless the messages were so few that it could be
// theirs.
func perMessage(allocs float64, n int64) float64 {
	per := allocs / float64(max(n, 1))
	if per <= 1e-5 || allocs <= 100 && per < 0.01 {
		return 0
	}
	return per
}
