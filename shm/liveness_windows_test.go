package shm

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// What a dead holder left behind, its pid now that of this process, which
// started at another time.
func TestAPidThatWasGivenToAnotherProcessMakesNobodyAlive(t *testing.T) {
	s := create(t, unique(t), small(""))
	start, me := processStart(), os.Getpid()
	otherHash, sameHash := start+1, start+1
	for startHash(otherHash) == startHash(start) {
		otherHash++
	}
	for sameHash == start || startHash(sameHash) != startHash(start) {
		sameHash++
	}
	mine := makeSlot(slotLive, 7, me) | slotMark
	for _, c := range []struct {
		what          string
		word, confirm slotWord
		start         uint64
		dead          bool
	}{
		{"ours", mine | startHash(start), mine | startHash(start), start, false},
		{"ours, not yet confirmed", mine | startHash(start), 0, 0, false},
		{"ours, the fields are of the one before", mine | startHash(start), mine | startHash(otherHash), otherHash, false},
		{"another hash", mine | startHash(otherHash), mine | startHash(otherHash), otherHash, true},
		{"another hash, not confirmed", mine | startHash(otherHash), 0, 0, true},
		{"another hash, our time", mine | startHash(otherHash), 0, start, true},
		{"our hash, another time", mine | startHash(sameHash), mine | startHash(sameHash), sameHash, true},
		{"our hash, another time, not confirmed", mine | startHash(sameHash), 0, sameHash, false},
		{"of a Linux process", mine &^ slotMark, 0, 12345, false},
		{"of a Linux process with a pid of nobody", makeSlot(slotLive, 7, 0x3ffffff1), 0, 12345, false},
		{"a pid of nobody", makeSlot(slotLive, 7, 0x3ffffff0) | slotMark | startHash(start), 0, start, true},
	} {
		e := entryOf(s, 0)
		e.Store64(offSlot, uint64(c.word))
		e.Store64(offStart, c.start)
		e.Store64(offConfirm, uint64(c.confirm))
		want := Alive
		if c.dead {
			want = Dead
		}
		wantPeer(t, s, 0, want, c.word.pid())
		p, err := s.Attach(0, 0)
		if !c.dead {
			if !errors.Is(err, ErrBusy) {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil || !p.PreviousDied || p.PreviousPID != c.word.pid() || p.Incarnation() != 8 {
			t.Fatalf("%s: %+v, %v", c.what, p, err)
		}
		p.Detach()
	}
}

// What the body's algorithm writes when it has found a holder dead.
func TestAHolderFoundDeadIsNeverAliveAndJoinTakesItsEntryOnceSwept(t *testing.T) {
	s := create(t, unique(t), small(""))
	found := func(st slotState) {
		entryOf(s, 0).Store64(offSlot, uint64(makeSlot(st, 1, os.Getpid())|slotMark|startHash(processStart())))
	}
	join := func(slot int) *Participant {
		t.Helper()
		p, err := s.Join(0)
		if err != nil || p.Slot() != slot || p.PreviousDied {
			t.Fatalf("%+v, %v, want slot %d", p, err, slot)
		}
		return p
	}
	found(slotDead)
	wantPeer(t, s, 0, Dead, os.Getpid())
	join(1).Detach()
	if p := attach(t, s, 0, 0); !p.PreviousDied || p.Incarnation() != 2 {
		t.Errorf("%+v", p)
	} else {
		p.Detach()
	}
	found(slotSwept)
	wantPeer(t, s, 0, Absent, 0)
	if p := join(0); p.Incarnation() != 2 {
		t.Errorf("%+v", p)
	}
	wantPeer(t, s, 0, Alive, os.Getpid())
}

func TestJoinPassesByWhoDiedWithoutBeingSwept(t *testing.T) {
	name := unique(t)
	s := create(t, name, small(""))
	c := run(t, "attach", "", name, "0")
	c.expect("attached")
	c.kill()
	for slot := 1; slot < 3; slot++ {
		if p, err := s.Join(0); err != nil || p.Slot() != slot || p.PreviousDied {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if _, err := s.Join(0); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	wantPeer(t, s, 0, Dead, c.cmd.Process.Pid)
}

func TestOfManyAttachersOneWins(t *testing.T) {
	name := unique(t)
	s := create(t, name, small(""))
	dead := run(t, "attach", "", name, "0")
	dead.expect("attached")
	dead.kill()
	corpse := entryOf(s, 0).Load64(offSlot)
	for round := range 200 {
		entryOf(s, 0).Store64(offSlot, corpse)
		var wg sync.WaitGroup
		var won atomic.Int32
		for range 8 {
			wg.Go(func() {
				o, err := Open(name, OpenOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				p, err := o.Attach(0, 0)
				if err == nil {
					won.Add(1)
					if !p.PreviousDied {
						t.Error("nobody died")
					}
					p.lock = nil // keeps the entry
				} else if !errors.Is(err, ErrBusy) {
					t.Error(err)
				}
				o.attached = nil
				o.Close()
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d won", round, won.Load())
		}
	}
}
