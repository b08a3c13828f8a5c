package ring

import "testing"

// Long messages are copied in another way than short ones, in small rings in
// another way than in large ones, and the way round the ring's end is another one
// again.
func TestLongMessagesComeOutAsTheyWentIn(t *testing.T) {
	sizes := []int{8<<10 - 8, pastFrom - 1, pastFrom, pastFrom + 1, pastFrom + 57, 20_000}
	for _, capacity := range []uint64{64 << 10, pastUpTo, 2 * pastUpTo} {
		for _, checksum := range []bool{false, true} {
			r := newRing(t, Geometry{Kind: SPSC, Capacity: capacity, Checksum: checksum}, StartPosition)
			for i := range 3 * int(capacity) / pastFrom {
				n := sizes[i%len(sizes)]
				r.send(i, n)
				if i%2 == 0 { // one more of the kind goes another way
					r.receive(i, n)
					r.send(i, n)
				}
				r.receive(i, n)
				r.giveBack()
			}
		}
	}
}
