package limits

import "slices"

// CPUs returns the numbers of the processors that this process was allowed to
// run on when it started, in order. Where the system doesn't say, it is 0 to
// runtime.NumCPU()-1. A process started by a pinned thread inherits the pin,
// and is then told of this one processor only, but may still Pin itself
// elsewhere.
func CPUs() []int { return slices.Clone(cpus) }

// cpus is read before anyone can have called Pin.
var cpus = allowedCPUs()

// topology is where a processor sits. Unknown numbers are -1.
type topology struct {
	pkg   int // socket
	core  int // physical core, unique within its socket
	cache int // group that shares the last-level cache
}

// PickPair returns two processors to pin two processes to: on two physical
// cores, if possible of one last-level cache, else of one socket; failing two
// cores, two threads of one. On a machine with one processor both are that one.
// The topology is read from /sys on Linux and unknown elsewhere; where it is
// unknown, the first and the last processor are taken.
func PickPair() (a, b int) { return pickPair(cpus, readTopology) }

func pickPair(cpus []int, where func(cpu int) topology) (a, b int) {
	places := make([]topology, len(cpus))
	for i, c := range cpus {
		places[i] = where(c)
	}
	a, b = cpus[0], cpus[len(cpus)-1]
	best := -1
	for i, p := range places {
		for j := i + 1; j < len(places); j++ {
			if v := p.suits(places[j]); v > best {
				best, a, b = v, cpus[i], cpus[j]
			}
		}
	}
	if best == unknownPlace {
		return cpus[0], cpus[len(cpus)-1]
	}
	return a, b
}

// How well two processors suit, ascending.
const (
	sameCore = iota
	unknownPlace
	otherSocket
	sameSocket
	sameCache
)

func (p topology) suits(q topology) int {
	switch {
	case p.core < 0 || q.core < 0:
		return unknownPlace
	case p.pkg != q.pkg:
		return otherSocket
	case p.core == q.core:
		return sameCore
	case p.cache >= 0 && p.cache == q.cache:
		return sameCache
	}
	return sameSocket
}
