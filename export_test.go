package ringway

import "context"

// SendCorrelated is what Call sends with.
func (c *Conn) SendCorrelated(ctx context.Context, typ uint16, id uint64, b []byte) error {
	return c.sendCorrelated(ctx, typ, id, b)
}

// ReleaseNow releases what was received, and tells the other side.
func (c *Conn) ReleaseNow() { _ = c.in.Release() }
