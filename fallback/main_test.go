package fallback_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/conform"
	"github.com/ringway/ringway/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Main(m, proctest.Children{
		// pipes SCRIPT
		"pipes": func(args []string) {
			e, err := fallback.Parent(context.Background(), fallback.Options{MaxMessage: 1 << 20})
			if err != nil {
				proctest.Fail(err)
			}
			conform.ChildMain(e.Link, args[0])
		},
		// conform SCRIPT ADDRESS TRANSPORT DIR
		"conform": func(args []string) {
			t, err := fallback.ParseTransport(args[2])
			if err != nil {
				proctest.Fail(err)
			}
			e, err := fallback.Dial(context.Background(), args[1],
				fallback.Options{Transports: []fallback.Transport{t}, Dir: args[3]})
			if err != nil {
				proctest.Fail(err)
			}
			conform.ChildMain(e.Link, args[0])
		},
	})
}

var names atomic.Int64

func newName() string { return fmt.Sprintf("test-%d-%d", os.Getpid(), names.Add(1)) }

// listen listens at an address until the test ends.
func listen(t *testing.T, addr string, o fallback.Options) *fallback.Listener {
	t.Helper()
	l, err := fallback.Listen(t.Context(), addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// dialAndAccept makes a connection.
func dialAndAccept(t *testing.T, l *fallback.Listener, addr string, o fallback.Options) (dialed, accepted *fallback.Established) {
	t.Helper()
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		var err error
		if dialed, err = fallback.Dial(t.Context(), addr, o); err != nil {
			cancel()
		}
		failed <- err
	}()
	accepted, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err, <-failed)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// traits are those of a transport at an address, which is listened at once for
// all connections.
func traits(t *testing.T, transport fallback.Transport, addr string) conform.Traits {
	o := fallback.Options{Transports: []fallback.Transport{transport}, Dir: t.TempDir(), MaxMessage: 1 << 20}
	l := listen(t, addr, o)
	if transport == fallback.TCP || transport == fallback.UDP {
		addr = l.Addr()
	}
	return conform.Traits{
		Connect: func(t *testing.T) (a, b conform.Link) {
			x, y := dialAndAccept(t, l, addr, o)
			if x.Transport != transport || y.Transport != transport {
				t.Fatal(x.Transport, y.Transport)
			}
			return x.Link, y.Link
		},
		Child: func(t *testing.T, script string) (conform.Link, *proctest.Child) {
			c := proctest.Run(t, "conform", script, addr, transport.String(), o.Dir)
			ctx, cancel := context.WithTimeout(t.Context(), proctest.Patience)
			defer cancel()
			e, err := l.Accept(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return e.Link, c
		},
		Datagrams: transport == fallback.UDP,
	}
}

func TestFIFOsConform(t *testing.T) {
	if why := fallback.FIFO.Missing(); why != "" {
		t.Skip(why)
	}
	// A pair of FIFOs carries one connection; so each gets a pair of its own.
	tr := traits(t, fallback.FIFO, "fifo://"+filepath.Join(t.TempDir(), "a"))
	dir, n := t.TempDir(), 0
	one := func(t *testing.T) (*fallback.Listener, string) {
		n++
		addr := fmt.Sprintf("fifo://%s/%d", dir, n)
		return listen(t, addr, fallback.Options{MaxMessage: 1 << 20}), addr
	}
	tr.Connect = func(t *testing.T) (a, b conform.Link) {
		l, addr := one(t)
		x, y := dialAndAccept(t, l, addr, fallback.Options{MaxMessage: 1 << 20})
		return x.Link, y.Link
	}
	conform.Run(t, tr)
}

func TestPipesToAChildConform(t *testing.T) {
	if why := fallback.Child.Missing(); why != "" {
		t.Skip(why)
	}
	child := func(t *testing.T, script string) (conform.Link, *proctest.Child) {
		c := proctest.Command(t, "pipes", script)
		var e *fallback.Established
		if err := c.StartBy(func() (err error) {
			e, err = fallback.StartChild(t.Context(), c.Cmd, fallback.Options{MaxMessage: 1 << 20})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return e.Link, c
	}
	conform.Run(t, conform.Traits{
		// Both ends in this process.
		Connect: func(t *testing.T) (a, b conform.Link) {
			o := fallback.Options{MaxMessage: 1 << 20}
			x, y, err := fallback.Pipes(o)
			if err != nil {
				t.Fatal(err)
			}
			return x.Link, y.Link
		},
		Child: child,
	})
}

func TestUDPConforms(t *testing.T) {
	if why := fallback.UDP.Missing(); why != "" {
		t.Skip(why)
	}
	tr := traits(t, fallback.UDP, "udp://127.0.0.1:0")
	tr.Child = nil // nobody learns of a death
	conform.Run(t, tr)
}

func TestUnixSocketsConform(t *testing.T) {
	if why := fallback.Unix.Missing(); why != "" {
		t.Skip(why)
	}
	conform.Run(t, traits(t, fallback.Unix, newName()))
}

func TestNamedPipesConform(t *testing.T) {
	if why := fallback.Pipe.Missing(); why != "" {
		t.Skip(why)
	}
	conform.Run(t, traits(t, fallback.Pipe, newName()))
}

func TestTCPConforms(t *testing.T) {
	tr := traits(t, fallback.TCP, "tcp://127.0.0.1:0")
	if fallback.UnderWine() {
		tr.Not = conform.WineKeepsSockets
	}
	conform.Run(t, tr)
}
