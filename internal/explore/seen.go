//go:build shmtest

package explore

// seen is a set of fingerprints: open addressing, half empty at least.
type seen struct {
	slots []uint64
	n     int
}

// add adds h and reports whether it is new.
func (s *seen) add(h uint64) bool {
	if h == 0 {
		h = 1
	}
	if 2*s.n >= len(s.slots) {
		old := s.slots
		s.slots = make([]uint64, max(1<<12, 2*len(old)))
		for _, h := range old {
			if h != 0 {
				s.slots[s.find(h)] = h
			}
		}
	}
	i := s.find(h)
	if s.slots[i] == h {
		return false
	}
	s.slots[i] = h
	s.n++
	return true
}

// find returns where h is or belongs.
func (s *seen) find(h uint64) uint64 {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != h && s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}
