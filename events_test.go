package ringway_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// events is a log to be read by a test.
type events struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (e *events) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.buf.Write(b)
}

// option logs into e without the time.
func (e *events) option() ringway.Option {
	return ringway.Events(slog.NewTextHandler(e, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// want fails the test unless exactly these lines were logged since it was called
// last.
func (e *events) want(t *testing.T, lines ...string) {
	t.Helper()
	if got, want := e.take(), strings.Join(append(lines, ""), "\n"); got != want {
		t.Errorf("logged:\n%swant:\n%s", got, want)
	}
}

// take returns what was logged since it was called last.
func (e *events) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.buf.Reset()
	return e.buf.String()
}

func TestComingAndGoingIsLoggedAndMessagesAreNot(t *testing.T) {
	for _, kind := range topologies {
		var log events
		r := newRingOf(t, kind, log.option())
		p, c := ends(t, r)
		producer := fmt.Sprintf("ring=%s topology=%v role=producer slot=%d", r.Name(), kind, 0)
		consumer := fmt.Sprintf("ring=%s topology=%v role=consumer slot=%d", r.Name(), kind, 1)
		log.want(t, "level=INFO msg=attached "+producer, "level=INFO msg=attached "+consumer)
		if err := p.Send(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.RecvAppend(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		log.want(t)
		_, _ = p.Close(), c.Close()
		_, _ = p.Close(), c.Close()
		log.want(t, "level=INFO msg=detached "+producer, "level=INFO msg=detached "+consumer)
	}
}

func TestADeathAndWhoTakesOverAreLogged(t *testing.T) {
	var log events
	r := newRing(t, ringway.Wait(ringway.Park), log.option())
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	child := proctest.Run(t, "hold", r.Name(), "producer")
	child.Expect("attached")
	pid := child.Cmd.Process.Pid
	child.Kill()
	at := fmt.Sprintf("ring=%s topology=spsc", r.Name())
	log.want(t, "level=INFO msg=attached "+at+" role=consumer slot=1")
	if _, err := c.Recv(within(t)); !errors.Is(err, ringway.ErrPeerDead) {
		t.Fatal(err)
	}
	log.want(t, fmt.Sprintf(`level=WARN msg="peer died" %s role=producer pid=%d`, at, pid))
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	log.want(t, "level=INFO msg=attached "+at+" role=producer slot=0", fmt.Sprintf(`level=WARN msg="took over" %s role=producer slot=0 pid=%d`, at, pid))
	_ = p.Close()
}

func TestARecoveryIsLoggedByWhoeverDidIt(t *testing.T) {
	var log events
	r := newRingOf(t, ringway.MPMC, ringway.Wait(ringway.Park), log.option())
	p, c := ends(t, r)
	child := proctest.Run(t, "claim", r.Name())
	child.Expect("claimed")
	if err := p.Send(t.Context(), []byte("behind")); err != nil {
		t.Fatal(err)
	}
	child.Kill()
	log.want(t, fmt.Sprintf("level=INFO msg=attached ring=%s topology=mpmc role=producer slot=0", r.Name()),
		fmt.Sprintf("level=INFO msg=attached ring=%s topology=mpmc role=consumer slot=1", r.Name()))
	if _, err := c.Recv(within(t)); err != nil {
		t.Fatal(err)
	}
	log.want(t, fmt.Sprintf("level=WARN msg=recovered ring=%s topology=mpmc role=consumer slot=1 participants=1 claims=1 frames=0", r.Name()))
}

func TestADowngradeIsLoggedWithItsReason(t *testing.T) {
	if why := ringway.Unix.Missing(); why != "" {
		t.Skip("nothing to downgrade to: " + why)
	}
	var log events
	l := listen(t, newAddress(), ringway.Transports(ringway.Unix), log.option())
	_, accepted := connect(t, l)
	text := log.take()
	at := "address=" + l.Addr() + " transport=unix "
	if !strings.Contains(text, "level=INFO msg=connected "+at) || !strings.Contains(text, "level=WARN msg=downgraded "+at+"shm=") {
		t.Errorf("over %v, logged:\n%s", accepted.Transport(), text)
	}
	// What was asked for is no downgrade.
	connect(t, l, ringway.Transports(ringway.Unix))
	if text := log.take(); !strings.Contains(text, "connected") || strings.Contains(text, "downgraded") {
		t.Errorf("logged:\n%s", text)
	}
}
