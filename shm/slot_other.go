//go:build !windows

package shm

import "github.com/ringway/ringway/internal/mem"

// incarnationBits is the width of the incarnation in a slot word.
const incarnationBits = 30

// before returns the word that the previous holder left in entry e.
func (l *entryLock) before(e mem.Region) slotWord { return slotWord(e.Load64(offSlot)) }

// publish says in entry e, whose other fields are written, that it is held.
func (l *entryLock) publish(e mem.Region, w slotWord) { e.StoreRelease64(offSlot, uint64(w)) }
