package ringway

import "context"

// SendCorrelated is what Call sends with.
func (c *Conn) SendCorrelated(ctx context.Context, typ uint16, id uint64, b []byte) error {
	return c.sendCorrelated(ctx, typ, id, b)
}

// ReleaseNow releases what was received, and tells the other side.
func (c *Conn) ReleaseNow() { _ = c.in.Release() }

// Awaited reports whether the other side is about to sleep, or sleeps.
func (p *Producer) Awaited() bool { return p.theirs.Awaited() }

// Rouse wakes it.
func (p *Producer) Rouse() { p.rouse() }

// OnWake has f called when it is woken.
func (p *Producer) OnWake(f func()) { p.theirs.OnWake(f) }

// Position is where the next message goes.
func (p *Producer) Position() uint64 { return p.spsc.Position() }
