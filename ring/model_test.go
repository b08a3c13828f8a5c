package ring

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// model is what a ring is said to be, as a plain list: the positions of the
// two sides and the frames between. It shares no code with the ring.
type model struct {
	g             Geometry
	capacity      uint64
	pos           uint64 // where the next frame goes
	limit         uint64 // pub + capacity
	known         uint64 // limit, as the producer saw it last
	pub, rel, cur uint64 // the consumer's: published, released, next to hand out
	taken         uint64 // and published too: where it stood, in the frame at pub or behind it
	frames        []frame
	ended         bool
}

func newModel(g Geometry, start uint64) *model {
	return &model{g: g, capacity: g.Capacity, pos: start, limit: start + g.Capacity, known: start + g.Capacity,
		pub: start, rel: start, cur: start, taken: start}
}

// room makes room for a payload of n bytes and commits the pad it takes.
func (m *model) room(n int) error {
	size := frameBytes(m.g, n)
	if size > m.capacity/2-8 {
		return ErrTooLarge
	}
	left := m.capacity - m.pos%m.capacity
	pad := uint64(0)
	if size > left {
		pad = left
	}
	if pad+size > m.known-m.pos {
		m.known = m.limit
	}
	if pad+size > m.known-m.pos {
		return ErrFull
	}
	if pad > 0 {
		m.frames = append(m.frames, frame{pos: m.pos, start: m.pos, size: pad, pad: true})
		m.pos += pad
	}
	return nil
}

func (m *model) commit(typ uint16, b []byte) {
	size := frameBytes(m.g, len(b))
	m.frames = append(m.frames, frame{pos: m.pos, start: m.pos, size: size, typ: typ, payload: string(b)})
	m.pos += size
}

// batch sends messages, neighbours of equal size in one frame as far as there is
// room in one piece, in frames of up to a sixteenth of the ring.
func (m *model) batch(typ uint16, msgs [][]byte) (sent int, err error) {
	room := uint64(0) // in one piece
	for sent < len(msgs) {
		n := uint64(len(msgs[sent]))
		if size := frameBytes(m.g, int(n)); size > room || size > m.capacity/2-8 {
			if err := m.room(int(n)); err != nil {
				return sent, err
			}
			room = min(m.known-m.pos, m.capacity-m.pos%m.capacity)
		}
		k := 1
		if n > 0 && room >= 64 && !m.g.Checksum {
			most := min(room-16, (m.capacity-1)/16)
			for sent+k < len(msgs) && uint64(len(msgs[sent+k])) == n && uint64(k+1)*n <= most {
				k++
			}
		}
		at := m.pos
		if k == 1 {
			m.commit(typ, msgs[sent])
		} else {
			m.pos += frameBytes(m.g, 8+k*int(n))
			from := at
			for i := range k {
				to := at + 16 + uint64(i+1)*n
				if i == k-1 {
					to = m.pos
				}
				m.frames = append(m.frames, frame{pos: from, start: at, size: to - from, typ: typ, payload: string(msgs[sent+i])})
				from = to
			}
		}
		room -= m.pos - at
		sent += k
	}
	return sent, nil
}

// next returns the frame to hand out.
func (m *model) next() (frame, error) {
	for _, f := range m.frames {
		if f.pos != m.cur {
			continue
		}
		m.cur += f.size
		if !f.pad {
			return f, nil
		}
	}
	if m.ended {
		return frame{}, io.EOF
	}
	return frame{}, ErrEmpty
}

// whole returns where the frame begins that the consumer has not released, or not
// all of it.
func (m *model) whole() uint64 {
	for _, f := range m.frames {
		if f.pos == m.rel {
			return f.start
		}
	}
	return m.rel
}

func (m *model) publish() bool {
	pub := m.whole()
	for len(m.frames) > 0 && m.frames[0].pos != pub {
		m.frames = m.frames[1:]
	}
	yes := m.pub != pub
	m.taken, m.pub, m.limit = m.rel, pub, pub+m.capacity
	return yes
}

// String is for messages of failing tests.
func (o outcome) String() string {
	return fmt.Sprintf("%v, %d, %t, type %d %.12x", o.err, o.n, o.yes, o.typ, o.data)
}

// agree fails the test unless the ring is what the model says.
func (r *testRing) agree(m *model) {
	r.Helper()
	frames, end, err := r.walk()
	if err != nil {
		r.Fatal(err)
	}
	if end != m.pos || r.p.Position() != m.pos || r.c.Position() != m.cur || r.word(offConsumer) != m.pub {
		r.Fatalf("frames end at %#x, producer at %#x, consumer at %#x, published %#x; want %#x, %#x, %#x, %#x",
			end, r.p.Position(), r.c.Position(), r.word(offConsumer), m.pos, m.pos, m.cur, m.pub)
	}
	if err := r.checkLines(); err != nil {
		r.Fatal(err)
	}
	if !slices.Equal(frames, m.frames) {
		r.Fatalf("ring holds\n%v, want\n%v", frames, m.frames)
	}
}

func TestRingDoesWhatAListDoes(t *testing.T) {
	seeds := []uint64{1, 2, 3, uint64(time.Now().UnixNano())}
	if some(10) < 10 {
		seeds = seeds[1:3]
	}
	for capacity, n := range map[uint64]int{4096: 3000, 8192: 1500, 32768: 400, 1 << 17: 150} {
		for _, sum := range []bool{false, true} {
			for i, seed := range seeds {
				t.Run(fmt.Sprintf("%d bytes, checksum %t, script %d", capacity, sum, i), func(t *testing.T) {
					t.Logf("seed %d", seed)
					rnd := rand.New(rand.NewPCG(seed, capacity))
					start := 1<<32 - 8*rnd.Uint64N(4096)
					if seed == 2 {
						start = -(8 * rnd.Uint64N(1024)) // the largest positions
					}
					r := newRing(t, Geometry{Kind: SPSC, Capacity: capacity, Checksum: sum}, start)
					m := newModel(r.g, start)
					for i, o := range append(script(rnd, n, int(r.g.MaxMessage())), op{kind: opEnd}) {
						got, want := r.do(o), m.do(o)
						if got != want {
							t.Fatalf("operation %d, %v: %v, want %v", i, o, got, want)
						}
						r.agree(m)
					}
					for err := error(nil); err == nil; {
						got, want := r.do(op{kind: opNext}), m.do(op{kind: opNext})
						if got != want {
							t.Fatalf("draining: %v, want %v", got, want)
						}
						err = got.err
					}
				})
			}
		}
	}
}
