package shm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/mem"
)

func attach(t *testing.T, s *Section, slot int, role uint32) *Participant {
	t.Helper()
	p, err := s.Attach(slot, role)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantPeer(t *testing.T, s *Section, slot int, st State, pid int) {
	t.Helper()
	if ps, err := s.Peer(slot); err != nil || ps.State != st || ps.PID != pid {
		t.Errorf("Peer(%d): %v %+v, %v; want %v, process %d", slot, ps.State, ps, err, st, pid)
	}
}

// entryOf returns the entry of slot itself.
func entryOf(s *Section, slot int) mem.Region {
	return mem.Of(s.Table()).Slice(uint64(slot)*EntrySize, EntrySize)
}

func init() {
	// attach DIR NAME SLOT [STEP]: attaches, or stops at the step of it; says
	// so, and detaches when told to go on.
	children["attach"] = func(args []string) {
		s, err := Open(args[1], OpenOptions{Dir: args[0]})
		if err != nil {
			fmt.Println(err)
			return
		}
		onStep = func(st string) {
			if len(args) > 3 && st == args[3] {
				fmt.Println("at", st)
				pause()
			}
		}
		slot, _ := strconv.Atoi(args[2])
		p, err := s.Attach(slot, 5)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("attached")
		pause()
		fmt.Println(p.Detach())
		pause()
	}
}

func TestAttachIsExclusiveUntilDetach(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		a := create(t, name, small(dir))
		b := open(t, name, OpenOptions{Dir: dir})
		wantPeer(t, a, 1, Absent, 0)
		before := time.Now()
		p := attach(t, a, 1, 77)
		if p.PreviousDied || p.PreviousPID != 0 || p.Slot() != 1 || p.Incarnation() != 1 {
			t.Errorf("%+v", p)
		}
		for _, s := range []*Section{a, b} {
			wantPeer(t, s, 1, Alive, os.Getpid())
			_, err := s.Attach(1, 0)
			if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), fmt.Sprintf("slot 1 is held by process %d", os.Getpid())) {
				t.Error(err)
			}
			ps, _ := s.Peer(1)
			if ps.Role != 77 || ps.Incarnation != 1 || ps.Since.Before(before.Add(-time.Second)) || ps.Since.After(time.Now().Add(time.Second)) {
				t.Errorf("%+v", ps)
			}
		}
		wantPeer(t, b, 0, Absent, 0) // the neighbours are free
		wantPeer(t, b, 2, Absent, 0)
		if err := p.Detach(); err != nil {
			t.Error(err)
		}
		wantPeer(t, b, 1, Absent, 0)
		q := attach(t, b, 1, 0)
		if q.PreviousDied || q.PreviousPID != 0 || q.Incarnation() != 2 {
			t.Errorf("%+v", q)
		}
		if err := p.Detach(); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		wantPeer(t, a, 1, Alive, os.Getpid())
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wantPeer(t, a, 1, Absent, 0)
	})
}

func TestTheEntryIsWrittenAsDrawn(t *testing.T) {
	s := create(t, unique(t), small(""))
	p := attach(t, s, 2, 0xabcd)
	e := entryOf(s, 2)
	start := processStart()
	word := uint64(1)<<62 | uint64(1)<<61 | start*0x9e3779b97f4a7c15>>49<<46 | 1<<32 | uint64(os.Getpid())
	if w := e.Load64(0); w != word {
		t.Errorf("slot word %#x, want %#x", w, word)
	}
	if got := e.Load64(8); got == 0 || got != start {
		t.Errorf("start time %d", got)
	}
	if age := time.Since(time.Unix(0, int64(e.Load64(16)))); age < -time.Second || age > time.Minute {
		t.Errorf("attached %v ago", age)
	}
	if e.Load64(24) != 0xabcd {
		t.Errorf("role %#x", e.Load64(24))
	}
	if e.Load64(32) != word {
		t.Errorf("confirmation %#x", e.Load64(32))
	}
	for off := uint64(40); off < EntrySize; off += 8 {
		if e.Load64(off) != 0 {
			t.Errorf("+%d is %#x", off, e.Load64(off))
		}
	}
	p.Detach()
	if w := e.Load64(0); w != 1<<32 {
		t.Errorf("slot word %#x", w)
	}
}

func TestIncarnationsCountInFourteenBits(t *testing.T) {
	s := create(t, unique(t), small(""))
	entryOf(s, 0).Store64(offSlot, uint64(makeSlot(slotFree, 1<<14-1, 0)))
	if p := attach(t, s, 0, 0); p.Incarnation() != 0 {
		t.Errorf("%+v", p)
	}
	if ps, _ := s.Peer(0); ps.Incarnation != 0 || ps.State != Alive || ps.PID != os.Getpid() {
		t.Errorf("%+v", ps)
	}
}

func TestSlotsOutsideTheTableAreRefused(t *testing.T) {
	s := create(t, unique(t), small(""))
	for _, slot := range []int{-1, 3, 4095, 1 << 30} {
		_, attachErr := s.Attach(slot, 0)
		_, peerErr := s.Peer(slot)
		if !errors.Is(attachErr, ErrBadArgument) || !errors.Is(peerErr, ErrBadArgument) {
			t.Error(attachErr, peerErr)
		}
	}
}

func TestAReadOnlySectionSeesPeersAndCannotAttach(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		s := create(t, name, small(dir))
		ro := open(t, name, OpenOptions{Dir: dir, ReadOnly: true})
		wantPeer(t, ro, 0, Absent, 0)
		attach(t, s, 0, 0)
		wantPeer(t, ro, 0, Alive, os.Getpid())
		if _, err := ro.Attach(1, 0); !errors.Is(err, ErrPermission) {
			t.Error(err)
		}
		c := run(t, "attach", dir, name, "1")
		c.expect("attached")
		wantPeer(t, ro, 1, Alive, c.cmd.Process.Pid)
		c.kill()
		wantPeer(t, ro, 1, Dead, c.cmd.Process.Pid)
	})
}

func TestAKilledParticipantIsDeadBeforeItsHandleIsClosed(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		s := create(t, name, small(dir))
		c := run(t, "attach", dir, name, "0")
		c.expect("attached")
		pid := c.cmd.Process.Pid
		wantPeer(t, s, 0, Alive, pid)
		if _, err := s.Attach(0, 0); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), strconv.Itoa(pid)) {
			t.Error(err)
		}
		h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid)) // keeps the pid
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(h)
		c.kill()
		wantPeer(t, s, 0, Dead, pid)
		p := attach(t, s, 0, 0)
		if !p.PreviousDied || p.PreviousPID != pid || p.Incarnation() != 2 {
			t.Errorf("%+v", p)
		}
		wantPeer(t, s, 0, Alive, os.Getpid())
		p.Detach()
		if q := attach(t, s, 0, 0); q.PreviousDied {
			t.Errorf("the death is reported twice: %+v", q)
		}
	})
}

func TestAParticipantThatExitsWithoutDetachIsDead(t *testing.T) {
	name := unique(t)
	s := create(t, name, small(""))
	c := run(t, "attach", "", name, "0")
	c.expect("attached")
	c.in.Close() // its pause ends it with exit code 3
	c.cmd.Wait()
	wantPeer(t, s, 0, Dead, c.cmd.Process.Pid)
}

// An attacher dies after it has taken a dead one's entry, before or after it has
// written the fields, and before it has confirmed them.
func TestAnAttacherIsItsNameFromTheExchangeOn(t *testing.T) {
	for _, at := range []string{"claimed", "attach"} {
		t.Run(at, func(t *testing.T) {
			name := unique(t)
			s := create(t, name, small(""))
			first := run(t, "attach", "", name, "0")
			first.expect("attached")
			first.kill()
			wantPeer(t, s, 0, Dead, first.cmd.Process.Pid)
			second := run(t, "attach", "", name, "0", at)
			second.expect("at " + at)
			pid := second.cmd.Process.Pid
			wantPeer(t, s, 0, Alive, pid)
			if _, err := s.Attach(0, 0); !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
			second.kill()
			wantPeer(t, s, 0, Dead, pid)
			if p := attach(t, s, 0, 0); !p.PreviousDied || p.PreviousPID != pid {
				t.Errorf("%+v", p)
			}
			third := run(t, "attach", "", name, "1", at)
			third.expect("at " + at)
			wantPeer(t, s, 1, Alive, third.cmd.Process.Pid)
			third.goOn()
			third.expect("attached")
			wantPeer(t, s, 1, Alive, third.cmd.Process.Pid)
		})
	}
}
