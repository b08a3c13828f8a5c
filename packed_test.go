package ringway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/ring"
)

// numbers returns n messages of size bytes, one behind the other, each of which
// begins with its number.
func numbers(from, n, size int) []byte {
	b := make([]byte, n*size)
	for i := range n {
		binary.LittleEndian.PutUint64(b[i*size:], uint64(from+i))
	}
	return b
}

func TestAnArrayOfMessagesGoesThroughARingOfAnySize(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		for _, size := range []int{8, 20, 24, 64, 1000} {
			t.Run(kind.String(), func(t *testing.T) {
				ctx := within(t)
				r := newRingOf(t, kind, ringway.Capacity(1<<14))
				p, c := ends(t, r)
				const n = 3000 // many times what there is room for
				done := make(chan error, 1)
				go func() {
					sent, err := p.SendPacked(ctx, numbers(0, n, size), size)
					if err == nil && sent != n {
						err = errors.New("less was sent, and no error")
					}
					if err == nil {
						err = p.End(ctx)
					}
					done <- err
				}()
				next, together := 0, 0
				for {
					got, err := c.RecvPacked(ctx)
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if got.Size != size || got.Count()*size != len(got.Payload) ||
						!bytes.Equal(got.Payload, numbers(next, got.Count(), size)) {
						t.Fatalf("after %d: %d messages of %d bytes, %x", next, got.Count(), got.Size, got.Payload)
					}
					next += got.Count()
					together = max(together, got.Count())
				}
				if err := <-done; err != nil || next != n {
					t.Fatalf("%d of %d received, %v", next, n, err)
				}
				if together < 2 && size < 100 {
					t.Error("no two came together")
				}
				for c, want := range map[ring.Counter]uint64{ring.SentMessages: n, ring.ReceivedMessages: n,
					ring.SentBytes: uint64(n * size), ring.ReceivedBytes: uint64(n * size)} {
					if got := counted(t, r)[c]; got != want {
						t.Errorf("%v: %d, want %d", c, got, want)
					}
				}
			})
		}
	}
}

func TestWhatIsNoArrayOfMessagesIsNotSent(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	for _, size := range []int{0, -8, 7, 11} {
		sent, err := p.SendPacked(ctx, make([]byte, 10), size)
		if sent != 0 || !errors.Is(err, ringway.ErrBadArgument) {
			t.Errorf("10 bytes as messages of %d: %d sent, %v", size, sent, err)
		}
	}
	if sent, err := p.SendPacked(ctx, nil, 8); sent != 0 || err != nil {
		t.Errorf("none: %d sent, %v", sent, err)
	}
	if _, err := c.TryRecv(); err != ringway.ErrEmpty {
		t.Error(err)
	}
	if sent, err := p.SendPacked(ctx, make([]byte, 1<<20), 1<<20); sent != 0 || !errors.Is(err, ringway.ErrTooLarge) {
		t.Errorf("more than the ring takes: %d sent, %v", sent, err)
	}
}

func TestAMessageThatWasSentAloneComesAlone(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	for _, b := range [][]byte{nil, {1}, make([]byte, 8), make([]byte, 8)} {
		if err := p.SendTyped(ctx, 5, b); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{0, 1, 8, 8} {
		got, err := c.RecvPacked(ctx)
		if err != nil || got.Size != n || got.Count() != 1 || len(got.Payload) != n || got.Type != 5 {
			t.Fatalf("%+v, %v; want a message of %d bytes", got, err, n)
		}
	}
}

func TestSendPackedGivesUpWithItsContextAndSaysHowManyWent(t *testing.T) {
	p, c := ends(t, newRing(t, ringway.Capacity(4096)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sent, err := p.SendPacked(ctx, numbers(0, 1000, 8), 8)
	if !errors.Is(err, context.Canceled) || sent == 0 || sent == 1000 {
		t.Fatalf("%d sent, %v", sent, err)
	}
	for got := 0; got < sent; {
		m, err := c.RecvPacked(within(t))
		if err != nil || !bytes.Equal(m.Payload, numbers(got, m.Count(), 8)) {
			t.Fatal(m, err)
		}
		got += m.Count()
	}
	if _, err := c.TryRecv(); err != ringway.ErrEmpty {
		t.Error(err)
	}
}
