package shm

// Unchanged reports whether Open would still open this very section under its
// name: nobody took the name away, gave the file to others, or wrote into the
// descriptor. It is for those who look at a section now and then, and would have
// to open it anew each time otherwise. False means that nothing of the kind is
// known, which is always so on Windows, where what is open can't be removed.
// Unchanged enters the kernel once.
func (s *Section) Unchanged() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.b == nil || !s.b.unchanged(s.dir, s.name) {
		return false
	}
	var page [PageSize]byte
	if s.touch(func() { copy(page[:], s.b.mem) }) != nil {
		return false
	}
	d, err := decode(&page, s.desc.Total)
	return err == nil && d == s.desc
}
