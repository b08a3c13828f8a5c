//go:build !windows

package shm

import "github.com/ringway/ringway/internal/mem"

// incarnationBits is the width of the incarnation in a slot word.
const incarnationBits = 30

// before returns the word that the previous holder left in entry e.
func (l *entryLock) before(e mem.Region) slotWord { return slotWord(e.Load64(offSlot)) }

// publish says in entry e, whose other fields are written, that it is held.
func (l *entryLock) publish(e mem.Region, w slotWord) { e.StoreRelease64(offSlot, uint64(w)) }

// windowsHeld reports whether w is the word of a holder on Windows (Wine, on a
// file that both see), whom nothing here can prove dead.
func windowsHeld(w slotWord) bool { return w.state() == slotLive && w>>61&1 != 0 }
