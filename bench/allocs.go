package bench

import "runtime"

// allocs counts heap allocations of this process.
type allocs uint64

func countAllocs() allocs {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return allocs(m.Mallocs)
}

// per returns the allocations since a, divided by n. What the runtime itself
// allocates now and then is not told apart: less than one in a hundred thousand
// messages counts as none.
func (a allocs) per(n int64) float64 {
	if n == 0 {
		return 0
	}
	if per := float64(countAllocs()-a) / float64(n); per > 1e-5 {
		return per
	}
	return 0
}
