//go:build !linux

package limits

import (
	"errors"
	"testing"
	"time"
)

// ponger is the other side of a test: another goroutine.
type ponger struct {
	mem  []byte
	done chan error
}

// startPonger starts a goroutine that pongs n bytes.
func startPonger(t testing.TB, n int, timeout time.Duration, _ int) *ponger {
	t.Helper()
	p := &ponger{mem: heap(n), done: make(chan error, 1)}
	go func() {
		_, err := Pong(p.mem, n, timeout)
		p.done <- err
	}()
	return p
}

// wait returns how the ponger ended.
func (p *ponger) wait() error { return <-p.done }

func mapFile(string) ([]byte, error) { return nil, errors.ErrUnsupported }
