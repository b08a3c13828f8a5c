package sync

import (
	"time"

	"github.com/ringway/ringway/internal/mem"
)

// osBell sleeps on the bell's own word; there is nothing to open.
type osBell struct{}

func (osBell) open(string) error { return nil }
func (osBell) close() error      { return nil }

// sleep sleeps until wake or for d, unless the word is no longer seq.
func (osBell) sleep(r mem.Region, seq uint32, d time.Duration) {
	futexWait(r.Ptr32(offSeq), seq, d)
}

// wake wakes everyone who sleeps on the word.
func (osBell) wake(r mem.Region, _ uint32) { futexWake(r.Ptr32(offSeq), everyone) }
