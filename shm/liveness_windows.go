package shm

import (
	"sync"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// Windows has no lock that the kernel drops before anybody can learn that the
// holder is dead, and of which others can ask who has it. The slot word itself
// is the hold: whoever exchanges it, from one that nobody alive holds to one
// with his name, has the entry. His name is the pid, and with it the time at
// which the process started, since Windows soon gives a pid to another one.
//
// The time does not fit into the word, and a process may die after the exchange
// and before it has written the time. So the word has 15 bits of a hash of it,
// and the last thing that an attacher writes is the word once more, as a
// confirmation that the whole time is there:
//
//	exchange the slot word → start time, attached at, role → confirmation
//
// A holder is dead if its pid is nobody's, if the handle of its process is
// signaled, or if the process with its pid started at another time: another
// hash, or, with a confirmation, another time. Whatever else the system
// answers, it is not dead. So nobody alive is ever taken for dead. A dead one
// is taken for alive if it died between exchange and confirmation, its pid has
// been given to a process with the same hash (one in 32768), and that process
// runs; or if its pid has been given to a process of which the system tells this
// one nothing; or, of course, if somebody writes words by hand. It lasts until
// that process ends.
//
// A word without the mark was written by a Linux process on a file that both
// see (Wine). Nothing here can prove that one dead.
const (
	incarnationBits = 14
	slotMark        = slotWord(1) << 61
	slotHash        = slotWord(1<<15-1) << 46

	offConfirm = 32 // the slot word again, when start time, attached at and role are its
)

// startHash returns the hash of a start time, where it stands in a slot word.
func startHash(start uint64) slotWord {
	return slotWord(start*0x9e3779b97f4a7c15>>49) << 46
}

// entryLock is one holder's hold of an entry.
type entryLock struct {
	old, own slotWord // what was there before, and what is there now
}

// lockEntry takes the entry of slot, only with succeed from one who died, or
// returns Busy.
func (b *backing) lockEntry(_, _ string, slot int, succeed bool) (*entryLock, error) {
	start := processStart()
	if start == 0 {
		return nil, failf(errs.Unsupported, "the system does not tell when this process started")
	}
	e := mem.Of(b.mem).Slice(uint64(entryOffset(slot)), EntrySize)
	pid := int(windows.GetCurrentProcessId())
	var l *entryLock
	s := Section{b: b}
	err := s.touch(func() {
		const tries = 16 // each is lost to somebody else's attach or detach
		for range tries {
			old := slotWord(e.Load64(offSlot))
			if holds(e, old) || !succeed && !old.vacant() {
				return
			}
			step("dead") // or free
			own := makeSlot(slotLive, old.incarnation()+1, pid) | slotMark | startHash(start)
			if e.CAS64(offSlot, uint64(old), uint64(own)) {
				step("claimed")
				l = &entryLock{old, own}
				return
			}
		}
	})
	if err == nil && l == nil {
		err = errs.Busy
	}
	return l, err
}

// before returns the word that the previous holder left in entry e.
func (l *entryLock) before(mem.Region) slotWord { return l.old }

// publish says in entry e that its other fields are written.
func (l *entryLock) publish(e mem.Region, _ slotWord) { e.StoreRelease64(offConfirm, uint64(l.own)) }

// release has nothing to do: the word that Detach wrote has given the entry up.
func (l *entryLock) release() error { return nil }

// entryHeld reports whether anybody not proven dead holds the entry of slot.
func (b *backing) entryHeld(slot int) (bool, error) {
	e := mem.Of(b.mem).Slice(uint64(entryOffset(slot)), EntrySize)
	return holds(e, slotWord(e.Load64(offSlot))), nil
}

// holds reports whether somebody not proven dead holds entry e if w is its
// word. If the word has changed since it was loaded, the answer means nothing:
// callers look at it again, or exchange it.
func holds(e mem.Region, w slotWord) bool {
	if w.state() != slotLive {
		return false
	}
	if w&slotMark == 0 {
		return true
	}
	confirmed := slotWord(e.Load64(offConfirm)) == w
	start := e.Load64(offStart)
	runs, started := process(w.pid())
	if !runs || started == 0 {
		return runs
	}
	return startHash(started) == w&slotHash && (!confirmed || start == started)
}

// process reports whether a process with that pid has not ended, or is not
// known to have, and when it started, in units of 100 ns since 1601, or 0 if the
// system does not tell.
func process(pid int) (runs bool, started uint64) {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err == windows.ERROR_ACCESS_DENIED {
		h, err = windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	}
	if err != nil {
		return err != windows.ERROR_INVALID_PARAMETER, 0
	}
	defer windows.CloseHandle(h)
	// A process that has ended keeps its pid while anybody has a handle of it.
	if ev, err := windows.WaitForSingleObject(h, 0); err == nil && ev == windows.WAIT_OBJECT_0 {
		return false, 0
	}
	return true, startOf(h)
}

func startOf(h windows.Handle) uint64 {
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(h, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	return uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
}

// processStart returns when this process started, in units of 100 ns since
// 1601, or 0 if that is unknown.
var processStart = sync.OnceValue(func() uint64 { return startOf(windows.CurrentProcess()) })

// windowsHeld has no use here: holds knows.
func windowsHeld(slotWord) bool { return false }
