package ring

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestPackedMessagesAreABatchOfThem(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for _, n := range []int{1, 3, 8, 16, 24, 57, 64, 100, 500} {
			for _, k := range []int{0, 1, 2, 7, 30, 100} {
				msgs := alikes(n, k, n)
				r.giveBack()
				r.moveTo((2*r.g.Capacity - uint64(n*k/2)&^7%r.g.Capacity) % r.g.Capacity)
				start, limit := r.p.Position(), r.c.Position()
				sent, err := r.p.TrySendPacked(7, bytes.Join(msgs, nil), n)
				packed, _, walk := r.walk()
				if walk != nil {
					t.Fatal(walk)
				}
				end := r.p.Position()
				r.receiveBatch(7, msgs[:sent])
				r.nothing()
				r.giveBack()
				if at := r.c.Position(); limit != start || at != end {
					t.Fatalf("the consumer stands at %#x and %#x, the producer at %#x and %#x", limit, at, start, end)
				}
				// The same messages from the same place, as a list.
				r.moveTo(start % r.g.Capacity)
				lap := r.p.Position() - start
				again, err2 := r.p.TrySendBatch(7, msgs)
				listed, _, walk := r.walk()
				if again != sent || kindOf(err) != kindOf(err2) || walk != nil || r.p.Position() != end+lap {
					t.Fatalf("%d × %d bytes: %d sent up to %#x, %v; as a list %d up to %#x, %v, %v",
						k, n, sent, end, err, again, r.p.Position()-lap, err2, walk)
				}
				for i := range listed {
					listed[i].pos -= lap
					listed[i].start -= lap
				}
				if !slices.Equal(packed, listed) {
					t.Fatalf("%d × %d bytes: the ring holds\n%v, as a list\n%v", k, n, packed, listed)
				}
				r.receiveBatch(7, msgs[:sent])
			}
		}
	})
}

func TestWhatStandsTogetherIsReceivedTogether(t *testing.T) {
	for _, n := range []int{1, 8, 13, 40} {
		for taken := range 4 {
			r := smallRing(t)
			msgs := alikes(1, 6, n)
			r.sendBatch(7, msgs)
			r.send(9, 5)
			r.receiveBatch(7, msgs[:taken])
			m, err := r.c.Next()
			if err != nil {
				t.Fatal(err)
			}
			got := r.c.Packed(m)
			if want := bytes.Join(msgs[taken:], nil); !bytes.Equal(got, want) || &got[0] != &m.Payload[0] {
				t.Fatalf("%d bytes, %d taken before: %x, want %x", n, taken, got, want)
			}
			r.inside(got)
			if !r.c.Leased() {
				t.Error("nothing is leased")
			}
			alone := r.receive(9, 5)
			if got := r.c.Packed(alone); !bytes.Equal(got, payload(9, 5)) {
				t.Errorf("a message that was sent alone comes as %x", got)
			}
			r.giveBack()
			r.nothing()
			if at := r.word(offConsumer); at != r.p.Position() {
				t.Errorf("released up to %#x, want %#x", at, r.p.Position())
			}
		}
	}
}

func TestTheRestOfABatchThatChangesMeanwhileIsLeftToNext(t *testing.T) {
	for _, size := range []uint64{0, 1, 7, 9, 16, 48, 1 << 63} {
		r := smallRing(t)
		at := r.p.Position()
		r.sendBatch(7, alikes(1, 6, 8))
		m, err := r.c.Next()
		if err != nil {
			t.Fatal(err)
		}
		r.setWord(r.dataOff(at)+8, size)
		if got := r.c.Packed(m); len(got) != 8 {
			t.Errorf("the size became %d: %d bytes", size, len(got))
		}
		r.setWord(r.dataOff(at)+8, 8)
		r.setHeader(at, uint64(MakeHeader(uint32(size), 7, FlagBatch)))
		if got := r.c.Packed(m); size != 48 && len(got) > 8 && len(got) > int(uint32(size)) {
			t.Errorf("the length became %d: %d bytes", uint32(size), len(got))
		}
		r.setHeader(at, uint64(MakeHeader(48, 7, FlagBatch)))
	}
}

// An array that is received as the package above does: the short way first.
func (r *testRing) takePacked() (Packed, error) {
	if b, each, n, typ := r.c.TakePacked(); n > 0 {
		if n*each != len(b) {
			r.Fatalf("%d messages of %d bytes in %d", n, each, len(b))
		}
		return Packed{Payload: b, Size: each, Type: typ}, nil
	}
	m, err := r.takeNext()
	if err != nil {
		return Packed{}, err
	}
	return Packed{Payload: r.c.Packed(m), Size: len(m.Payload), Type: m.Type}, nil
}

func TestRunsOfArraysOfAKindArriveWhateverTheyHoldAndWhateverComesBetween(t *testing.T) {
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
				arrived := func(typ uint16, b []byte) {
					if len(under) == 0 || typ != under[0].typ || string(b) != under[0].data {
						t.Fatalf("received type %d, %x; %d under way", typ, b, len(under))
					}
					under = under[1:]
				}
				whole := 0
				receive := func() bool {
					if rnd.IntN(8) == 0 { // one, maybe of a batch
						m, err := r.takeNext()
						if err == nil {
							arrived(m.Type, m.Payload)
						}
						return err == nil
					}
					left := len(under)
					p, err := r.takePacked()
					if err != nil {
						if err != ErrEmpty || left > 0 {
							t.Fatalf("%v with %d under way", err, left)
						}
						return false
					}
					for b := p.Payload; len(b) > 0; b = b[p.Size:] {
						arrived(p.Type, b[:p.Size])
					}
					if p.Count() > 1 {
						whole++
					}
					return true
				}
				for range some(600) {
					each, k, typ := 1+rnd.IntN(40), 1+rnd.IntN(12), uint16(rnd.IntN(2))
					if rnd.IntN(2) == 0 {
						each = 8 * (1 + each/8)
					}
					for range 1 + rnd.IntN(60) {
						// Of the next lap, or this one: what it holds will be found there.
						b := likeAFrame(r, r.p.Position()+capacity*rnd.Uint64N(2), each*k+7)[:each*k]
						sent, err := r.p.TrySendPacked(typ, b, each)
						for i := range sent {
							under = append(under, testMessage{typ, string(b[i*each : (i+1)*each])})
						}
						if err == ErrFull {
							for receive() && rnd.IntN(30) > 0 {
							}
						} else if err != nil || sent != k {
							t.Fatalf("%d of %d sent, %v", sent, k, err)
						}
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
						if _, err := r.p.Claim(24); err == nil && rnd.IntN(2) == 0 {
							r.p.Abort()
						}
					case 3:
						b := likeAFrame(r, r.p.Position()+capacity, each)
						if r.p.TrySend(typ, b) == nil {
							under = append(under, testMessage{typ, string(b)})
						}
					case 4:
						r.c.Release()
						r.c.Publish()
						r.attach()
					}
				}
				for receive() {
				}
				if len(under) > 0 || whole == 0 {
					t.Errorf("%d did not arrive; %d came together", len(under), whole)
				}
			})
		}
	}
}

func TestTheProducerLearnsOfRoomWhileAllArraysAreOfAKind(t *testing.T) {
	r := newRing(t, Geometry{Kind: SPSC, Capacity: 4096}, StartPosition)
	for i := range 1000 {
		if sent, err := r.p.TrySendPacked(7, payload(i, 48), 8); sent != 6 || err != nil {
			t.Fatal(sent, err)
		}
		for got := 0; got < 6; {
			at := r.c.Position()
			p, err := r.takePacked()
			if err != nil {
				t.Fatal(err)
			}
			if i%10 == 5 && p.Count() == 6 {
				if r.c.Publish(); r.word(offConsumer) != at {
					t.Fatalf("published %#x, while the messages at %#x are out", r.word(offConsumer), at)
				}
			}
			if told := r.word(offConsumer); r.c.Position()-told > 4096/8+64 {
				t.Fatalf("the producer knows of %d bytes less than were released", r.c.Position()-told)
			}
			got += p.Count()
		}
	}
}

func TestAnArrayIsTheLastWordOfNobodyButItsReader(t *testing.T) {
	// What its header and size say may change at any time: what was known before
	// is handed out, or nothing.
	for _, size := range []uint64{0, 1, 7, 9, 16, 48, 49, 1 << 63} {
		r := smallRing(t)
		send := func() {
			if sent, err := r.p.TrySendPacked(7, payload(1, 48), 8); sent != 6 || err != nil {
				t.Fatal(sent, err)
			}
		}
		send()
		if p, err := r.takePacked(); err != nil || p.Count() != 6 {
			t.Fatal(p, err)
		}
		at := r.p.Position()
		send()
		r.setWord(r.dataOff(at)+8, size)
		b, _, n, _ := r.c.TakePacked()
		if n > 0 && (size == 0 || size > 48 || n != 48/int(size)) {
			t.Errorf("the size became %d: %d messages in %d bytes", size, n, len(b))
		}
		if n > 0 {
			r.inside(b)
		}
		r.setWord(r.dataOff(at)+8, 8)
	}
}

func TestARingWithChecksumsHandsOutNoBatch(t *testing.T) {
	r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: true}, StartPosition)
	at := r.p.Position()
	r.setWord(r.dataOff(at)+8, 8)
	r.setHeader(at, uint64(MakeHeader(48, 7, FlagBatch)))
	if _, _, n, _ := r.c.TakePacked(); n > 0 {
		t.Errorf("%d messages without a checksum", n)
	}
	r.setHeader(at, 0)
	for range 3 {
		if sent, err := r.p.TrySendPacked(7, payload(1, 48), 8); sent != 6 || err != nil {
			t.Fatal(sent, err)
		}
		for range 6 {
			if m, err := r.c.Next(); err != nil || len(m.Payload) != 8 {
				t.Fatal(m, err)
			}
		}
	}
}

func TestPackedMPMCMessagesAreReceivedTogether(t *testing.T) {
	for _, n := range []int{1, 8, 13, 64, 300} {
		for taken := range 4 {
			t.Run(fmt.Sprintf("%d bytes, %d before", n, taken), func(t *testing.T) {
				r := smallMPMC(t, 1)
				msgs := alikes(1, 6, n)
				var got [][]byte
				for left := bytes.Join(msgs, nil); len(left) > 0; {
					sent, err := r.p[0].TrySendPacked(7, left, n)
					if err != nil && err != ErrFull {
						t.Fatal(err)
					}
					left = left[sent*n:]
					for i := 0; ; i++ {
						m, err := r.c[0].Next()
						if err == ErrEmpty {
							break
						}
						if err != nil || m.Type != 7 {
							t.Fatal(m, err)
						}
						b := m.Payload
						if i >= taken {
							b = r.c[0].Packed(m)
						}
						for ; len(b) > 0; b = b[n:] {
							got = append(got, slices.Clone(b[:n]))
						}
					}
					r.c[0].Release()
					if r.c[0].Leased() != 0 {
						t.Error("something is leased after all was released")
					}
				}
				if !slices.EqualFunc(got, msgs, bytes.Equal) {
					t.Errorf("received %x, want %x", got, msgs)
				}
			})
		}
	}
}
