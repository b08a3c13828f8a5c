package shm

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// Offsets in an entry's first line; see the package documentation.
const (
	offSlot     = 0
	offStart    = 8
	offAttached = 16
	offRole     = 24
)

// slotState is the state in a slot word.
type slotState uint64

const (
	slotFree slotState = iota
	slotLive
	slotDead  // found dead, not yet swept; written by the body's algorithm
	slotSwept // found dead, and swept; likewise
)

// slotWord is word 0 of an entry.
type slotWord uint64

const incarnationMask = 1<<incarnationBits - 1

func makeSlot(st slotState, incarnation uint32, pid int) slotWord {
	return slotWord(uint64(st)<<62 | uint64(incarnation&incarnationMask)<<32 | uint64(uint32(pid)))
}

func (w slotWord) state() slotState    { return slotState(w >> 62) }
func (w slotWord) incarnation() uint32 { return uint32(w>>32) & incarnationMask }
func (w slotWord) pid() int            { return int(uint32(w)) }

// vacant reports whether nobody has to be swept before the next one.
func (w slotWord) vacant() bool { return w.state() == slotFree || w.state() == slotSwept }

// Participant is one holder of an entry of the table. Its methods may be
// called by any goroutine at any time.
type Participant struct {
	// PreviousDied reports whether the holder before this one ended without
	// Detach, so that what it owned in the body needs recovery. PreviousPID is
	// its process then, as it saw itself, and 0 otherwise. Both are immutable.
	PreviousDied bool
	PreviousPID  int

	s           *Section
	slot        int
	incarnation uint32
	lock        *entryLock // guarded by s.mu; nil once detached
}

// State says what is known of a participant.
type State uint8

// The states of a participant.
const (
	Absent State = iota // nobody ever attached, or the last one detached
	Alive               // attached, and its process has not ended
	Dead                // its process ended without Detach
)

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case Absent:
		return "absent"
	case Alive:
		return "alive"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// PeerState is what Peer found. State comes from the operating system; the
// other fields are what was written into the section, for people, and all zero
// if State is Absent.
type PeerState struct {
	State       State
	PID         int       // in the PID namespace of the peer
	Since       time.Time // when it attached, by its clock
	Role        uint32
	Incarnation uint32 // how many times the slot was attached, modulo 2³⁰ (Windows: 2¹⁴)
}

// Attach makes the caller the holder of entry slot, 0 up to the number of
// participants, if nobody alive holds it: no other process, and nobody else in
// this one. The hold ends with Detach, with Close of the section, or with the
// process, however that ends. A child process does not inherit it.
//
// Attach does not wait. It enters the kernel, and uses a file descriptor unless
// this Section attaches nobody else.
// Errors: ErrBadArgument, ErrBusy (with the holder's process, as written),
// ErrPermission (the section is read-only), ErrFault, ErrClosed, and those of
// the operating system.
func (s *Section) Attach(slot int, role uint32) (*Participant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.attach(slot, role, true)
	return p, named("attach", s.name, err)
}

// Join is Attach for bodies whose participants own something that others must
// sweep when they die: it takes any entry that is free or was swept, and never
// one whose holder died and was not swept. It returns ErrBusy when there is
// none; otherwise errors are those of Attach.
func (s *Section) Join(role uint32) (*Participant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range s.desc.Participants {
		p, err := s.attach(slot, role, false)
		if !errors.Is(err, errs.Busy) {
			return p, named("join", s.name, err)
		}
	}
	return nil, named("join", s.name, failf(errs.Busy, "all %d entries are taken", s.desc.Participants))
}

// attach takes an entry; only with succeed one whose holder died. The caller
// holds s.mu.
func (s *Section) attach(slot int, role uint32, succeed bool) (*Participant, error) {
	e, err := s.entry(slot)
	if err != nil {
		return nil, err
	}
	if s.readOnly {
		return nil, failf(os.ErrPermission, "the section is open read-only")
	}
	if !succeed {
		vacant := false
		if err := s.touch(func() { vacant = slotWord(e.Load64(offSlot)).vacant() }); err != nil {
			return nil, err
		}
		if !vacant {
			return nil, errs.Busy
		}
	}
	lock, err := s.b.lockEntry(s.dir, s.name, slot, succeed)
	if errors.Is(err, errs.Busy) {
		var w slotWord
		if err := s.touch(func() { w = slotWord(e.Load64(offSlot)) }); err != nil {
			return nil, err
		}
		return nil, failf(errs.Busy, "slot %d is held by process %d", slot, w.pid())
	}
	if err != nil {
		return nil, err
	}
	p := &Participant{s: s, slot: slot, lock: lock}
	// Until the word is stored it says how the previous holder ended. A
	// death between here and there changes nothing of that.
	taken := false
	err = s.touch(func() {
		w := lock.before(e)
		if !w.vacant() {
			if !succeed || windowsHeld(w) {
				taken = true
				return
			}
			p.PreviousDied, p.PreviousPID = true, w.pid()
		}
		p.incarnation = (w.incarnation() + 1) & incarnationMask
		e.Store64(offStart, processStart())
		e.Store64(offAttached, uint64(time.Now().UnixNano()))
		e.Store32(offRole, role)
		step("attach") // the entry is held, the word does not say so yet
		// Release: hands over the three fields to Peer's load of the word.
		lock.publish(e, makeSlot(slotLive, p.incarnation, os.Getpid()))
	})
	if err == nil && taken {
		err = errs.Busy
	}
	if err != nil {
		lock.release()
		return nil, err
	}
	s.attached = append(s.attached, p)
	return p, nil
}

// entry returns the entry of slot. The caller holds s.mu.
func (s *Section) entry(slot int) (mem.Region, error) {
	if s.b == nil {
		return mem.Region{}, errs.Closed
	}
	if slot < 0 || slot >= s.desc.Participants {
		return mem.Region{}, failf(errs.BadArgument, "slot %d of %d participants", slot, s.desc.Participants)
	}
	return mem.Of(s.b.mem).Slice(uint64(entryOffset(slot)), EntrySize), nil
}

// entryOffset returns where in the section the entry of slot starts.
func entryOffset(slot int) int64 { return PageSize + int64(slot)*EntrySize }

// Slot returns the number of the entry. It does not allocate.
func (p *Participant) Slot() int { return p.slot }

// Incarnation returns how many times the slot was attached so far, this time
// included, modulo 2³⁰ (Windows: 2¹⁴). It does not allocate.
func (p *Participant) Incarnation() uint32 { return p.incarnation }

// Detach gives the entry back in good order. The caller must have given back
// before what it owned in the body. Detach enters the kernel and does not wait.
// It returns ErrClosed when it was called before, or the section was closed,
// and ErrFault when the section's memory is gone; the entry is free even so.
func (p *Participant) Detach() error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return named("detach", p.s.name, p.detach())
}

// detach is Detach for callers that hold s.mu.
func (p *Participant) detach() error {
	if p.lock == nil {
		return errs.Closed
	}
	e, err := p.s.entry(p.slot)
	if err != nil {
		return err
	}
	// The word comes before the lock: who finds nobody holding the entry
	// must not find it LIVE. Pairs with Peer's second load.
	err = p.s.touch(func() { e.StoreRelease64(offSlot, uint64(makeSlot(slotFree, p.incarnation, 0))) })
	if lockErr := p.lock.release(); err == nil {
		err = lockErr
	}
	p.lock = nil
	p.s.attached = slices.DeleteFunc(p.s.attached, func(q *Participant) bool { return q == p })
	return err
}

// Peer says whether somebody holds entry slot, and whether the last holder
// died. Dead is never a guess and never the result of a timeout: the operating
// system says so, as soon as the process has ended, and before anybody has
// waited for it. An attacher that is about to replace a dead holder counts as
// Alive, under the name of the dead one for a moment; so does a slot whose word
// does not rest while Peer looks.
//
// Peer works on read-only sections, too. It enters the kernel, does not wait,
// and does not allocate. Errors: ErrBadArgument, ErrFault, ErrClosed, and those
// of the operating system.
func (s *Section) Peer(slot int) (PeerState, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ps, err := s.peer(slot)
	return ps, named("peer", s.name, err)
}

func (s *Section) peer(slot int) (ps PeerState, err error) {
	e, err := s.entry(slot)
	if err != nil {
		return PeerState{}, err
	}
	// A word that changes between the loads may be of another holder than the
	// lock. Honest peers change it seldom; if it changes all the time, there
	// is somebody alive who does that.
	const tries = 16
	for range tries {
		var w, again slotWord
		var held bool
		var heldErr error
		err = s.touch(func() {
			w = slotWord(e.Load64(offSlot))
			ps = PeerState{
				PID:         w.pid(),
				Since:       time.Unix(0, int64(e.Load64(offAttached))),
				Role:        e.Load32(offRole),
				Incarnation: w.incarnation(),
			}
			if w.vacant() {
				again = w
				return
			}
			step("peer") // the word is known, the lock is not yet
			held, heldErr = s.b.entryHeld(slot)
			again = slotWord(e.Load64(offSlot))
		})
		if err == nil {
			err = heldErr
		}
		if err != nil {
			return PeerState{}, err
		}
		switch {
		case w.vacant():
			return PeerState{}, nil
		case held, windowsHeld(w):
			ps.State = Alive
		default:
			ps.State = Dead
		}
		if w == again {
			return ps, nil
		}
	}
	ps.State = Alive
	return ps, nil
}
