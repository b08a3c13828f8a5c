package ring

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

func TestAnObserverReadsABroadcastRingLikeASubscriber(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		o, err := NewObserver(r.g, r.body, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Next(nil); err != ErrEmpty {
			t.Fatalf("of an empty ring: %v", err)
		}
		r.send(3)
		frames, end := observe(t, r.g, r.body, nil)
		if end != ErrEmpty || len(frames) != 3 {
			t.Fatalf("%d frames, %v", len(frames), end)
		}
		for i, f := range frames {
			if f.Sequence != uint64(StartSequence+i) || int(f.Len) != castSize(i) || f.Missed != 0 || f.Owner != -1 {
				t.Errorf("message %d: %+v", i, f)
			}
			if Header(binary.LittleEndian.Uint64(r.body[r.dataOff(f.Position):]))^lapTag(f.Position, r.g.lapShift()) != MakeHeader(uint32(f.Len), f.Type, flagsOf(r.g)) {
				t.Errorf("message %d does not stand at position %#x", i, f.Position)
			}
		}
		s := o.Snapshot()
		if s.Problem != "" || s.Tail != r.p.Position() || s.Moved != s.Tail-StartPosition || s.Sequence != 4 || s.Ended || s.Depth != 0 {
			t.Errorf("%+v, the publisher is at %#x", s, r.p.Position())
		}
		// It stayed behind for more than a lap.
		r.send(100)
		f, err := o.Next(nil)
		if err != nil || f.Missed == 0 || f.Sequence != StartSequence+f.Missed {
			t.Fatalf("%+v, %v", f, err)
		}
		if err := r.p.End(); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			f, err = o.Next(nil)
		}
		if err != io.EOF || f.Sequence != 0 || !o.Snapshot().Ended {
			t.Errorf("after the end: %+v, %v", f, err)
		}
	})
}

func flagsOf(g Geometry) Flags {
	if g.Checksum {
		return FlagChecksum
	}
	return 0
}

func TestTheDepthOfALosslessRingIsThatOfItsSlowestSubscriber(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s, err := NewBroadcastSubscriber(r.g, r.body, BroadcastOptions{Start: Oldest, Gated: true, Gate: 1, Incarnation: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.send(5)
	o, err := NewObserver(r.g, r.body, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Snapshot(); got.Depth != r.p.Position()-StartPosition || got.Head != StartPosition {
		t.Errorf("%+v", got)
	}
	for range 5 {
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	s.Leave()
	if got := o.Snapshot(); got.Depth != 0 {
		t.Errorf("%+v when it has left", got)
	}
}

func TestAnObserverNamesABroadcastRingsNonsense(t *testing.T) {
	for what, spoil := range map[string]func(r *testCast){
		"intent":     func(r *testCast) { r.setWord(offIntent, StartPosition-8192) },
		"checkpoint": func(r *testCast) { r.setWord(offLatest, StartPosition+8) },
	} {
		r := newCast(t, lossy(), StartPosition, StartSequence)
		r.send(3)
		spoil(r)
		o, err := NewObserver(r.g, r.body, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s := o.Snapshot(); s.Problem == "" {
			t.Errorf("%s: %+v", what, s)
		}
	}
}

func TestAFrameOfABroadcastRingIsACopyThatTheNextOneLeavesAlone(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		o, err := NewObserver(r.g, r.body, 1)
		if err != nil {
			t.Fatal(err)
		}
		r.send(4)
		var frames []Frame
		var copies [][]byte
		for range 4 {
			f, err := o.Next(nil)
			if err != nil {
				t.Fatal(err)
			}
			frames, copies = append(frames, f), append(copies, bytes.Clone(f.Payload))
		}
		for i, f := range frames {
			if !bytes.Equal(f.Payload, copies[i]) {
				t.Errorf("message %d was %x, and is %x after the others were read", i, copies[i], f.Payload)
			}
		}
		// Into the caller's buffer, where that is large enough.
		r.send(1)
		buf := make([]byte, 0, 4096)
		if f, err := o.Next(buf); err != nil || len(f.Payload) == 0 || &f.Payload[0] != &buf[:1][0] {
			t.Errorf("%+v, %v", f, err)
		}
	})
}
