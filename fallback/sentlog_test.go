package fallback

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ringway/ringway/ring"
)

func pushed(s *sentLog, payload []byte) {
	s.push(ring.MakeHeader(uint32(len(payload)), 1, 0), 0, payload)
}

func TestTheOldestCopiesAreForgottenAndCounted(t *testing.T) {
	var s sentLog
	const size = 1 << 20
	for i := range 12 {
		pushed(&s, bytes.Repeat([]byte{byte(i)}, size))
	}
	all, forgotten := s.rest()
	if len(all) != 7 || forgotten != 5 || all[0].Payload[0] != 5 || all[6].Payload[size-1] != 11 {
		t.Fatalf("%d kept, %d forgotten", len(all), forgotten)
	}
	// Those that were forgotten are acknowledged first.
	for _, want := range []struct {
		n         uint64
		kept      int
		forgotten uint64
	}{{3, 7, 2}, {5, 7, 0}, {6, 6, 0}, {12, 0, 0}} {
		if err := s.acknowledged(want.n); err != nil {
			t.Fatal(err)
		}
		if all, forgotten := s.rest(); len(all) != want.kept || forgotten != want.forgotten {
			t.Errorf("after %d: %d kept, %d forgotten", want.n, len(all), forgotten)
		}
	}
}

func TestAMessageLargerThanAllThatIsKeptIsKept(t *testing.T) {
	var s sentLog
	pushed(&s, []byte("small"))
	pushed(&s, make([]byte, mostKept+1))
	if all, forgotten := s.rest(); len(all) != 1 || forgotten != 1 {
		t.Errorf("%d kept, %d forgotten", len(all), forgotten)
	}
}

func TestWhatWasNotSentIsNotInTheLog(t *testing.T) {
	var s sentLog
	h := ring.MakeHeader(3, 1, 0)
	s.push(h, 0, []byte("one"))
	s.push(h, 0, []byte("two"))
	s.undo(h)
	s.push(ring.MakeHeader(0, ctlEnd, ring.FlagControl), 0, nil)
	if all, _ := s.rest(); len(all) != 1 || string(all[0].Payload) != "one" {
		t.Errorf("%+v", all)
	}
	if err := s.acknowledged(2); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

func TestAnAcknowledgementThatCanNotBeIsRefused(t *testing.T) {
	var s sentLog
	for range 3 {
		pushed(&s, []byte("x"))
	}
	for _, c := range []struct {
		n  uint64
		ok bool
	}{{4, false}, {2, true}, {2, true}, {1, false}, {1 << 63, false}, {3, true}} {
		if err := s.acknowledged(c.n); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d: %v", c.n, err)
		}
	}
}

func TestTheLogOfMuchTrafficStaysSmall(t *testing.T) {
	var s sentLog
	for n := range uint64(100_000) {
		pushed(&s, []byte("a message"))
		if n%10 == 9 {
			if err := s.acknowledged(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cap(s.buf) > 4096 {
		t.Errorf("%d bytes", cap(s.buf))
	}
}
