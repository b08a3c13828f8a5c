package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func TestACorrelationWordArrivesBeforeThePayload(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 3000 {
			n := i * 13 % 300
			b, err := r.p.Claim(8 + n)
			if err != nil {
				t.Fatal(err)
			}
			binary.LittleEndian.PutUint64(b, uint64(i))
			want := payload(i, n)
			copy(b[8:], want)
			r.p.CommitCorrelated(uint16(i), len(b))
			if i%2 == 0 { // a plain one behind it
				if err := r.p.TrySend(9, want); err != nil {
					t.Fatal(err)
				}
			}
			m, err := r.c.Next()
			if err != nil || !m.Correlated || m.Type != uint16(i) || binary.LittleEndian.Uint64(m.Payload) != uint64(i) ||
				!bytes.Equal(m.Payload[8:], want) {
				t.Fatalf("%d: %+v, %v", i, m, err)
			}
			if i%2 == 0 {
				if m, err = r.c.Next(); err != nil || m.Correlated || !bytes.Equal(m.Payload, want) {
					t.Fatalf("%d: the plain one: %+v, %v", i, m, err)
				}
			}
			r.c.Release()
			r.c.Publish()
		}
	})
}

func TestACorrelatedFrameIsWhatTheHeaderSaysOnEveryRoad(t *testing.T) {
	r := smallRing(t)
	b, err := r.p.Claim(8 + 3)
	if err != nil {
		t.Fatal(err)
	}
	copy(b, "12345678abc")
	at := r.p.Position()
	r.p.CommitCorrelated(5, len(b))
	h := MakeHeader(3, 5, FlagCorrelation)
	if r.p.Position() != at+h.FrameSize() || h.PayloadOffset() != 16 {
		t.Errorf("the frame takes %d bytes, its header says %d", r.p.Position()-at, h.FrameSize())
	}
	off := at & (r.g.Capacity - 1)
	if got := r.p.data.Bytes(off+HeaderSize, 11); string(got) != "12345678abc" {
		t.Errorf("%q", got)
	}
}

func TestCommitCorrelatedNeedsRoomForTheWord(t *testing.T) {
	r := smallRing(t)
	for _, n := range []int{-1, 0, 7, 21} {
		if _, err := r.p.Claim(20); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes of a claim of 20: no panic", n)
				}
			}()
			r.p.CommitCorrelated(0, n)
		}()
	}
	if _, err := r.c.Next(); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}
