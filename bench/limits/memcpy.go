package limits

import (
	"fmt"
	"slices"
	"time"
)

// Copies is what Memcpy found: payload bytes per second. A byte that is
// copied twice counts once.
type Copies struct {
	One float64 // into the region: what a sender that copies can reach
	Two float64 // into the region, then out of it: sender and receiver copy
}

// Memcpy measures how fast one thread copies messages of size bytes through a
// region of capacity bytes, for about d in all. Message follows message
// through the region, at multiples of 8 bytes, and then from its start again,
// as in a ring; so a region bigger than a cache costs what it costs in a ring.
// The buffer copied from and the buffer copied to have size bytes each and are
// used again and again; what was copied in is copied out at once.
//
// One and two copies take turns. Each figure is the median of the turns, by
// the built-in copy or, for 8, 16, 32, 64 and 128 bytes, by moves of this
// fixed size if those are faster. It panics when size is below 1 or above
// capacity.
func Memcpy(size, capacity int, d time.Duration) Copies {
	if size < 1 || size > capacity {
		panic(fmt.Sprintf("limits: messages of %d bytes in a region of %d", size, capacity))
	}
	count := max(capacity/stride(size), 1) // messages in the region
	kinds := []copier{copiesOf(size, count)}
	switch size {
	case 8:
		kinds = append(kinds, movesOf[[1]uint64](count))
	case 16:
		kinds = append(kinds, movesOf[[2]uint64](count))
	case 32:
		kinds = append(kinds, movesOf[[4]uint64](count))
	case 64:
		kinds = append(kinds, movesOf[[8]uint64](count))
	case 128:
		kinds = append(kinds, movesOf[[16]uint64](count))
	}
	turn := max(d/40, 50*time.Microsecond)
	ones, twos := make([][]float64, len(kinds)), make([][]float64, len(kinds))
	for stop := Now() + int64(d); len(ones[0]) == 0 || Now() < stop; {
		for i, k := range kinds {
			ones[i] = append(ones[i], rate(k.one, size*count, turn))
			twos[i] = append(twos[i], rate(k.two, size*count, turn))
		}
	}
	var best Copies
	for i := range kinds {
		best.One = max(best.One, median(ones[i]))
		best.Two = max(best.Two, median(twos[i]))
	}
	return best
}

// copier fills a region once with messages, by one copy each or by two.
type copier struct{ one, two func() }

// stride is the distance of messages of size bytes.
func stride(size int) int { return (size + 7) &^ 7 }

// copiesOf uses the built-in copy, in memory of its own.
func copiesOf(size, count int) copier {
	return copiesIn(touched(count*stride(size)), touched(size), touched(size))
}

// copiesIn copies from into all of region and, when it copies twice, to to.
func copiesIn(region, from, to []byte) copier {
	step := stride(len(from))
	return copier{
		one: func() {
			for at := 0; at < len(region); at += step {
				copy(region[at:], from)
			}
		},
		two: func() {
			for at := 0; at < len(region); at += step {
				copy(region[at:], from)
				copy(to, region[at:])
			}
		},
	}
}

// movesOf copies values of a type, whose size the compiler knows.
func movesOf[T any](count int) copier {
	region, from, to := make([]T, count), new(T), new(T)
	clear(region)
	return copier{
		one: func() {
			for i := range region {
				region[i] = *from
			}
		},
		two: func() {
			for i := range region {
				region[i] = *from
				*to = region[i]
			}
		},
	}
}

// touched is n bytes whose pages are there.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// rate runs pass, which moves bytes of payload, for about d and returns bytes
// per second.
func rate(pass func(), bytes int, d time.Duration) float64 {
	// Small regions: enough passes between two looks at the clock.
	passes := max(1, 64<<10/bytes)
	for n, start := 0, Now(); ; {
		for range passes {
			pass()
		}
		n += passes
		if spent := Now() - start; spent >= int64(d) {
			return float64(n) * float64(bytes) * 1e9 / float64(spent)
		}
	}
}

// median sorts v, which has at least one element.
func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
