package fallback_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
)

// eachTracked runs f with a connection over each stream that is dialled, on which
// the messages of a are acknowledged by b.
func eachTracked(t *testing.T, f func(t *testing.T, a fallback.Resumable, b fallback.Link)) {
	for tr, addr := range map[fallback.Transport]string{
		fallback.Unix: newName(), fallback.Pipe: newName(), fallback.TCP: "tcp://127.0.0.1:0", fallback.FIFO: "",
	} {
		t.Run(tr.String(), func(t *testing.T) {
			if why := tr.Missing(); why != "" {
				t.Skip(why)
			}
			if tr == fallback.FIFO {
				addr = "fifo://" + filepath.Join(t.TempDir(), "road")
			}
			o := fallback.Options{Transports: []fallback.Transport{tr}, MaxMessage: 1 << 20}
			l := listen(t, addr, o)
			if tr == fallback.TCP {
				addr = l.Addr()
			}
			o.Acknowledge = true
			x, y := dialAndAccept(t, l, addr, o)
			t.Cleanup(func() {
				_ = x.Close()
				_ = y.Close()
			})
			f(t, x.Link.(fallback.Resumable), y.Link)
		})
	}
}

// release has l release what it has received.
func release(t *testing.T, l fallback.Link) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Recv(ctx); err != context.Canceled {
		t.Fatal(err)
	}
}

// settle waits until so many messages of l are not acknowledged, and returns them.
func settle(t *testing.T, l fallback.Resumable, want int) (all []ring.Message) {
	t.Helper()
	proctest.Until(t, "the acknowledgements", func() bool {
		var forgotten uint64
		var err error
		if all, forgotten, err = l.Unacknowledged(); err != nil || forgotten != 0 {
			t.Fatal(forgotten, err)
		}
		return len(all) == want
	})
	return all
}

func TestWhatWasReleasedIsAcknowledged(t *testing.T) {
	eachTracked(t, func(t *testing.T, a fallback.Resumable, b fallback.Link) {
		for i := range 10 {
			if err := a.Send(t.Context(), uint16(i), []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.SendCorrelated(t.Context(), 10, 77, []byte{10}); err != nil {
			t.Fatal(err)
		}
		settle(t, a, 11)
		for range 5 {
			if _, err := b.Recv(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		// The fifth is in use.
		all := settle(t, a, 7)
		for i, m := range all[:6] {
			if m.Type != uint16(4+i) || len(m.Payload) != 1 || m.Payload[0] != byte(4+i) || m.Correlated {
				t.Errorf("%d: %+v", i, m)
			}
		}
		if m := all[6]; !m.Correlated || m.Type != 10 || len(m.Payload) != 9 || m.Payload[0] != 77 || m.Payload[8] != 10 {
			t.Errorf("%+v", m)
		}
		release(t, b)
		settle(t, a, 6)
	})
}

func TestAcknowledgementsComeBetweenMessages(t *testing.T) {
	eachTracked(t, func(t *testing.T, a fallback.Resumable, b fallback.Link) {
		for i := range 500 {
			if err := a.Send(t.Context(), 0, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			m, err := b.Recv(t.Context())
			if err == nil {
				err = b.Send(t.Context(), m.Type, m.Payload)
			}
			if err != nil {
				t.Fatal(err)
			}
			if m, err := a.Recv(t.Context()); err != nil || m.Payload[0] != byte(i) {
				t.Fatalf("%d: %+v, %v", i, m, err)
			}
		}
		release(t, b)
		settle(t, a, 0)
	})
}

func TestWhoNeverReceivesHearsAcknowledgements(t *testing.T) {
	const n, size = 200, 60_000 // more than copies are kept of
	eachTracked(t, func(t *testing.T, a fallback.Resumable, b fallback.Link) {
		received := make(chan error, 1)
		go func() {
			for range n {
				if _, err := b.Recv(t.Context()); err != nil {
					received <- err
					return
				}
			}
			received <- nil
		}()
		for range n {
			if err := a.Send(t.Context(), 0, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-received; err != nil {
			t.Fatal(err)
		}
		release(t, b)
		settle(t, a, 0)
	})
}

func TestMessagesThatWaitAreNotLostToWhoLooksForAcknowledgements(t *testing.T) {
	eachTracked(t, func(t *testing.T, a fallback.Resumable, b fallback.Link) {
		for i := range 3 {
			if err := b.Send(t.Context(), uint16(i), []byte("for a")); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			if _, _, err := a.Unacknowledged(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			if m, err := a.Recv(t.Context()); err != nil || m.Type != uint16(i) || string(m.Payload) != "for a" {
				t.Fatalf("%+v, %v", m, err)
			}
		}
	})
}

func TestAfterTheCutNothingIsSent(t *testing.T) {
	eachTracked(t, func(t *testing.T, a fallback.Resumable, b fallback.Link) {
		if err := b.Send(t.Context(), 0, []byte("for a")); err != nil {
			t.Fatal(err)
		}
		// One that waits, as nobody receives.
		failed := make(chan error, 1)
		go func() {
			for {
				if err := a.Send(t.Context(), 0, make([]byte, 32<<10)); err != nil {
					failed <- err
					return
				}
			}
		}()
		time.Sleep(5 * time.Millisecond) // it may be waiting by now
		a.Cut()
		if err := <-failed; !errors.Is(err, errs.PeerDead) {
			t.Error(err)
		}
		if err := a.Send(t.Context(), 0, nil); !errors.Is(err, errs.PeerDead) {
			t.Error(err)
		}
		if m, err := a.Recv(t.Context()); err != nil || string(m.Payload) != "for a" {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestWithoutAskingNothingIsAcknowledged(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", fallback.Options{Transports: []fallback.Transport{fallback.TCP}})
	x, y := dialAndAccept(t, l, l.Addr(), fallback.Options{Transports: []fallback.Transport{fallback.TCP}})
	defer x.Close()
	defer y.Close()
	if _, _, err := x.Link.(fallback.Resumable).Unacknowledged(); !errors.Is(err, errs.Unsupported) {
		t.Error(err)
	}
}
