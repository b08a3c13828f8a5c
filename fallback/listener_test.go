package fallback_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ringway/ringway/fallback"
)

// eachAddress runs a test with every kind of address that this system has.
func eachAddress(t *testing.T, f func(t *testing.T, addr string, o fallback.Options)) {
	for tr, addr := range map[fallback.Transport]string{
		fallback.SHM: newName(), fallback.Unix: newName(), fallback.Pipe: newName(), fallback.TCP: "tcp://127.0.0.1:0",
		fallback.UDP: "udp://127.0.0.1:0", fallback.FIFO: "fifo://" + filepath.Join(t.TempDir(), "x"),
	} {
		t.Run(tr.String(), func(t *testing.T) {
			if why := tr.Missing(); why != "" {
				t.Skip(why)
			}
			f(t, addr, fallback.Options{Transports: []fallback.Transport{tr}, Dir: t.TempDir()})
		})
	}
}

func TestAConnectionOutlivesItsListener(t *testing.T) {
	eachAddress(t, func(t *testing.T, addr string, o fallback.Options) {
		l := listen(t, addr, o)
		a, b := dialAndAccept(t, l, l.Addr(), o)
		defer a.Close()
		defer b.Close()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if a.Link == nil {
			return // the rings are tested elsewhere
		}
		for range 10 {
			if err := a.Link.Send(t.Context(), 0, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if m, err := b.Link.Recv(t.Context()); err != nil || string(m.Payload) != "x" {
				t.Fatal(err)
			}
		}
	})
}

func TestAcceptEndsWithItsContextAndWithClose(t *testing.T) {
	eachAddress(t, func(t *testing.T, addr string, o fallback.Options) {
		l := listen(t, addr, o)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.Accept(ctx); err != context.Canceled {
			t.Error(err)
		}
		ended := make(chan error)
		go func() { _, err := l.Accept(t.Context()); ended <- err }()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, fallback.ErrClosed) {
			t.Error(err)
		}
		if err := l.Close(); !errors.Is(err, fallback.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestANameIsTakenOnce(t *testing.T) {
	eachAddress(t, func(t *testing.T, addr string, o fallback.Options) {
		l := listen(t, addr, o)
		if o.Transports[0] == fallback.TCP || o.Transports[0] == fallback.UDP {
			return // the system's affair
		}
		if _, err := fallback.Listen(t.Context(), addr, o); !errors.Is(err, fallback.ErrBusy) {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := fallback.Listen(t.Context(), addr, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestDialSaysThatNobodyIsThere(t *testing.T) {
	o := fallback.Options{Dir: t.TempDir()}
	if _, err := fallback.Dial(t.Context(), newName(), o); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, fallback.ErrUnsupported) {
		t.Error(err)
	}
}

func TestAnAddressMustBeOne(t *testing.T) {
	for _, addr := range []string{"", "a/b", "http://x", "tcp:1", "fifo://host/path", "udp://", "tcp://h:1/path", "a:b", "\x00", "../x"} {
		if _, err := fallback.Dial(t.Context(), addr, fallback.Options{}); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", addr, err)
		}
		if l, err := fallback.Listen(t.Context(), addr, fallback.Options{}); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", addr, err)
			if err == nil {
				l.Close()
			}
		}
	}
}

func TestUDPIsNeverUsedUnlessNamed(t *testing.T) {
	if _, err := fallback.Listen(t.Context(), "udp://127.0.0.1:0", fallback.Options{}); !errors.Is(err, fallback.ErrTransport) {
		t.Error(err)
	}
	if _, err := fallback.Dial(t.Context(), "udp://127.0.0.1:1", fallback.Options{}); !errors.Is(err, fallback.ErrTransport) {
		t.Error(err)
	}
}
