package ring

// Ready reports whether Next would return something else than ErrEmpty. It
// takes nothing.
func (c *SPSCConsumer) Ready() bool {
	pos, in := c.pos, c.in
	_, err := c.Next()
	c.pos, c.in = pos, in
	return err != ErrEmpty
}

// Ready reports whether Next, having returned ErrEmpty, may have something else
// to say now. Of frames that a sweep gives back only Next knows.
func (c *MPMCConsumer) Ready() bool { return c.Poll(1, 1) }
