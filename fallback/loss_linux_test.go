package fallback

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ringway/ringway/ring"
)

func TestAHeaderThatSaysMoreThanWasAgreedIsCorrupt(t *testing.T) {
	w := wire{max: 100}
	for n, want := range map[uint32]error{100: nil, 101: ErrCorrupt, 1<<32 - 1: ErrCorrupt} {
		var f frames
		b := le.AppendUint64(nil, uint64(ring.MakeHeader(n, 0, 0)))
		_, err := f.next(bytes.NewReader(append(b, make([]byte, 200)...)), w)
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
		if len(f.buf) > firstBuffer {
			t.Errorf("%d bytes allocated for a header that says %d", len(f.buf), n)
		}
	}
}

func TestWhatIsLostLateOrDoubledOverUDPIsToldApart(t *testing.T) {
	o := Options{Transports: []Transport{UDP}}
	l, err := Listen(t.Context(), "udp://127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("udp", strings.TrimPrefix(l.Addr(), "udp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(b []byte) {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	of := offer{version: ProtocolVersion, maxMessage: 1000, transports: []Transport{UDP}}
	send(controlFrame(ctlOffer, of.encode()))
	send(controlFrame(ctlOffer, of.encode())) // the same one again
	e, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	message := func(n uint64) []byte {
		h := ring.MakeHeader(8, 0, ring.FlagSequence)
		b := appendHeader(nil, h, nil, n, 0)
		b = le.AppendUint64(b, n)
		return append(b, padding(h)...)
	}
	for _, n := range []uint64{1, 2, 2, 5, 3, 1, 6, 1 << 40} {
		send(message(n))
	}
	send([]byte("nonsense"))
	h := ring.MakeHeader(0, ctlEnd, ring.FlagControl|ring.FlagSequence)
	end := appendHeader(nil, h, nil, 1<<40+1, 0)
	send(append(end, padding(h)...))
	expect := func(n uint64) {
		t.Helper()
		m, err := e.Link.Recv(t.Context())
		if err != nil || le.Uint64(m.Payload) != n {
			t.Fatalf("%x, %v; want %d", m.Payload, err, n)
		}
	}
	lost := func(n uint64) {
		t.Helper()
		_, err := e.Link.Recv(t.Context())
		var le *LostError
		if !errors.As(err, &le) || le.Count != n || !errors.Is(err, ErrLost) {
			t.Fatalf("%v; want %d lost", err, n)
		}
	}
	expect(1)
	expect(2)
	lost(2)
	expect(5)
	expect(6)
	lost(1<<40 - 7)
	expect(1 << 40)
	if _, err := e.Link.Recv(t.Context()); err != io.EOF {
		t.Fatal(err)
	}
}
