package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// observe returns all that an observer sees in a ring now, and fails the test
// if looking changed a byte.
func observe(t testing.TB, g Geometry, body []byte, set func(*Observer)) (frames []Frame, end error) {
	t.Helper()
	before := bytes.Clone(body)
	o, err := NewObserver(g, body, 8)
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set(o)
	}
	o.Snapshot()
	for range 1 << 16 {
		f, err := o.Next(nil)
		if err != nil {
			if !bytes.Equal(before, body) {
				t.Error("looking changed the ring")
			}
			return frames, err
		}
		frames = append(frames, f)
	}
	t.Fatal("there is no end of frames")
	return nil, nil
}

func notPadding(frames []Frame) (ms []Frame) {
	for _, f := range frames {
		if f.State != FramePadding {
			ms = append(ms, f)
		}
	}
	return ms
}

func TestAnObserverSeesWhatTheConsumerWillGet(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		rnd := rand.New(rand.NewPCG(1, 2))
		sent, received := 0, 0
		for range 300 {
			if rnd.IntN(2) == 0 {
				n := rnd.IntN(300)
				if err := r.p.TrySend(msgType(sent), payload(sent, n)); err == nil {
					sent++
				}
			} else if _, err := r.c.Next(); err == nil {
				received++
				r.c.Release()
				r.c.Publish()
			}
			frames, end := observe(t, r.g, r.body, nil)
			got := notPadding(frames)
			if end != ErrEmpty || len(got) != sent-received {
				t.Fatalf("%d frames and %v, want %d", len(got), end, sent-received)
			}
			size := uint64(0)
			for _, f := range frames {
				size += f.Size
			}
			o, _ := NewObserver(r.g, r.body, 2)
			if s := o.Snapshot(); s.Depth != size || s.Problem != "" || s.Ended || s.Tail != r.p.Position() {
				t.Fatalf("%+v, the frames take %d bytes up to %#x", s, size, r.p.Position())
			}
			for i, f := range got {
				if f.Type != msgType(received+i) || !bytes.Equal(f.Payload, payload(received+i, int(f.Len))) || f.Owner != -1 {
					t.Fatalf("message %d is %+v", received+i, f)
				}
			}
		}
		if err := r.p.End(); err != nil {
			t.Fatal(err)
		}
		if _, end := observe(t, r.g, r.body, nil); end != io.EOF {
			t.Errorf("after the end: %v", end)
		}
	})
}

func TestAnObserverSeesTheMessagesOfABatchOneByOne(t *testing.T) {
	for done := range 6 {
		r := smallRing(t)
		msgs := alikes(1, 6, 13)
		r.sendBatch(7, msgs)
		r.receiveBatch(7, msgs[:done])
		r.giveBack()
		frames, end := observe(t, r.g, r.body, nil)
		if end != ErrEmpty || len(frames) != 6-done {
			t.Fatalf("%d frames and %v, %d were not released", len(frames), end, 6-done)
		}
		for i, f := range frames {
			if f.Type != 7 || string(f.Payload) != string(msgs[done+i]) || f.Size < 13 || f.Flags != FlagBatch {
				t.Errorf("message %d is %+v", done+i, f)
			}
		}
		if last := frames[len(frames)-1]; done == 0 && (frames[0].Size != 16+13 || last.Size != 13+2) {
			t.Errorf("the first takes %d, the last %d bytes", frames[0].Size, last.Size)
		}
	}
}

func TestAnObserverFindsTheTailThoughItIsNotWrittenDown(t *testing.T) {
	r := smallRing(t)
	for i := range 5 {
		r.send(i, 20)
	}
	tail := r.word(offProducer)
	r.setWord(offProducer, StartPosition)
	o, err := NewObserver(r.g, r.body, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s := o.Snapshot(); s.Tail != tail || s.Moved != tail-StartPosition {
		t.Errorf("%+v, want the tail at %#x", s, tail)
	}
	r.setWord(offProducer, tail)
	for i := range 5 {
		r.receive(i, 20)
	}
	r.c.Release()
	r.c.Publish()
}

func TestAnObserverSeesWhoHasWhatOfAnMPMCRing(t *testing.T) {
	r := smallMPMC(t, 3)
	batch := [][]byte{payload(0, 10), payload(1, 200), payload(2, 0)}
	if n, err := r.p[0].TrySendBatch(9, batch); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if err := r.p[1].TrySend(5, payload(3, 600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.p[2].Claim(300); err != nil {
		t.Fatal(err)
	}
	if _, err := r.c[1].Next(); err != nil { // takes the whole batch
		t.Fatal(err)
	}
	frames, end := observe(t, r.g, r.body, nil)
	if end != ErrEmpty || len(frames) != 4 {
		t.Fatalf("%d frames, %v", len(frames), end)
	}
	for i, f := range frames {
		state, owner := FrameTaken, 1
		if i == 3 {
			state, owner = FrameCommitted, -1
		}
		if f.State != state || f.Owner != owner || !bytes.Equal(f.Payload, payload(i, int(f.Len))) {
			t.Errorf("message %d: %+v", i, f)
		}
	}
	frames, _ = observe(t, r.g, r.body, func(o *Observer) { o.Claims, o.MaxPayload = true, 3 })
	last := frames[len(frames)-1]
	if len(frames) != 5 || last.State != FrameClaimed || last.Owner != 2 || last.Size != 512 || last.Payload != nil {
		t.Errorf("a claim of two cells: %+v", last)
	}
	if len(frames[3].Payload) != 3 || frames[3].Len != 600 {
		t.Errorf("3 bytes of 600: %+v", frames[3])
	}
	o, _ := NewObserver(r.g, r.body, 3)
	if s := o.Snapshot(); s.Depth != 3*256+2*256 || s.Moved != s.Depth+256*batchCells(t, r) || s.Ended {
		t.Errorf("%+v", s)
	}
	r.p[2].Abort()
	r.c[1].Release()
}

// batchCells is how many cells the first claim of a ring takes.
func batchCells(t *testing.T, r *testMPMC) uint64 {
	t.Helper()
	o, err := NewObserver(r.g, r.body, 3)
	if err != nil {
		t.Fatal(err)
	}
	return o.mpmc.span(o.mpmc.load(StartCell))
}

func TestAnObserverSeesWhatMPMCConsumersWillGet(t *testing.T) {
	for _, g := range []Geometry{cells16, {Kind: MPMC, Capacity: 8192, CellSize: 64}, {Kind: MPMC, Capacity: 4096, CellSize: 16, Checksum: true}} {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
			rnd := rand.New(rand.NewPCG(3, 4))
			var sizes []int
			first := 0
			for range 400 {
				if rnd.IntN(2) == 0 {
					n := rnd.IntN(300)
					if err := r.p[rnd.IntN(2)].TrySend(1, payload(len(sizes), n)); err == nil {
						sizes = append(sizes, n)
					}
				} else if c := r.c[rnd.IntN(2)]; true {
					if _, err := c.Next(); err == nil {
						first++
						c.Release()
					}
				}
				frames, end := observe(t, r.g, r.body, nil)
				got := notPadding(frames)
				if end != ErrEmpty || len(got) != len(sizes)-first {
					t.Fatalf("%d frames and %v, want %d", len(got), end, len(sizes)-first)
				}
				for i, f := range got {
					if int(f.Len) != sizes[first+i] || !bytes.Equal(f.Payload, payload(first+i, int(f.Len))) {
						t.Fatalf("message %d is %+v", first+i, f)
					}
				}
				o, _ := NewObserver(r.g, r.body, 2)
				if s := o.Snapshot(); s.Problem != "" || (s.Depth == 0) != (len(got) == 0) || s.Depth > g.Capacity {
					t.Fatalf("%+v with %d messages", s, len(got))
				}
			}
			if err := r.p[0].End(); err != nil && err != ErrFull {
				t.Fatal(err)
			}
			if _, end := observe(t, r.g, r.body, nil); end != io.EOF {
				t.Errorf("after the end: %v", end)
			}
		})
	}
}

func TestAnObserverThatWasOvertakenSaysByHowMuch(t *testing.T) {
	r := smallRing(t)
	m := smallMPMC(t, 1)
	for _, c := range []struct {
		g    Geometry
		body []byte
		size uint64
		send func()
		recv func()
	}{
		{r.g, r.body, 64, func() { r.send(0, 50) }, func() { r.receive(0, 50); r.c.Release(); r.c.Publish() }},
		{m.g, m.body, 256, func() { _ = m.p[0].TrySend(0, payload(0, 50)) }, func() { _, _ = m.c[0].Next(); m.c[0].Release() }},
	} {
		o, err := NewObserver(c.g, c.body, 1)
		if err != nil {
			t.Fatal(err)
		}
		c.send()
		if f, err := o.Next(nil); err != nil || f.Skipped != 0 {
			t.Fatalf("%v: %+v, %v", c.g.Kind, f, err)
		}
		c.recv()
		for range 2 {
			c.send()
			c.recv()
		}
		if _, err := o.Next(nil); err != ErrEmpty {
			t.Fatalf("%v: %v of an empty ring", c.g.Kind, err)
		}
		for range 2 {
			c.send()
			c.recv()
		}
		c.send()
		f, err := o.Next(nil)
		if err != nil || !bytes.Equal(f.Payload, payload(0, 50)) {
			t.Fatalf("%v: %+v, %v", c.g.Kind, f, err)
		}
		if f.Skipped == 0 || f.Skipped%c.size != 0 || f.Skipped > 4*c.size {
			t.Errorf("%v: %d bytes skipped, 2 to 4 messages of %d went by", c.g.Kind, f.Skipped, c.size)
		}
		c.recv()
	}
}

func TestAnObserverTakesNoHarmFromNonsense(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, g := range []Geometry{{Kind: SPSC, Capacity: 4096}, {Kind: SPSC, Capacity: 4096, Checksum: true}, cells16,
		{Kind: MPMC, Capacity: 4096, CellSize: 16}, {Kind: MPMC, Capacity: 8192, CellSize: 64, Checksum: true}, lossy(), lossless()} {
		for round := range 200 {
			body := make([]byte, g.BodySize())
			Format(g, body)
			for range rnd.IntN(200) {
				at := rnd.IntN(len(body)/8) * 8
				if rnd.IntN(3) == 0 {
					at = rnd.IntN(8) * 128
				}
				v := rnd.Uint64() >> rnd.IntN(64)
				if round%2 == 0 { // nearly right
					v = uint64(StartPosition) + uint64(rnd.IntN(8192))<<rnd.IntN(20)
				}
				for i := range 8 {
					body[at+i] = byte(v >> (8 * i))
				}
			}
			_, end := observe(t, g, body, func(o *Observer) { o.Claims = round%4 < 2 })
			if end != ErrEmpty && end != io.EOF && !errors.Is(end, ErrCorrupt) {
				t.Fatalf("%+v: %v", g, end)
			}
		}
	}
}

func TestAnObserverRefusesWhatIsNoRing(t *testing.T) {
	for _, g := range []Geometry{{}, {Kind: SPSC, Capacity: 5000}, {Kind: 77, Capacity: 4096}, {Kind: SPSC, Capacity: 1 << 20}} {
		if _, err := NewObserver(g, make([]byte, 1<<17), 1); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%+v: %v", g, err)
		}
	}
}

func TestAnObserverFindsFramesThatReachWhereTheyCant(t *testing.T) {
	next := func(o *Observer) error {
		for range 100 {
			if _, err := o.Next(nil); err != nil {
				return err
			}
		}
		return nil
	}
	// Into what the consumer has not released.
	r := newRing(t, Geometry{Kind: SPSC, Capacity: 4096}, 1<<32)
	r.hostile = true
	for i := range 30 {
		r.send(i, 100)
	}
	for i := range 20 {
		r.receive(i, 100)
	}
	r.c.Release()
	r.c.Publish()
	for r.p.Position() < 1<<32+4096 {
		r.send(0, 100)
	}
	r.setHeader(1<<32+4096, uint64(MakeHeader(3000, 0, 0)))
	o, err := NewObserver(r.g, r.body, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := next(o); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a frame into the unreleased: %v", err)
	}
	// Beyond the end of its claim.
	m := smallMPMC(t, 1)
	if err := m.p[0].TrySend(0, payload(0, 50)); err != nil {
		t.Fatal(err)
	}
	if o, err = NewObserver(m.g, m.body, 1); err != nil {
		t.Fatal(err)
	}
	at := o.g.dataOffset() + StartCell%m.g.cells()*m.g.CellSize
	m.setWord(at, uint64(MakeHeader(300, 0, 0)))
	if err := next(o); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a frame beyond its claim: %v", err)
	}
	m.setWord(at, uint64(MakeHeader(50, 0, 0)))
	// A claim that shrinks while it is read.
	m = smallMPMC(t, 1)
	if _, err := m.p[0].TrySendBatch(0, [][]byte{payload(0, 400), payload(1, 8)}); err != nil {
		t.Fatal(err)
	}
	if o, err = NewObserver(m.g, m.body, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Next(nil); err != nil {
		t.Fatal(err)
	}
	w := uint64(o.mpmc.load(StartCell))
	m.setCell(StartCell%m.g.cells(), w-1<<spanShift)
	if err := next(o); !errors.Is(err, ErrCorrupt) || !contains(err, "shorter") {
		t.Errorf("a claim that shrank: %v", err)
	}
	m.setCell(StartCell%m.g.cells(), w)
}
