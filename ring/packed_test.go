package ring

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
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
