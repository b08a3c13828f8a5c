package ring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestSmallMessagesFillTheRingToTheLastByteWhateverComesBetween(t *testing.T) {
	msg := payload(1, 8)
	between := map[string]func(p *SPSCProducer) error{
		"nothing": nil,
		"a claim": func(p *SPSCProducer) error {
			buf, err := p.Claim(8)
			if err == nil {
				copy(buf, msg)
				p.Commit(0, 8)
			}
			return err
		},
		"a claim given back": func(p *SPSCProducer) error {
			_, err := p.Claim(8)
			p.Abort()
			if err == nil {
				err = p.TrySend(0, msg)
			}
			return err
		},
		"a batch": func(p *SPSCProducer) error {
			_, err := p.TrySendBatch(0, [][]byte{msg})
			return err
		},
		"another type": func(p *SPSCProducer) error { return p.TrySend(7, msg) },
	}
	for name, other := range between {
		t.Run(name, func(t *testing.T) {
			g := Geometry{Kind: SPSC, Capacity: 4096}
			r := newRing(t, g, StartPosition)
			for lap := range 3 {
				n := 0
				for {
					err := r.p.TrySend(0, msg)
					if n%3 == 1 && other != nil && err == nil {
						n++
						err = other(r.p)
					}
					if err == ErrFull {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if n != 256 {
					t.Fatalf("lap %d: %d messages of 16 bytes in a ring of 4096", lap, n)
				}
				for i := range n {
					if m, err := r.c.Next(); err != nil || string(m.Payload) != string(msg) {
						t.Fatalf("message %d: %v, %v", i, m, err)
					}
				}
				if _, err := r.c.Next(); err != ErrEmpty {
					t.Fatal(err)
				}
				r.c.Release()
				r.c.Publish()
			}
		})
	}
}

// likeAFrame returns a payload of n bytes, each word of which would be the header
// of a message if it stood where one is expected in the lap of position pos.
func likeAFrame(r *testRing, pos uint64, n int) []byte {
	var b []byte
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, uint64(MakeHeader(8, 0, 0))^r.lap(pos))
	}
	return b[:n]
}

// testMessage is what a message is made of.
type testMessage struct {
	typ  uint16
	data string
}

// A consumer that receives as the package above does: the straight way first, and
// what else is due when that doesn't lead on.
func (r *testRing) takeNext() (Message, error) {
	if m, ok := r.c.Take(); ok {
		return m, nil
	}
	if r.c.Release() {
		r.c.Publish()
	}
	m, err := r.c.Next()
	if err == ErrEmpty {
		r.c.Publish()
	}
	return m, err
}

func TestRunsOfMessagesOfAKindArriveWhateverTheyHoldAndWhateverComesBetween(t *testing.T) {
	sizes := []int{8, 8, 8, 16, 24, 32, 40, 48, 56, 64, 72, 88, 104, 112, 120, 128, 136, 0, 1, 7, 12, 63, 65, 121}
	for _, capacity := range []uint64{4096, 8192, 1 << 15} {
		for _, back := range []uint64{0, 3 << 20} { // of 2⁶⁴, or the usual start
			t.Run(fmt.Sprintf("%d bytes, from -%d", capacity, back), func(t *testing.T) {
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				rnd := rand.New(rand.NewPCG(seed, capacity))
				start := uint64(StartPosition)
				if back > 0 {
					start = -back
				}
				r := newRing(t, Geometry{Kind: SPSC, Capacity: capacity}, start)
				var under []testMessage // way
				receive := func() bool {
					m, err := r.takeNext()
					if len(under) == 0 {
						if err != ErrEmpty {
							t.Fatalf("an empty ring gives %v, %v", m, err)
						}
						return false
					}
					if err != nil || m.Type != under[0].typ || string(m.Payload) != under[0].data {
						t.Fatalf("received type %d, %x, %v; want type %d, %x", m.Type, m.Payload, err, under[0].typ, under[0].data)
					}
					under = under[1:]
					return true
				}
				for range some(1500) {
					n, typ := sizes[rnd.IntN(len(sizes))], uint16(rnd.IntN(2))
					for range 1 + rnd.IntN(80) {
						// Of the next lap, or this one: what it holds will be found there.
						n := n
						if rnd.IntN(10) == 0 {
							n = sizes[rnd.IntN(len(sizes))]
						}
						b := likeAFrame(r, r.p.Position()+capacity*rnd.Uint64N(2), n)
						err := r.p.TrySend(typ, b)
						if err == ErrFull {
							for receive() && rnd.IntN(50) > 0 {
							}
							continue
						}
						if err != nil {
							t.Fatal(err)
						}
						under = append(under, testMessage{typ, string(b)})
						if rnd.IntN(4) == 0 {
							receive()
						}
					}
					if err := r.checkLines(); err != nil {
						t.Fatal(err)
					}
					switch rnd.IntN(6) {
					case 0:
						for receive() {
						}
					case 1:
						if buf, err := r.p.Claim(40); err == nil {
							copy(buf, likeAFrame(r, r.p.Position()+capacity, 40))
							r.p.Commit(typ, 16)
							under = append(under, testMessage{typ, string(buf[:16])})
						}
					case 2:
						b := likeAFrame(r, r.p.Position()+capacity, n)
						k, _ := r.p.TrySendBatch(typ, [][]byte{b, b, b})
						for range k {
							under = append(under, testMessage{typ, string(b)})
						}
					case 3:
						r.c.Release()
						r.c.Publish()
						r.attach()
					}
				}
				for receive() {
				}
			})
		}
	}
}

func TestTheProducerLearnsOfRoomWhileAllMessagesAreOfAKind(t *testing.T) {
	r := newRing(t, Geometry{Kind: SPSC, Capacity: 4096}, StartPosition)
	for i := range 1000 {
		if err := r.p.TrySend(7, payload(i, 8)); err != nil {
			t.Fatal(err)
		}
		at := r.c.Position()
		if _, err := r.takeNext(); err != nil {
			t.Fatal(err)
		}
		if told := r.word(offConsumer); at-told > 4096/8 {
			t.Fatalf("the producer knows of %d bytes less than were released", at-told)
		}
		r.c.Publish()
		if told := r.word(offConsumer); told != at {
			t.Fatalf("published %#x, while the message at %#x is out", told, at)
		}
		if i%100 > 50 {
			r.giveBack()
		}
	}
	for i := range 256 {
		if err := r.p.TrySend(7, payload(i, 8)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 256 {
		at := r.c.Position()
		if m, err := r.takeNext(); err != nil || string(m.Payload) != string(payload(i, 8)) {
			t.Fatal(m, err)
		}
		if told := r.word(offConsumer); at-told > 4096/8 {
			t.Fatalf("the producer knows of %d bytes less than were released", at-told)
		}
	}
}
