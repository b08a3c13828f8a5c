package bench

import (
	"math"
	"math/rand/v2"
)

// mixedCount is how many sizes there are before they begin anew.
const mixedCount = 1024

// mixedSizes returns the sizes of messages in a mixed run, of 8 bytes up to
// largest: as many of 8 to 16 bytes as of 16 to 32, of 32 to 64 and so on, in an
// order that is the same every time.
func mixedSizes(largest int) []int {
	if largest < 8 {
		largest = 8
	}
	r := rand.New(rand.NewPCG(1, 2))
	sizes := make([]int, mixedCount)
	span := math.Log2(float64(largest) / 8)
	for i := range sizes {
		sizes[i] = min(int(8*math.Exp2(r.Float64()*span)+0.5), largest)
	}
	return sizes
}

// meanSize is the mean payload of a message, in bytes.
func (o *teamOrders) meanSize() int { return meanSize(o.Mode, o.Size) }

func meanSize(mode string, size int) int {
	if mode != Mixed {
		return size
	}
	sum := 0
	for _, n := range mixedSizes(size) {
		sum += n
	}
	return sum / mixedCount
}
