package ring

import (
	"errors"
	"testing"
)

func TestAnyBitFlippedInAChecksummedMessageIsCorrupt(t *testing.T) {
	for _, n := range []int{0, 1, 8, 37} {
		r := checkedRing(t)
		r.send(1, n)
		frame := r.body[controlSize : controlSize+16+n]
		for bit := range len(frame) * 8 {
			if bit/8 == 7 {
				continue // the mark: without it there is no frame
			}
			frame[bit/8] ^= 1 << (bit % 8)
			m, err := r.c.Next()
			if !errors.Is(err, ErrCorrupt) || m.Payload != nil {
				t.Fatalf("message of %d bytes, bit %d of the frame flipped: %d bytes, %v; want ErrCorrupt", n, bit, len(m.Payload), err)
			}
			if !contains(err, "offset 0") {
				t.Fatalf("%v does not name the offset", err)
			}
			if r.c.Position() != StartPosition {
				t.Fatal("the consumer moved past a corrupt message")
			}
			frame[bit/8] ^= 1 << (bit % 8)
		}
		// Whole again, it is delivered: the consumer stayed where it was.
		r.receive(1, n)
		r.nothing()
	}
}

func TestChecksumIsOverTheCommittedPartOfAClaim(t *testing.T) {
	r := checkedRing(t)
	b := r.claim(100)
	copy(b, payload(1, 100))
	r.p.Commit(msgType(1), 40)
	m, err := r.c.Next()
	if err != nil || string(m.Payload) != string(payload(1, 100)[:40]) {
		t.Errorf("received %d bytes, %v; want the first 40", len(m.Payload), err)
	}
}

func TestChecksumDoesNotCoverThePadding(t *testing.T) {
	r := checkedRing(t)
	r.send(1, 13)
	r.body[controlSize+16+13] ^= 0xff // of the 3 bytes of padding
	r.receive(1, 13)
}

func TestChecksumFlagMustBeWhatTheGeometrySays(t *testing.T) {
	plain := smallRing(t)
	plain.hostile = true
	plain.send(1, 24)
	plain.setWord(controlSize, plain.word(controlSize)|uint64(FlagChecksum)<<48)
	if _, err := plain.c.Next(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("checksummed frame in a plain ring: %v, want ErrCorrupt", err)
	}

	// A peer can't get around the checksum by leaving it out.
	summed := checkedRing(t)
	summed.hostile = true
	summed.send(1, 24)
	summed.setHeader(StartPosition, uint64(MakeHeader(24, 1, 0)))
	if _, err := summed.c.Next(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("plain frame in a checksummed ring: %v, want ErrCorrupt", err)
	}
}
