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

func TestAMessageThatIsPutAtOnceIsTheSameAsOneThatIsClaimed(t *testing.T) {
	eachKind(t, func(t *testing.T, put *testRing) {
		claimed := newRing(t, put.g, StartPosition)
		atOnce, taken := 0, 0
		for i := range 20_000 {
			word, b := uint64(i)<<40|uint64(i), payload(i, i*i%150)
			claim := func(r *testRing) error {
				c, err := r.p.Claim(8 + len(b))
				if err == nil {
					binary.LittleEndian.PutUint64(c, word)
					copy(c[8:], b)
					r.p.CommitCorrelated(uint16(i), len(c))
				}
				return err
			}
			err := claim(claimed)
			if put.p.PutCorrelated(uint16(i), word, b) {
				atOnce++
			} else if e := claim(put); e != err {
				t.Fatalf("%d: %v, %v", i, e, err)
			}
			if err != nil && err != ErrFull {
				t.Fatal(err)
			}
			if !bytes.Equal(put.body, claimed.body) {
				t.Fatalf("%d, of %d bytes: the rings differ", i, len(b))
			}
			if i%3 == 0 {
				continue
			}
			want, wantErr := claimed.c.Next()
			m, ok := put.c.TakeCorrelated(uint32(i % 2))
			if ok {
				taken++
			} else {
				put.c.Release()
				m, err = put.c.Next()
				put.c.Publish()
			}
			if ok && wantErr != nil || !ok && err != wantErr || string(m.Payload) != string(want.Payload) || m.Type != want.Type || m.Correlated != want.Correlated {
				t.Fatalf("%d: %v %+v, want %+v, %v", i, ok, m, want, wantErr)
			}
			claimed.c.Release()
			claimed.c.Publish()
			put.c.Publish()
			// What is out is not released before the next one.
			claimed.setWord(offConsumer, put.word(offConsumer))
		}
		if checksums := put.g.Checksum; checksums != (atOnce == 0) || checksums != (taken == 0) {
			t.Errorf("%d put and %d taken at once", atOnce, taken)
		}
	})
}

func TestAFrameThatCantBeOneIsNotTaken(t *testing.T) {
	r := smallRing(t)
	r.hostile = true
	if !r.p.PutCorrelated(0, 1, []byte("x")) {
		// The first message makes sure of its room.
		if err := r.p.TrySend(0, nil); err != nil || !r.p.PutCorrelated(0, 1, []byte("x")) {
			t.Fatal(err)
		}
		if _, err := r.c.Next(); err != nil {
			t.Fatal(err)
		}
	}
	pos := r.c.Position()
	for _, h := range []Header{
		MakeHeader(uint32(r.g.Capacity), 0, FlagCorrelation),
		MakeHeader(1<<32-1, 0, FlagCorrelation),
		MakeHeader(uint32(r.g.MaxMessage())+1, 0, FlagCorrelation),
		MakeHeader(1, 0, FlagCorrelation|FlagChecksum),
		MakeHeader(1, 0, 0),
		0,
	} {
		r.setHeader(pos, uint64(h))
		if m, ok := r.c.TakeCorrelated(1); ok || r.c.Position() != pos {
			t.Errorf("%#x: %+v", uint64(h), m)
		}
	}
}
