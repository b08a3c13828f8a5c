package shm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// dead waits until the child has ended, and leaves it a zombie.
func (c *child) dead() {
	c.t.Helper()
	if err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		c.t.Fatal(err)
	}
}

func TestSlotWordHasItsThreeParts(t *testing.T) {
	for _, c := range []struct {
		st   slotState
		inc  uint32
		pid  int
		word slotWord
	}{
		{slotFree, 0, 0, 0},
		{slotLive, 1, 0x1234, 0x4000_0001_0000_1234},
		{slotDead, 0x3fffffff, 1, 0xbfff_ffff_0000_0001},
		{slotSwept, 2, 0x7fffffff, 0xc000_0002_7fff_ffff},
	} {
		w := makeSlot(c.st, c.inc, c.pid)
		if w != c.word || w.state() != c.st || w.incarnation() != c.inc || w.pid() != c.pid {
			t.Errorf("%#x, want %#x", uint64(w), uint64(c.word))
		}
	}
	if w := makeSlot(slotLive, 1<<30, 1); w.state() != slotLive || w.incarnation() != 0 {
		t.Errorf("an incarnation too many changes the state: %#x", uint64(w))
	}
}

func TestAttachIsExclusiveUntilDetach(t *testing.T) {
	dir := memoryDir(t)
	a := create(t, "x", small(dir))
	b := open(t, "x", OpenOptions{Dir: dir})
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
		if ps.Role != 77 || ps.Incarnation != 1 || ps.Since.Before(before.Truncate(time.Microsecond)) || ps.Since.After(time.Now().Add(time.Second)) {
			t.Errorf("%+v", ps)
		}
	}
	wantPeer(t, b, 0, Absent, 0) // the neighbours are free
	wantPeer(t, b, 2, Absent, 0)
	if err := p.Detach(); err != nil {
		t.Error(err)
	}
	if err := p.Detach(); !errors.Is(err, ErrClosed) {
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
}

func TestTheEntryIsWrittenAsDrawn(t *testing.T) {
	s := create(t, "x", small(memoryDir(t)))
	attach(t, s, 2, 0xabcd)
	e := mem.Of(s.Table()).Slice(2*EntrySize, EntrySize)
	if w := e.Load64(0); w != 1<<62|1<<32|uint64(os.Getpid()) {
		t.Errorf("slot word %#x", w)
	}
	if start := e.Load64(8); start == 0 || start != processStart() {
		t.Errorf("start time %d", start)
	}
	if age := time.Since(time.Unix(0, int64(e.Load64(16)))); age < 0 || age > time.Minute {
		t.Errorf("attached %v ago", age)
	}
	if e.Load64(24) != 0xabcd {
		t.Errorf("role %#x", e.Load64(24))
	}
	for off := uint64(32); off < EntrySize; off += 8 {
		if e.Load64(off) != 0 {
			t.Errorf("+%d is %#x", off, e.Load64(off))
		}
	}
}

func TestSlotsOutsideTheTableAreRefused(t *testing.T) {
	s := create(t, "x", small(memoryDir(t)))
	for _, slot := range []int{-1, 3, 4095, 1 << 30} {
		_, attachErr := s.Attach(slot, 0)
		_, peerErr := s.Peer(slot)
		if !errors.Is(attachErr, ErrBadArgument) || !errors.Is(peerErr, ErrBadArgument) {
			t.Error(attachErr, peerErr)
		}
	}
}

func TestAReadOnlySectionSeesPeersAndCannotAttach(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	ro := open(t, "x", OpenOptions{Dir: dir, ReadOnly: true})
	wantPeer(t, ro, 0, Absent, 0)
	p := attach(t, s, 0, 0)
	wantPeer(t, ro, 0, Alive, os.Getpid())
	if _, err := ro.Attach(1, 0); !errors.Is(err, ErrPermission) {
		t.Error(err)
	}
	p.Detach()
	wantPeer(t, ro, 0, Absent, 0)
	c := run(t, "attach", dir, "x", "1")
	c.expect("attached")
	wantPeer(t, ro, 1, Alive, c.cmd.Process.Pid)
	c.cmd.Process.Kill()
	c.dead()
	wantPeer(t, ro, 1, Dead, c.cmd.Process.Pid)
}

func TestAKilledParticipantIsDeadBeforeAnybodyWaitsForIt(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	c := run(t, "attach", dir, "x", "0")
	c.expect("attached")
	pid := c.cmd.Process.Pid
	wantPeer(t, s, 0, Alive, pid)
	if _, err := s.Attach(0, 0); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), strconv.Itoa(pid)) {
		t.Error(err)
	}
	c.cmd.Process.Kill()
	c.dead()
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("it is no zombie: %v", err)
	}
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
}

func TestAStoppedParticipantIsAlive(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	c := run(t, "attach", dir, "x", "0")
	c.expect("attached")
	pid := c.cmd.Process.Pid
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	wantPeer(t, s, 0, Alive, pid)
	unix.Kill(pid, unix.SIGCONT)
	c.goOn()
	c.expect("<nil>")
	wantPeer(t, s, 0, Absent, 0)
}

func TestAnAttacherThatHoldsTheLockIsNeverDead(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	first := run(t, "attach", dir, "x", "0")
	first.expect("attached")
	first.kill()
	firstPID := first.cmd.Process.Pid
	wantPeer(t, s, 0, Dead, firstPID)
	second := run(t, "attach", dir, "x", "0", "attach")
	second.expect("at attach") // it has the lock; the word is still of the first
	wantPeer(t, s, 0, Alive, firstPID)
	second.kill()
	wantPeer(t, s, 0, Dead, firstPID)
	// One that dies between lock and word hides nothing of the death before.
	if p := attach(t, s, 0, 0); !p.PreviousDied || p.PreviousPID != firstPID {
		t.Errorf("%+v", p)
	}
	third := run(t, "attach", dir, "x", "1", "attach")
	third.expect("at attach")
	wantPeer(t, s, 1, Absent, 0) // not attached yet
	if _, err := s.Attach(1, 0); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	third.goOn()
	third.expect("attached")
	wantPeer(t, s, 1, Alive, third.cmd.Process.Pid)
}

func TestClosingAnotherDescriptorDoesNotDropTheLock(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	attach(t, s, 0, 0)
	for range 3 {
		if f, err := os.Open(dir + "/ringway.x"); err != nil {
			t.Fatal(err)
		} else {
			f.Close()
		}
		open(t, "x", OpenOptions{Dir: dir}).Close()
		s.Attach(0, 0)
	}
	wantPeer(t, s, 0, Alive, os.Getpid())
}

func TestAChildProcessDoesNotInheritTheHold(t *testing.T) {
	dir := memoryDir(t)
	s, mine := create(t, "x", small(dir)), open(t, "x", OpenOptions{Dir: dir})
	attach(t, mine, 2, 0)
	p := attach(t, mine, 0, 0)
	run(t, "attach", dir, "x", "1").expect("attached")
	// As if this process had died.
	if err := errors.Join(unix.Close(p.lock.fd), mine.b.close()); err != nil {
		t.Fatal(err)
	}
	mine.b, mine.attached = nil, nil
	for _, slot := range []int{0, 2} {
		wantPeer(t, s, slot, Dead, os.Getpid())
		if q := attach(t, s, slot, 0); !q.PreviousDied {
			t.Errorf("%+v", q)
		}
	}
}

func TestAttachWorksOnASectionWithoutAName(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	if err := Remove("x", dir); err != nil {
		t.Fatal(err)
	}
	attach(t, s, 0, 0)
	wantPeer(t, s, 0, Alive, os.Getpid())
}

func TestWithoutProcAttachGoesByTheNameAndChecksTheFile(t *testing.T) {
	noProc = true
	defer func() { noProc = false }()
	dir := memoryDir(t)
	s := create(t, "x", small(dir))
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("in the directory: %q", got)
	}
	attach(t, s, 0, 0)
	wantPeer(t, s, 0, Alive, os.Getpid())
	if _, err := s.Attach(0, 0); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	Remove("x", dir)
	if _, err := s.Attach(1, 0); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	next := create(t, "x", small(dir))
	if _, err := s.Attach(1, 0); !errors.Is(err, unix.ESTALE) {
		t.Error("attached to another generation:", err)
	}
	wantPeer(t, next, 1, Absent, 0)
}
