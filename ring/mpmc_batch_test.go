package ring

import (
	"errors"
	"testing"
)

func TestEqualMessagesOfAnMPMCBatchShareOneHeader(t *testing.T) {
	r := smallMPMC(t, 1)
	msgs := append(append(alikes(1, 30, 8), payload(40, 3)), alikes(50, 4, 13)...)
	if sent, err := r.p[0].TrySendBatch(7, msgs); sent != len(msgs) || err != nil {
		t.Fatalf("%d of %d sent, %v", sent, len(msgs), err)
	}
	// 16 + 240, 8 + 8 and 16 + 56 bytes are two cells of 256.
	if at := r.p[0].Position(); at != StartCell+2 {
		t.Errorf("the batch takes %d cells, want 2", at-StartCell)
	}
	frames, end := observe(t, r.g, r.body, nil)
	if len(frames) != len(msgs) || end != ErrEmpty {
		t.Fatalf("an observer sees %d messages and %v", len(frames), end)
	}
	size := uint64(0)
	for i, f := range frames {
		if size += f.Size; string(f.Payload) != string(msgs[i]) || f.Type != 7 {
			t.Errorf("an observer sees message %d as %+v", i, f)
		}
	}
	if size != 256+16+72 {
		t.Errorf("the frames take %d bytes, want 344", size)
	}
	for i, want := range msgs {
		m, err := r.c[0].Next()
		if err != nil || string(m.Payload) != string(want) || m.Type != 7 || r.c[0].Leased() != 1 {
			t.Fatalf("message %d: %d bytes of type %d, %v", i, len(m.Payload), m.Type, err)
		}
	}
	if r.c[0].Release(); r.c[0].Leased() != 0 {
		t.Error("the batch was handed out and released, and is leased")
	}
}

func TestMPMCBatchThatCanNotBeIsCorrupt(t *testing.T) {
	for _, c := range []struct {
		len  uint32
		unit uint64
	}{{16, 0}, {16, 17}, {16, 5}, {16, 1<<64 - 1}, {0, 0}, {0, 8}, {248, 8}, {4000, 8}, {1<<32 - 1, 1}} {
		r := smallMPMC(t, 1)
		if sent, err := r.p[0].TrySendBatch(7, alikes(1, 2, 8)); sent != 2 || err != nil {
			t.Fatal(sent, err)
		}
		at := r.dataOff() + StartCell%r.g.cells()*r.g.CellSize
		r.setWord(at, uint64(MakeHeader(c.len, 7, FlagBatch)))
		r.setWord(at+8, c.unit)
		if _, err := r.c[0].Next(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes in messages of %d: %v", c.len, c.unit, err)
		}
		if _, end := observe(t, r.g, r.body, nil); !errors.Is(end, ErrCorrupt) {
			t.Errorf("%d bytes in messages of %d, observed: %v", c.len, c.unit, end)
		}
	}
}
