package ring

// Rests reports whether nothing is in the ring that the death of another
// participant could leave to this consumer: no frame that was claimed,
// committed or taken, and not yet freed. It looks at all cells, and is for those
// who are about to sleep and have been asleep before; who has announced that can
// rely on being rung for whatever is committed from then on.
func (c *MPMCConsumer) Rests() bool {
	for i := range c.mask + 1 {
		// A cell within a longer frame has the word of a lap before,
		// which was freed.
		if c.load(i).state() != free {
			return false
		}
	}
	return true
}
