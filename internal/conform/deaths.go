package conform

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/proctest"
)

// WineKeepsSockets are the tests that fail over TCP for a process under Wine.
var WineKeepsSockets = map[string]string{
	"APeerKilledWhileItSendsLeavesNoTornMessage": "Wine's server keeps the socket of a process that was killed while it wrote",
}

// death is a test with a child process at the other end, which follows a
// script and is killed.
type death struct {
	name, script string
	run          func(p *pair, child *proctest.Child)
}

// ChildMain is what the child does with its end of the connection.
func ChildMain(l Link, script string) {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			proctest.Fail(err)
		}
	}
	say := func(what string) { fmt.Println(what) }
	switch script {
	case "idle":
	case "sent":
		check(numbers(ctx, l, 0, 100))
	case "received":
		check(readNumbers(ctx, l, 0, 10))
	case "receiving":
		go func() { _, _ = l.Recv(ctx) }()
	case "sending":
		say("ready")
		for i := uint64(0); ; i++ {
			check(numbers(ctx, l, i, 1))
		}
	case "ended":
		check(l.CloseSend())
	case "closed":
		check(numbers(ctx, l, 0, 100))
		check(l.Close())
	default:
		proctest.Fail(fmt.Errorf("script %q", script))
	}
	say("ready")
	proctest.Pause()
}

var deaths = []death{
	{"TheDeathOfAnIdlePeerIsLearntByWhoWaits", "idle", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		wait := async(func() error { _, err := p.a.Recv(p.ctx); return err })
		blocked()
		c.Kill()
		if err := wait(p); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{"TheDeathOfAPeerIsLearntByWhoReceivesLater", "idle", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		for range 3 {
			if _, err := p.a.Recv(p.ctx); !errors.Is(err, errs.PeerDead) {
				p.Fatal(err)
			}
		}
	}},
	{"WhatADeadPeerSentIsReceivedFirst", "sent", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		p.expectNumbers(p.a, 0, 100)
		if _, err := p.a.Recv(p.ctx); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{"APeerKilledWhileItSendsLeavesNoTornMessage", "sending", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		p.expectNumbers(p.a, 0, 1000)
		wait := async(func() error { c.Kill(); return nil })
		for next := uint64(1000); ; next++ {
			m, err := p.a.Recv(p.ctx)
			if err != nil {
				if !errors.Is(err, errs.PeerDead) {
					p.Fatal(err)
				}
				break
			}
			if len(m.Payload) != 8 || binary.LittleEndian.Uint64(m.Payload) != next {
				p.Fatalf("%x, want %d", m.Payload, next)
			}
		}
		p.must(wait(p))
	}},
	{"SendingToADeadPeerFails", "idle", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		for {
			err := p.a.Send(p.ctx, 0, []byte("anybody?"))
			if errors.Is(err, errs.PeerDead) {
				return
			}
			p.must(err)
		}
	}},
	{"ASendThatWaitsFailsWhenThePeerIsKilled", "idle", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		block := make([]byte, min(p.a.MaxMessage(), 32<<10))
		p.fill(p.a, block)
		wait := async(func() error {
			for {
				if err := p.a.Send(p.ctx, 0, block); err != nil {
					return err
				}
			}
		})
		blocked()
		c.Kill()
		if err := wait(p); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{"APeerKilledWhileItWaitsHarmsNobody", "receiving", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		if _, err := p.a.Recv(p.ctx); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{"APeerKilledAfterItReceivedIsDead", "received", func(p *pair, c *proctest.Child) {
		p.must(numbers(p.ctx, p.a, 0, 10))
		c.Expect("ready")
		c.Kill()
		if _, err := p.a.Recv(p.ctx); !errors.Is(err, errs.PeerDead) {
			p.Fatal(err)
		}
	}},
	{"APeerKilledAfterItsEndHasEnded", "ended", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		if _, err := p.a.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
		for {
			err := p.a.Send(p.ctx, 0, []byte("anybody?"))
			if errors.Is(err, errs.PeerDead) {
				return
			}
			p.must(err)
		}
	}},
	{"APeerKilledAfterItClosedHasClosed", "closed", func(p *pair, c *proctest.Child) {
		c.Expect("ready")
		c.Kill()
		p.expectNumbers(p.a, 0, 100)
		if _, err := p.a.Recv(p.ctx); err != io.EOF {
			p.Fatal(err)
		}
	}},
}

// numbers sends n numbers from first on, a message each.
func numbers(ctx context.Context, l Link, first uint64, n int) error {
	var b [8]byte
	for i := range uint64(n) {
		binary.LittleEndian.PutUint64(b[:], first+i)
		if err := l.Send(ctx, 0, b[:]); err != nil {
			return err
		}
	}
	return nil
}

// readNumbers receives what numbers sends.
func readNumbers(ctx context.Context, l Link, first uint64, n int) error {
	for i := range uint64(n) {
		m, err := l.Recv(ctx)
		if err != nil {
			return fmt.Errorf("number %d: %w", first+i, err)
		}
		if len(m.Payload) != 8 || binary.LittleEndian.Uint64(m.Payload) != first+i {
			return fmt.Errorf("received %x, want %d", m.Payload, first+i)
		}
	}
	return nil
}

func (p *pair) expectNumbers(l Link, first uint64, n int) {
	p.Helper()
	p.must(readNumbers(p.ctx, l, first, n))
}

// pattern returns n bytes that differ from those of another seed.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)*31 ^ seed
	}
	return b
}

// allocsPerRun is the least that several rounds show: what others do at the
// same time counts, too.
func allocsPerRun(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for range 4 {
		if least == 0 {
			break
		}
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
