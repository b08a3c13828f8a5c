package ring

import (
	"errors"
	"fmt"
	"testing"
)

// alikeCast is a ring with a batch of k messages of n bytes in one frame, behind
// one other message.
func alikeCast(t *testing.T, g Geometry, k, n int) (r *testCast, msgs [][]byte) {
	r = newCast(t, g, StartPosition, StartSequence)
	if err := r.p.TrySend(9, payload(1000, 5)); err != nil {
		t.Fatal(err)
	}
	msgs = alikes(1, k, n)
	if sent, err := r.p.TrySendBatch(7, msgs); sent != k || err != nil {
		t.Fatalf("%d of %d sent, %v", sent, k, err)
	}
	return r, msgs
}

// is fails the test unless that is what Next, or its like, returned.
func is(t *testing.T, m Message, err error, want []byte) {
	t.Helper()
	if err != nil || string(m.Payload) != string(want) {
		t.Fatalf("%d bytes %.20x, %v; want %d bytes %.20x", len(m.Payload), m.Payload, err, len(want), want)
	}
}

// lap has the publisher go around the ring until nothing of what was there is
// left, and returns how many messages of 100 bytes that took.
func (r *testCast) lap() (sent uint64) {
	r.Helper()
	for ; sent < castCapacity/100*2; sent++ {
		if err := r.p.TrySend(1, payload(int(sent), 100)); err != nil {
			r.Fatal(err)
		}
	}
	return sent
}

func TestEqualMessagesOfAPublishedBatchShareOneHeader(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	start := r.p.Position()
	if sent, err := r.p.TrySendBatch(7, alikes(1, 30, 8)); sent != 30 || err != nil {
		t.Fatal(sent, err)
	}
	h, n, what := r.p.look(start)
	if h != MakeHeader(240, 7, FlagBatch) || n != 30 || what != message {
		t.Errorf("header %#016x of %d messages", uint64(h), n)
	}
	if took := r.p.Position() - start; took != 16+30*8 || r.p.Sequence() != StartSequence+30 {
		t.Errorf("30 messages of 8 bytes take %d bytes, want 256; the next is number %d", took, r.p.Sequence())
	}
	for _, g := range []Geometry{
		{Kind: Broadcast, Capacity: castCapacity, Checksum: true},
		{Kind: Broadcast, Capacity: castCapacity, SampleEvery: 1, Histograms: 1},
	} {
		r := newCast(t, g, StartPosition, StartSequence)
		r.p.Sample(g, r.body, Sampling{Now: func() uint64 { return 1 }})
		if _, err := r.p.TrySendBatch(7, alikes(1, 3, 8)); err != nil {
			t.Fatal(err)
		}
		if h, n, _ := r.p.look(start); h.Flags() == FlagBatch || n != 1 {
			t.Errorf("of a ring with checksums or stamps the first header is %#016x", uint64(h))
		}
	}
}

func TestNoFrameOfABatchIsLongerThanASubscriberCopiesAtOnce(t *testing.T) {
	for _, capacity := range []uint64{MinCapacity, 1 << 20} {
		g := Geometry{Kind: Broadcast, Capacity: capacity}
		r := newCast(t, g, StartPosition, StartSequence)
		start := r.p.Position()
		sent, err := r.p.TrySendBatch(7, alikes(1, 200, 40))
		if err != nil || capacity > MinCapacity && sent != 200 {
			t.Fatal(sent, err)
		}
		c := cursor{pos: start, seq: StartSequence}
		for c.pos != r.p.Position() {
			h, n, what := r.p.look(c.pos)
			if h.FrameSize() > min(batchMost, capacity/8)+batchOffset || what != message && what != padding {
				t.Fatalf("a frame of %d bytes at position %#x", h.FrameSize(), c.pos)
			}
			c.pass(h, n)
		}
		if c.seq != r.p.Sequence() || c.bytes != uint64(40*sent) {
			t.Errorf("the walk ends before number %d, after %d bytes", c.seq, c.bytes)
		}
	}
}

func TestWhoAsksForAMessageWithinABatchBeginsWithIt(t *testing.T) {
	for _, n := range []int{1, 3, 8, 24, 60} {
		r, msgs := alikeCast(t, lossy(), 5, n)
		for i := range msgs {
			for name, next := range map[string]func(s *BroadcastSubscriber) (Message, error){
				"Next":  (*BroadcastSubscriber).Next,
				"Lease": (*BroadcastSubscriber).Lease,
				"NextBatch": func(s *BroadcastSubscriber) (Message, error) {
					var into [1]Message
					if k, _ := s.NextBatch(into[:]); k != 1 {
						return Message{}, ErrEmpty
					}
					return into[0], nil
				},
			} {
				t.Run(fmt.Sprintf("%d bytes, number %d, %s", n, i, name), func(t *testing.T) {
					s := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: StartSequence + 1 + uint64(i)})
					for at, want := range msgs[i:] {
						if s.Sequence() != StartSequence+1+uint64(i+at) {
							t.Fatalf("the next is number %d", s.Sequence())
						}
						m, err := next(s.BroadcastSubscriber)
						is(t, m, err, want)
						if m.Type != 7 {
							t.Errorf("type %d", m.Type)
						}
					}
					if _, err := s.Next(); err != ErrEmpty || s.cursor.bytes != uint64(5+5*n) {
						t.Errorf("then %v, after %d bytes", err, s.cursor.bytes)
					}
				})
			}
		}
	}
}

func TestTheNewestMessageIsABatchesLast(t *testing.T) {
	for _, k := range []int{2, 5} {
		r, msgs := alikeCast(t, lossy(), k, 13)
		s := r.subscribe(BroadcastOptions{Start: Newest})
		b, seq, typ, err := s.Last([]byte("x"))
		if err != nil || string(b) != "x"+string(msgs[k-1]) || seq != StartSequence+uint64(k) || typ != 7 {
			t.Errorf("the last is number %d, %x of type %d, %v", seq, b, typ, err)
		}
		m, err := s.Next()
		is(t, m, err, msgs[k-1])
		if _, err := s.Next(); err != ErrEmpty {
			t.Error(err)
		}
	}
}

func TestASubscriberOvertakenWithinABatchKnowsHowManyItMissed(t *testing.T) {
	for _, resume := range []Start{Oldest, Newest} {
		for taken := range 6 {
			r, msgs := alikeCast(t, lossy(), 5, 24)
			s := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: StartSequence + 1, Resume: resume})
			for _, want := range msgs[:taken] {
				m, err := s.Next()
				is(t, m, err, want)
			}
			sent := r.lap()
			left := 5
			if taken > 0 { // what it has a copy of it gets
				for _, want := range msgs[taken:] {
					m, err := s.Next()
					is(t, m, err, want)
				}
				left = 0
			}
			_, err := s.Next()
			var lap *Lapped
			if !errors.As(err, &lap) || lap.Next != s.Sequence() {
				t.Fatalf("%d received: %v", taken, err)
			}
			// It goes on at a place of which it is known what is before it.
			if there := r.p.Sequence() - s.Sequence(); lap.Messages != uint64(left)+sent-there || lap.Bytes != uint64(left*24)+(sent-there)*100 {
				t.Errorf("%d received: %v; %d were sent, %d are there", taken, lap, sent, there)
			}
		}
	}
}

func TestASubscriberEvictedWithinABatchGoesOnAndGatesAgain(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(1)
	msgs := alikes(1, 5, 24)
	if _, err := r.p.TrySendBatch(7, msgs); err != nil {
		t.Fatal(err)
	}
	m, err := s.Next()
	is(t, m, err, msgs[0])
	r.fill()
	if !r.p.Bury(r.p.Slowest()) {
		t.Fatal("not evicted")
	}
	r.lap()
	for _, want := range msgs[1:] {
		m, err := s.Next()
		is(t, m, err, want)
	}
	if _, err := s.Next(); !errors.Is(err, ErrLapped) {
		t.Fatal(err)
	}
	r.fill()
	if r.p.Slowest().Number != 1 {
		t.Error("it gates no more")
	}
}

func TestABatchThatFillsALosslessRingIsSentAsFarAsThereIsRoom(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(0)
	into := make([]Message, 3)
	msgs := alikes(1, 1000, 20)
	sent, got := 0, 0
	for rounds := 0; got < len(msgs); rounds++ {
		n, err := r.p.TrySendBatch(7, msgs[sent:])
		if n == 0 && sent < len(msgs) && err != ErrFull || rounds > 2000 {
			t.Fatalf("%d sent, %v", n, err)
		}
		sent += n
		k, _ := s.NextBatch(into)
		for i, m := range into[:k] {
			is(t, m, nil, msgs[got+i])
		}
		if got += k; k == 0 { // around the ring's end
			m, err := s.Next()
			is(t, m, err, msgs[got])
			got++
		}
		s.Publish()
	}
}

func TestAPublishersSuccessorCountsTheMessagesOfABatch(t *testing.T) {
	r, _ := alikeCast(t, lossy(), 5, 24)
	seq, bytes, pos := r.p.seq, r.p.bytes, r.p.pos
	r.restart()
	if r.p.seq != seq || r.p.bytes != bytes || r.p.pos != pos {
		t.Errorf("it goes on with number %d after %d bytes, want %d after %d", r.p.seq, r.p.bytes, seq, bytes)
	}
}

func TestABatchIsCopiedToSlicesThatEndWhereTheMessageDoes(t *testing.T) {
	r, msgs := alikeCast(t, lossy(), 5, 24)
	s := r.subscribe(BroadcastOptions{Start: Oldest})
	into := make([]Message, 3)
	if n, size := s.NextBatch(into); n != 3 || size != 5+2*24 {
		t.Fatalf("%d messages of %d bytes", n, size)
	}
	m, err := s.Next()
	is(t, m, err, msgs[2])
	for i, m := range append(into[1:], m) {
		_ = append(m.Payload, "something else"...)
		is(t, m, nil, msgs[i])
	}
	if n, size := s.NextBatch(into); n != 2 || size != 48 || string(into[1].Payload) != string(msgs[4]) {
		t.Errorf("then %d messages of %d bytes", n, size)
	}
}

func TestABatchThatCanNotBeIsCorrupt(t *testing.T) {
	const most = 1<<64 - 1
	for _, c := range []struct {
		len  uint32
		unit uint64
	}{
		{64, 0}, {64, 5}, {64, 33}, {64, 64}, {64, 65}, {64, most}, {64, 1 << 63}, {0, 0}, {0, 1}, {1, 1}, {4000, 8}, {1<<32 - 1, 8}, {1<<32 - 8, 8},
	} {
		t.Run(fmt.Sprintf("%d bytes in messages of %d", c.len, c.unit), func(t *testing.T) {
			r := newCast(t, lossy(), StartPosition, StartSequence)
			r.send(2)
			s := r.subscribe(BroadcastOptions{Start: Oldest})
			pos := r.p.Position()
			r.setWord(r.dataOff(pos), uint64(MakeHeader(c.len, 1, FlagBatch)^lapTag(pos, r.p.shift)))
			r.setWord(r.dataOff(pos)+8, c.unit)
			s.drainTo(2)
			for range 2 {
				if _, err := s.Next(); !errors.Is(err, ErrCorrupt) {
					t.Errorf("Next: %v", err)
				}
				if _, err := s.Lease(); !errors.Is(err, ErrCorrupt) {
					t.Errorf("Lease: %v", err)
				}
				if n, _ := s.NextBatch(make([]Message, 4)); n != 0 {
					t.Errorf("NextBatch hands out %d", n)
				}
			}
			if _, err := NewBroadcastPublisher(r.g, r.body); !errors.Is(err, ErrCorrupt) {
				t.Errorf("a publisher attaches: %v", err)
			}
			if _, _, _, err := s.Last(nil); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Last: %v", err)
			}
		})
	}
}

func TestABatchIsNoneInARingWithChecksums(t *testing.T) {
	g := lossy()
	g.Checksum = true
	r := newCast(t, g, StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{Start: Oldest})
	pos := r.p.Position()
	r.setWord(r.dataOff(pos)+8, 8)
	r.setWord(r.dataOff(pos), uint64(MakeHeader(64, 1, FlagBatch)^lapTag(pos, r.p.shift)))
	if n, _ := s.NextBatch(make([]Message, 4)); n != 0 {
		t.Errorf("%d messages", n)
	}
	if _, err := s.Next(); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

func TestAnObserverShowsTheMessagesOfABatchOneByOne(t *testing.T) {
	r, msgs := alikeCast(t, lossy(), 5, 13)
	frames, end := observe(t, r.g, r.body, nil)
	if end != ErrEmpty || len(frames) != 6 {
		t.Fatalf("%d frames, %v", len(frames), end)
	}
	at := frames[0].Position + frames[0].Size
	begin := at
	for i, f := range frames[1:] {
		if string(f.Payload) != string(msgs[i]) || f.Len != 13 || f.Type != 7 || f.Sequence != StartSequence+1+uint64(i) ||
			f.Position != begin || f.Flags != FlagBatch || f.Offset != begin%castCapacity+batchOffset+uint64(13*i) {
			t.Errorf("message %d: %+v", i, f)
		}
		at += f.Size
	}
	if at != r.p.Position() {
		t.Errorf("the frames end at %#x, the publisher is at %#x", at, r.p.Position())
	}
}
