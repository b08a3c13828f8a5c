package fallback

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ringway/ringway/ring"
)

// pieces gives its bytes in pieces of the given sizes, over and over.
type pieces struct {
	b     []byte
	sizes []int
	next  int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.sizes[p.next%len(p.sizes)])], p.b)
	p.next++
	p.b = p.b[n:]
	return n, nil
}

func TestFramesOfAllSizesComeOutWholeHoweverTheyArrive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := wire{max: 300 << 10}
	var stream []byte
	var payloads [][]byte
	for _, n := range []int{0, 64, 4 << 10, 4040, 64 << 10, 64, 65472, 128 << 10, 300 << 10, 1, 200 << 10, 64 << 10} {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		h := ring.MakeHeader(uint32(n), 7, 0)
		stream = append(append(appendHeader(stream, h, p, 0, 0), p...), padding(h)...)
		payloads = append(payloads, p)
	}
	for _, sizes := range [][]int{{1 << 20}, {1000}, {48832, 16712}, {8, 70000}, {63, 4096, 17}, {4040}} {
		var f frames
		src := &pieces{b: stream, sizes: sizes}
		for i, p := range payloads {
			m, err := f.next(src, w)
			if err != nil || !bytes.Equal(m.payload(), p) {
				t.Fatalf("pieces of %d bytes: message %d of %d bytes came as %d: %v", sizes, i, len(p), m.h.Len(), err)
			}
			if len(f.buf) > 1<<20 {
				t.Fatalf("pieces of %d bytes: a buffer of %d bytes", sizes, len(f.buf))
			}
		}
		if _, err := f.next(src, w); err != io.EOF {
			t.Fatal(err)
		}
	}
}

func TestAPayloadThatComesAloneBeginsWithACacheLine(t *testing.T) {
	var f frames
	for _, n := range []int{64, 64, 64 << 10, 64 << 10, 100, 64 << 10} {
		h := ring.MakeHeader(uint32(n), 0, 0)
		b := append(append(appendHeader(nil, h, nil, 0, 0), make([]byte, n)...), padding(h)...)
		m, err := f.next(bytes.NewReader(b), wire{max: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		// The buffer itself begins with a page.
		if at := f.r + int(m.h.PayloadOffset()); at%64 != 0 {
			t.Fatalf("a payload of %d bytes at %d of the buffer", n, at)
		}
	}
}
