package ringway_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/conform"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/sync"
)

// asLink is a connection as the conformance tests know one.
type asLink struct{ *ringway.Conn }

func (l asLink) Send(ctx context.Context, typ uint16, b []byte) error {
	return l.SendTyped(ctx, typ, b)
}

// conformChild is a child at the other end of a connection:
// conform SCRIPT ADDRESS TRANSPORT WAIT DIR.
func conformChild(args []string) {
	t, err := fallback.ParseTransport(args[2])
	if err != nil {
		proctest.Fail(err)
	}
	wait, err := sync.ParseStrategy(args[3])
	if err != nil {
		proctest.Fail(err)
	}
	c, err := ringway.Dial(context.Background(), args[1], ringway.Transports(t), ringway.Wait(wait), ringway.Dir(args[4]))
	if err != nil {
		proctest.Fail(err)
	}
	conform.ChildMain(asLink{c}, args[0])
}

func (l asLink) Serve(ctx context.Context, workers int, handle func(context.Context, uint16, []byte, []byte) ([]byte, error)) error {
	return l.Conn.Serve(ctx, workers, handle)
}

var _ conform.Conn = asLink{}

// newAddress returns a name that nobody listens at.
func newAddress() string { return fmt.Sprintf("test-%d-%d", os.Getpid(), names.Add(1)) }

func listen(t testing.TB, addr string, opts ...ringway.Option) *ringway.Listener {
	t.Helper()
	l, err := ringway.Listen(addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connect dials and accepts.
func connect(t testing.TB, l *ringway.Listener, opts ...ringway.Option) (dialed, accepted *ringway.Conn) {
	t.Helper()
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		var err error
		if dialed, err = ringway.Dial(t.Context(), l.Addr(), opts...); err != nil {
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
	t.Cleanup(func() {
		_ = dialed.Close()
		_ = accepted.Close()
	})
	return dialed, accepted
}

func connTraits(t *testing.T, tr ringway.Transport, addr string, opts ...ringway.Option) conform.Traits {
	if why := tr.Missing(); why != "" {
		t.Skip(why)
	}
	opts = append(opts, ringway.Transports(tr), ringway.MaxMessage(1<<20))
	l := listen(t, addr, opts...)
	accept := func(t *testing.T) *ringway.Conn {
		c, err := l.Accept(within(t))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return conform.Traits{
		Connect: func(t *testing.T) (a, b conform.Link) {
			x, y := connect(t, l, opts...)
			if x.Transport() != tr || y.Transport() != tr {
				t.Fatal(x.Transport(), y.Transport())
			}
			return asLink{x}, asLink{y}
		},
		Child: func(t *testing.T, script string) (conform.Link, *proctest.Child) {
			c := proctest.Run(t, "conform", script, l.Addr(), tr.String(), "adaptive", "")
			return asLink{accept(t)}, c
		},
	}
}

func TestConnectionsOverSharedMemoryConform(t *testing.T) {
	conform.Run(t, connTraits(t, ringway.SharedMemory, newAddress()))
}

func TestConnectionsThatParkConform(t *testing.T) {
	conform.Run(t, connTraits(t, ringway.SharedMemory, newAddress(), ringway.Wait(ringway.Park)))
}

func TestConnectionsThatPollConform(t *testing.T) {
	conform.Run(t, connTraits(t, ringway.SharedMemory, newAddress(), ringway.Wait(ringway.Poll)))
}

func TestConnectionsWithChecksumsConform(t *testing.T) {
	conform.Run(t, connTraits(t, ringway.SharedMemory, newAddress(), ringway.Checksums(), ringway.Capacity(1<<20)))
}

func TestConnectionsOverTheFallbackConform(t *testing.T) {
	tr := ringway.Unix
	if tr.Missing() != "" {
		tr = ringway.Pipe
	}
	conform.Run(t, connTraits(t, tr, newAddress(), ringway.Checksums()))
}

func TestConnectionsOverTCPConform(t *testing.T) {
	tr := connTraits(t, ringway.TCP, "tcp://127.0.0.1:0")
	if onWine {
		tr.Not = conform.WineKeepsSockets
	}
	conform.Run(t, tr)
}

func TestConnectionsOverUDPConform(t *testing.T) {
	if why := ringway.UDP.Missing(); why != "" {
		t.Skip(why)
	}
	tr := connTraits(t, ringway.UDP, "udp://127.0.0.1:0")
	tr.Datagrams, tr.Child = true, nil // nobody learns of a death
	conform.Run(t, tr)
}
