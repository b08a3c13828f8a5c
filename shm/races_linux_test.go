package shm

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestOfManyAttachersOneHoldsAndNobodySeesItDead(t *testing.T) {
	dir := memoryDir(t)
	create(t, "x", small(dir))
	var holders, attached atomic.Int32
	var work, watch sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		s := open(t, "x", OpenOptions{Dir: dir, ReadOnly: true})
		watch.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if ps, err := s.Peer(0); err != nil || ps.State == Dead || ps.State == Alive && ps.PID != os.Getpid() {
					t.Errorf("%+v, %v", ps, err)
					return
				}
			}
		})
	}
	for range 4 {
		s := open(t, "x", OpenOptions{Dir: dir})
		work.Go(func() {
			for range 500 {
				p, err := s.Attach(0, 0)
				if errors.Is(err, ErrBusy) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 || p.PreviousDied {
					t.Errorf("%d holders, %+v", n, p)
				}
				attached.Add(1)
				holders.Add(-1)
				if err := p.Detach(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	close(done)
	watch.Wait()
	s := open(t, "x", OpenOptions{Dir: dir})
	if p := attach(t, s, 0, 0); int32(p.Incarnation()) != attached.Load()+1 {
		t.Errorf("incarnation %d after %d holders", p.Incarnation(), attached.Load())
	}
}

func TestWhoDetachesDuringPeerIsNotDead(t *testing.T) {
	dir := memoryDir(t)
	s, other := create(t, "x", small(dir)), open(t, "x", OpenOptions{Dir: dir})
	p := attach(t, other, 0, 0)
	defer func() { onStep = nil }()
	onStep = func(string) {
		onStep = nil
		p.Detach()
	}
	wantPeer(t, s, 0, Absent, 0)
	p = attach(t, other, 0, 0)
	onStep = func(string) {
		onStep = nil
		p.Detach()
		p = attach(t, other, 0, 0)
		p.lock.release() // as if it had died at once
	}
	ps, err := s.Peer(0)
	if ps.State != Dead || ps.Incarnation != 3 || err != nil {
		t.Errorf("%+v, %v; want the third holder dead", ps, err)
	}
	p.lock = nil
	p = attach(t, other, 0, 0)
	onStep = func(st string) { // every time, until Peer gives up
		if st == "peer" {
			p.Detach()
			p = attach(t, other, 0, 0)
			p.Detach()
			mem.Of(s.Table()).Store64(0, uint64(makeSlot(slotLive, p.Incarnation(), 1)))
		}
	}
	if ps, err := s.Peer(0); ps.State != Alive || err != nil {
		t.Errorf("%+v, %v; who changes the word all the time is alive", ps, err)
	}
}

func TestHostileSlotWordsNeitherHangNorMislead(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	e := mem.Of(s.Table()).Slice(0, EntrySize)
	for _, c := range []struct {
		word uint64
		st   State
		died bool
	}{
		{^uint64(0), Absent, false}, // swept: nothing is left to recover
		{2 << 62, Dead, true},
		{1 << 62, Dead, true},
		{1<<62 - 1, Absent, false},
	} {
		e.Store64(0, c.word)
		if ps, err := s.Peer(0); ps.State != c.st || err != nil {
			t.Errorf("%#x: %v, %v", c.word, ps, err)
		}
		p := attach(t, s, 0, 0)
		if p.PreviousDied != c.died || p.Incarnation() != uint32(c.word>>32+1)&incarnationMask {
			t.Errorf("%#x: %+v", c.word, p)
		}
		e.Store64(0, c.word) // overwritten while held
		if ps, err := s.Peer(0); ps.State == Dead || err != nil {
			t.Errorf("%#x, held: %v, %v", c.word, ps, err)
		}
		p.Detach()
		wantPeer(t, s, 0, Absent, 0)
	}
	// A word that never rests.
	e.Store64(0, 1<<62)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := uint64(0); ; i++ {
			select {
			case <-done:
				return
			default:
				e.Store64(0, 1<<62|i)
			}
		}
	})
	for range 1000 {
		if ps, err := s.Peer(0); ps.State == Absent || err != nil {
			t.Error(ps, err)
		}
	}
	close(done)
	wg.Wait()
}

func TestPeerDoesNotAllocate(t *testing.T) {
	if mem.Hooked {
		t.Skip("the hooks of the tag shmtest allocate")
	}
	s := create(t, "x", small(memoryDir(t)))
	attach(t, s, 0, 0)
	if n := testing.AllocsPerRun(100, func() { s.Peer(0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPeer(b *testing.B) {
	dir := b.TempDir()
	s, err := Create("x", small(dir))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Attach(0, 0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Peer(0)
	}
}
