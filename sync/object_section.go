package sync

import (
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
)

// On Linux an event or a semaphore is a section of its own, whose body has two words:
//
//	offset   word           written by
//	┌─────────────────────────────────────────────────────────────────────────┐
//	│ 0x00  count     u32     everybody; the word that is slept on while it's 0 │
//	│ 0x04  waiters   u32     who sleeps, or is about to, adds one and takes it │
//	│                         back; a waker needs no system call while it's 0   │
//	└─────────────────────────────────────────────────────────────────────────┘
//
// The count alone decides. A wake-up is a hint: if one is lost, with a process
// that was killed after it was woken and before it took anything, the others
// find out after SafetyNet. Who died asleep leaves the waiters too high, which
// costs whoever raises the count a system call for nothing.
const (
	offCount   = 0
	offWaiters = 4
	objectBody = mem.Line
)

// The descriptor's parameters.
const (
	paramMost   = 0
	paramManual = 1
)

// check takes the traits out of a descriptor, or says that it isn't that of
// such an object.
func check(d shm.Descriptor, t *traits) error {
	if d.Kind != t.kind {
		return &errs.Error{Op: "check", Err: errs.BadArgument, Detail: "the section is of another kind"}
	}
	most, manual := d.Params[paramMost], d.Params[paramManual]
	rest := d.Params
	rest[paramMost], rest[paramManual] = 0, 0
	if d.BodySize < objectBody || most == 0 || most > 1<<31-1 || manual > 1 || rest != [8]uint64{} ||
		t.kind == KindEvent && most != 1 || t.kind == KindSemaphore && manual != 0 {
		return &errs.Error{Op: "check", Err: errs.Corrupt, Detail: "the descriptor is not that of this version"}
	}
	t.most, t.manual = uint32(most), manual == 1
	return nil
}

// ObjectState is what an event or a semaphore looked like at some moment, from
// outside.
type ObjectState struct {
	Kind    string `json:"kind"`             // "event" or "semaphore"
	Manual  bool   `json:"manual,omitempty"` // an event of manual reset
	Count   uint32 `json:"count"`            // of an event: 1 if it is set
	Most    uint32 `json:"most"`             // the largest count
	Waiters uint32 `json:"waiters"`          // who sleeps, and who died at that
}

// LookAt looks at an event or a semaphore in the body of a section, with that
// descriptor, which may be mapped read-only. It changes nothing. The error matches
// ErrBadArgument when the section is neither, and ErrCorrupt when it can't be true.
func LookAt(d shm.Descriptor, body []byte) (ObjectState, error) {
	t := traits{kind: d.Kind}
	if t.kind != KindEvent && t.kind != KindSemaphore {
		return ObjectState{}, &errs.Error{Op: "look at object", Err: errs.BadArgument, Detail: "the section is of another kind"}
	}
	if err := check(d, &t); err != nil {
		return ObjectState{Kind: t.noun()}, err
	}
	words := mem.Of(body[:objectBody])
	s := ObjectState{Kind: t.noun(), Manual: t.manual, Most: t.most, Count: words.Load32(offCount), Waiters: words.Load32(offWaiters)}
	if s.Count > s.Most {
		return s, failf("look at "+s.Kind, "", errs.Corrupt, "it is %d, of at most %d", s.Count, s.Most)
	}
	return s, nil
}
