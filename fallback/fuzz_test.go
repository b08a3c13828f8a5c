package fallback

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ringway/ringway/ring"
)

// seeds are frames and handshakes, whole and broken.
func seeds(f *testing.F) {
	of := offer{version: ProtocolVersion, maxMessage: 1000, capacity: 4096, transports: []Transport{TCP, Unix}, name: "x"}
	a := accept{version: ProtocolVersion, transport: TCP, maxMessage: 1000, section: "s"}
	r := refusal{version: ProtocolVersion, transport: SHM, code: codeBusy, reason: "because"}
	frames := [][]byte{
		controlFrame(ctlOffer, of.encode()), controlFrame(ctlAccept, a.encode()), controlFrame(ctlReject, r.encode()),
		controlFrame(ctlReady, nil), controlFrame(ctlDecline, r.encode()), controlFrame(ctlEnd, nil), controlFrame(ctlTakeover, nil),
		appendMail(nil, 7, []byte("hello")), appendMail(nil, 0, nil), appendMail(nil, 1, make([]byte, 100)),
		le.AppendUint64(nil, uint64(ring.MakeHeader(1<<32-1, 1, 0))),
	}
	for _, b := range frames {
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(append(b[:len(b):len(b)], b...))
	}
	f.Add(bytes.Join(frames, nil))
	f.Add([]byte(nil))
}

// FuzzFrames has the parser of streams read anything, and compares it with
// itself when the bytes come one by one.
func FuzzFrames(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := wire{max: 2000}
		var whole, single frames
		r1, r2 := bytes.NewReader(b), &oneByOne{b}
		read := 0
		for {
			x, err1 := whole.next(r1, w)
			y, err2 := single.next(r2, w)
			if (err1 == nil) != (err2 == nil) || err1 == nil && (x.h != y.h || !bytes.Equal(x.bytes, y.bytes)) {
				t.Fatalf("%v %x %v, by single bytes %v %x %v", x.h, x.bytes, err1, y.h, y.bytes, err2)
			}
			if err1 != nil {
				if err1 != io.EOF && err1 != io.ErrUnexpectedEOF && !errors.Is(err1, ErrCorrupt) {
					t.Fatal(err1)
				}
				if err1 == io.EOF && read != len(b) {
					t.Fatalf("the end after %d of %d bytes", read, len(b))
				}
				return
			}
			if !bytes.Equal(x.bytes, b[read:read+len(x.bytes)]) || len(x.payload()) != int(x.h.Len()) {
				t.Fatalf("frame %x at %d", x.bytes, read)
			}
			read += len(x.bytes)
			if len(whole.buf) > max(readBuffer, 2*(lead+len(b))) {
				t.Fatalf("%d bytes allocated for %d", len(whole.buf), len(b))
			}
		}
	})
}

type oneByOne struct{ b []byte }

func (o *oneByOne) Read(b []byte) (int, error) {
	if len(o.b) == 0 {
		return 0, io.EOF
	}
	b[0], o.b = o.b[0], o.b[1:]
	return 1, nil
}

// FuzzHandshakeMessages decodes anything, and what can be decoded again.
func FuzzHandshakeMessages(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := decodeOffer(b); err == nil {
			again, err := decodeOffer(o.encode())
			if err != nil || !bytes.Equal(again.encode(), o.encode()) {
				t.Errorf("%+v, again %+v, %v", o, again, err)
			}
		}
		if a, err := decodeAccept(b); err == nil {
			if again, err := decodeAccept(a.encode()); err != nil || again != a {
				t.Errorf("%+v, again %+v, %v", a, again, err)
			}
		}
		if r, err := decodeRefusal(b); err == nil && len(r.reason) > 3*255 {
			t.Errorf("a reason of %d bytes", len(r.reason))
		}
	})
}

// against has one side of a handshake read anything.
func against(t *testing.T, b []byte, side func(c *control, o Options) (*Established, error)) {
	o, err := Options{Timeout: time.Second, MaxMessage: 1 << 20, Capacity: 4096}.filled()
	if err != nil {
		t.Fatal(err)
	}
	x, y := net.Pipe()
	defer x.Close()
	go func() {
		_, _ = y.Write(b)
		_ = y.SetReadDeadline(time.Now())
		y.Close()
	}()
	go func() { _, _ = io.Copy(io.Discard, y) }()
	e, err := side(&control{s: x, transport: TCP, has: []Transport{TCP}, peer: nobody}, o)
	if err != nil {
		return
	}
	defer e.Close()
	for {
		m, err := e.Link.Recv(t.Context())
		if err != nil {
			return
		}
		if uint64(len(m.Payload)) > e.accepted.maxMessage+8 {
			t.Errorf("a message of %d bytes, %d were agreed", len(m.Payload), e.accepted.maxMessage)
		}
	}
}

// FuzzAnswer has who listens read anything, from the offer to the messages.
func FuzzAnswer(f *testing.F) {
	seeds(f)
	of := offer{version: ProtocolVersion, maxMessage: 1000, transports: []Transport{TCP}}
	f.Add(append(append(controlFrame(ctlOffer, of.encode()), controlFrame(ctlReady, nil)...), appendMail(nil, 1, []byte("hi"))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		against(t, b, func(c *control, o Options) (*Established, error) {
			return c.answer(context.Background(), newListener0("", o), o)
		})
	})
}

// FuzzDial has who dials read anything.
func FuzzDial(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		against(t, b, func(c *control, o Options) (*Established, error) {
			return c.dial(context.Background(), "", o)
		})
	})
}

// FuzzRingAndStreamAcceptTheSameFrames writes a frame into a ring as it would
// stand on a stream: both take it, or neither does.
func FuzzRingAndStreamAcceptTheSameFrames(f *testing.F) {
	seeds(f)
	f.Add(appendHeader(nil, ring.MakeHeader(0, 3, ring.FlagCorrelation), nil, 0, 99))
	f.Add(appendHeader(nil, ring.MakeHeader(0, 3, ring.FlagChecksum), nil, 0, 0))
	f.Add(appendHeader(nil, ring.MakeHeader(0, 3, ring.FlagPad), nil, 0, 0))
	f.Add(appendHeader(nil, ring.MakeHeader(0, 3, ring.FlagSequence), nil, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < ring.HeaderSize || len(b) > 1024 {
			return
		}
		for _, checksum := range []bool{false, true} {
			g := ring.Geometry{Kind: ring.SPSC, Capacity: 4096, Checksum: checksum}
			body := make([]byte, g.BodySize())
			ring.Format(g, body)
			c, err := ring.NewSPSCConsumer(g, body)
			if err != nil {
				t.Fatal(err)
			}
			// The ring begins where its data does, in a lap whose tag has to be
			// put on.
			data := body[uint64(len(body))-g.Capacity:]
			at := c.Position() % g.Capacity
			h := ring.Header(le.Uint64(b))
			copy(data[at:], b)
			binary.LittleEndian.PutUint64(data[at:], uint64(h)^lapOf(t, g))
			inRing, ringErr := c.Next()
			padded := append(append([]byte{}, b...), make([]byte, 4096)...)
			var s frames
			fr, streamErr := s.next(bytes.NewReader(padded), wire{max: g.MaxMessage(), checksum: checksum})
			if streamErr == nil && fr.control() {
				streamErr = ErrCorrupt // control frames don't stand in rings
			}
			var onStream ring.Message
			if streamErr == nil {
				onStream, streamErr = fr.message()
			}
			if h.Flags()&ring.FlagPad != 0 || !h.Committed() {
				if streamErr == nil {
					t.Fatalf("header %#x passes on a stream", uint64(h))
				}
				continue // a matter of rings
			}
			if (ringErr == nil) != (streamErr == nil) {
				t.Fatalf("header %#x: ring %v, stream %v", uint64(h), ringErr, streamErr)
			}
			if ringErr == nil && (inRing.Type != onStream.Type || inRing.Correlated != onStream.Correlated || !bytes.Equal(inRing.Payload, onStream.Payload)) {
				t.Fatalf("ring %+v, stream %+v", inRing, onStream)
			}
		}
	})
}

// lapOf returns what a header is masked with where a new ring begins: a ring
// that has one message tells.
func lapOf(t *testing.T, g ring.Geometry) uint64 {
	g.Checksum = false
	body := make([]byte, g.BodySize())
	ring.Format(g, body)
	p, err := ring.NewSPSCProducer(g, body)
	if err != nil {
		t.Fatal(err)
	}
	at := p.Position() % g.Capacity
	if err := p.TrySend(5, nil); err != nil {
		t.Fatal(err)
	}
	data := body[uint64(len(body))-g.Capacity:]
	return binary.LittleEndian.Uint64(data[at:]) ^ uint64(ring.MakeHeader(0, 5, 0))
}
