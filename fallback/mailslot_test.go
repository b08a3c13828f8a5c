package fallback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ringway/ringway/fallback"
)

func newMailSlot(t *testing.T) (*fallback.MailSlot, string, fallback.Options) {
	t.Helper()
	if why := fallback.Mailslot.Missing(); why != "" {
		t.Skip(why)
	}
	name, o := newName(), fallback.Options{Dir: t.TempDir()}
	m, err := fallback.ListenMail(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m, name, o
}

func dialMail(t *testing.T, name string, o fallback.Options) *fallback.MailClient {
	t.Helper()
	c, err := fallback.DialMail(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAMailslotTakesMessagesOfManyClients(t *testing.T) {
	m, name, o := newMailSlot(t)
	const clients, each = 4, 50
	var wg sync.WaitGroup
	for i := range clients {
		c := dialMail(t, name, o)
		wg.Go(func() {
			for k := range each {
				if err := c.Send(t.Context(), uint16(i), fmt.Appendf(nil, "%d", k)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next [clients]int
	for range clients * each {
		got, err := m.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Payload) != fmt.Sprint(next[got.Type]) {
			t.Fatalf("client %d: %q, want %d", got.Type, got.Payload, next[got.Type])
		}
		next[got.Type]++
	}
	wg.Wait()
}

func TestAMailslotCountsWhatWaits(t *testing.T) {
	m, name, o := newMailSlot(t)
	c := dialMail(t, name, o)
	for want := range 4 {
		if n, err := m.Waiting(); n != atWine(want) || err != nil {
			t.Fatalf("%d, %v; want %d", n, err, want)
		}
		if err := c.Send(t.Context(), 0, []byte{byte(want)}); err != nil {
			t.Fatal(err)
		}
	}
	for left := 3; left >= 0; left-- {
		got, err := m.Recv(t.Context())
		if err != nil || got.Payload[0] != byte(3-left) {
			t.Fatal(got, err)
		}
		if n, err := m.Waiting(); n != atWine(left) || err != nil {
			t.Fatalf("%d, %v; want %d", n, err, left)
		}
	}
}

// atWine is how many of n waiting messages Wine sees.
func atWine(n int) int {
	if fallback.UnderWine() {
		return min(n, 1)
	}
	return n
}

func TestAMailslotTakesEmptyAndTheLargestMessages(t *testing.T) {
	m, name, o := newMailSlot(t)
	c := dialMail(t, name, o)
	for _, n := range []int{0, 1, 400, fallback.MaxMail} {
		want := bytes.Repeat([]byte{7}, n)
		if err := c.Send(t.Context(), 9, want); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Recv(t.Context()); err != nil || !bytes.Equal(got.Payload, want) || got.Type != 9 {
			t.Fatalf("%d bytes: %d, %v", n, len(got.Payload), err)
		}
	}
	if err := c.Send(t.Context(), 0, make([]byte, fallback.MaxMail+1)); !errors.Is(err, fallback.ErrTooLarge) {
		t.Error(err)
	}
}

func TestAMailslotsNameIsTakenOnce(t *testing.T) {
	_, name, o := newMailSlot(t)
	if _, err := fallback.ListenMail(name, o); !errors.Is(err, fallback.ErrBusy) {
		t.Error(err)
	}
}

func TestThereMustBeAMailslotToSendTo(t *testing.T) {
	m, name, o := newMailSlot(t)
	if _, err := fallback.DialMail(newName(), o); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	c := dialMail(t, name, o)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); !errors.Is(err, fallback.ErrClosed) {
		t.Error(err)
	}
	// Wine lets it be written to nobody.
	if err := c.Send(t.Context(), 0, []byte("x")); !errors.Is(err, fallback.ErrPeerDead) && !fallback.UnderWine() {
		t.Error(err)
	}
}

func TestReceivingMailEndsWithItsContextAndWithClose(t *testing.T) {
	m, _, _ := newMailSlot(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := m.Recv(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	ended := make(chan error)
	go func() { _, err := m.Recv(t.Context()); ended <- err }()
	time.Sleep(time.Millisecond)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, fallback.ErrClosed) {
		t.Error(err)
	}
}

func TestABroadcastReachesEachListenerOnce(t *testing.T) {
	if why := fallback.UDP.Missing(); why != "" {
		t.Skip(why)
	}
	var addrs []string
	var listeners []*fallback.BroadcastListener
	for range 3 {
		l, err := fallback.ListenBroadcast("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		listeners, addrs = append(listeners, l), append(addrs, l.Addr(), l.Addr())
	}
	want := bytes.Repeat([]byte("x"), fallback.MaxBroadcast)
	for _, payload := range [][]byte{want, nil} {
		if err := fallback.Broadcast(3, payload, addrs...); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range listeners {
		for _, payload := range [][]byte{want, nil} {
			m, from, err := l.Recv(t.Context())
			if err != nil || m.Type != 3 || !bytes.Equal(m.Payload, payload) || from.Address == "" {
				t.Fatalf("%d bytes of type %d from %v, %v", len(m.Payload), m.Type, from, err)
			}
		}
	}
	if err := fallback.Broadcast(0, make([]byte, fallback.MaxBroadcast+1), addrs...); !errors.Is(err, fallback.ErrTooLarge) {
		t.Error(err)
	}
}
