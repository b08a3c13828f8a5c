package sync

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
)

// osObject is the section of an event or a semaphore.
type osObject struct {
	section *shm.Section
	words   mem.Region
}

func (s *osObject) create(name, dir string, t traits) error {
	o := shm.Options{Kind: t.kind, Body: objectBody, Participants: 1, Dir: dir,
		Init: func(body []byte) { mem.Of(body).Store32(offCount, t.first) }}
	o.Params[paramMost] = uint64(t.most)
	if t.manual {
		o.Params[paramManual] = 1
	}
	section, err := shm.Create(name, o)
	if err != nil {
		return err
	}
	s.section, s.words = section, mem.Of(section.Body()[:objectBody])
	return nil
}

func (s *osObject) open(name, dir string, t *traits) error {
	section, err := shm.Open(name, shm.OpenOptions{Dir: dir})
	if err != nil {
		return err
	}
	if err := check(section.Descriptor(), t); err != nil {
		_ = section.Close()
		return failf("open "+t.noun(), name, errs.NotRingway, "%v", err)
	}
	s.section, s.words = section, mem.Of(section.Body()[:objectBody])
	return nil
}

func removeObject(name, dir string) error {
	section, err := shm.Open(name, shm.OpenOptions{Dir: dir, ReadOnly: true})
	if err != nil {
		return err
	}
	kind := section.Descriptor().Kind
	_ = section.Close()
	if kind != KindEvent && kind != KindSemaphore {
		return failf("remove", name, errs.NotRingway, "it is neither an event nor a semaphore")
	}
	return shm.Remove(name, dir)
}

func (s *osObject) close() error { return s.section.Close() }

func (s *osObject) faulted() error {
	if s.section.Guard().Faulted() {
		return errs.Fault
	}
	return nil
}

// attempts bounds the loops that another process could keep going by changing
// the count all the time. Of honest ones one gets on each time that another
// doesn't.
const attempts = 1 << 16

func (s *osObject) add(t traits, n uint32) error {
	for range attempts {
		count := s.words.Load32(offCount)
		sum := uint64(count) + uint64(n)
		switch {
		case t.kind == KindEvent:
			sum = 1
		case count > t.most:
			return failf("", "", errs.Corrupt, "it is %d, of at most %d", count, t.most)
		case sum > uint64(t.most):
			return failf("", "", errs.BadArgument, "%d more than %d are more than the largest, %d", n, count, t.most)
		}
		// Hands over what was done before to the CAS, or load, in try. With the
		// load of the waiters behind it, it pairs with those in announce and
		// try: either they see this or this sees them.
		if !s.words.CAS32(offCount, count, uint32(sum)) {
			continue
		}
		if s.words.Load32(offWaiters) != 0 {
			wake := uintptr(n)
			if t.manual {
				wake = everyone
			}
			futexWake(s.words.Ptr32(offCount), wake)
		}
		return s.faulted()
	}
	return failf("", "", errs.Corrupt, "it changes all the time")
}

func (s *osObject) reset() error {
	s.words.Store32(offCount, 0)
	return s.faulted()
}

func (s *osObject) try(t traits) (bool, error) {
	for range attempts {
		count := s.words.Load32(offCount)
		if count == 0 {
			break
		}
		left := count - 1
		if t.kind == KindEvent {
			left = 0
		}
		// Pairs with the CAS in add.
		if t.manual || s.words.CAS32(offCount, count, left) {
			return true, s.faulted()
		}
	}
	return false, s.faulted()
}

// osWait is a word of this process that one wait sleeps on beside its
// objects.
type osWait struct {
	word  *uint32
	seen  uint32
	words []futexV
}

func (w *osWait) open() error {
	if w.word == nil {
		w.word = new(uint32) // which stays where it is
	}
	return nil
}

// wake ends the sleep, or the one that is announced.
func (w *osWait) wake() {
	atomic.AddUint32(w.word, 1)
	futexWakeOwn(w.word, 1)
}

// announce says that this wait is about to sleep.
func (w *osWait) announce(all []*object) {
	w.seen = atomic.LoadUint32(w.word)
	for _, o := range all {
		o.os.words.Add32(offWaiters, 1)
	}
}

// sleep sleeps until one of the objects may have something, wake, or for d.
func (w *osWait) sleep(all []*object, d time.Duration) (int, error) {
	if w.words == nil {
		w.words = make([]futexV, 0, 4)
	}
	v := append(w.words[:0], make([]futexV, len(all)+1)...)
	for i, o := range all {
		v[i].set(o.os.words.Ptr32(offCount), 0, 0)
	}
	v[len(all)].set(w.word, w.seen, futexVPrivate)
	w.words = v
	if !futexWaitAny(v, d) {
		futexWait(all[0].os.words.Ptr32(offCount), 0, min(d, time.Millisecond))
	}
	runtime.KeepAlive(w)
	return -1, nil
}

// retract takes the announcement back. A wait that is over may have been woken
// for what it didn't take: that goes to others.
func (w *osWait) retract(all []*object, over bool) {
	for _, o := range all {
		left := o.os.words.Add32(offWaiters, ^uint32(0))
		if over && !o.traits.manual && left != 0 && o.os.words.Load32(offCount) != 0 {
			futexWake(o.os.words.Ptr32(offCount), 1)
		}
	}
}
