package peer

import (
	"math"
	"slices"
	"time"
)

// Result is what is printed of a slice.
type Result struct {
	Engine   string     `json:"engine"`
	Between  string     `json:"between"`
	Messages uint64     `json:"messages"`
	Seconds  float64    `json:"seconds"`
	Times    [][2]int64 `json:"times"` // nanoseconds, to three digits, and how often
}

// Timed adds times to a result, rounded to three digits.
func Timed(r Result, times []int64) Result {
	counts := make(map[int64]int64)
	var sum int64
	for _, t := range times {
		sum += t
		unit := int64(1)
		for t >= 2000*unit {
			unit *= 10
		}
		counts[int64(math.Round(float64(t)/float64(unit)))*unit]++
	}
	for t, n := range counts {
		r.Times = append(r.Times, [2]int64{t, n})
	}
	slices.SortFunc(r.Times, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	r.Seconds = time.Duration(sum).Seconds()
	return r
}
