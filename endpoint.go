package ringway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// The roles at a ring, each an entry of the section's table of participants.
const (
	roleProducer = iota
	roleConsumer
	roles
)

// roleName returns what a role is called at a ring.
func roleName(kind Kind, role int) string {
	switch {
	case kind == Broadcast && role == roleProducer:
		return "publisher"
	case kind == Broadcast:
		return "subscriber"
	case role == roleProducer:
		return "producer"
	}
	return "consumer"
}

// endpoint is what a producer and a consumer have in common: a place in the
// section's table, the bell it rings and the one it sleeps on, and how it is
// closed.
type endpoint struct {
	gate    sync.Gate
	mine    *sync.Bell // slept on
	theirs  *sync.Bell // rung
	name    string
	kind    Kind
	role    int
	wait    WaitStrategy
	tended  bool         // somebody else looks whether the peer lives,
	suspect atomic.Bool  // and this is set when it may not
	learner sync.Learner // of Adaptive
	looked  time.Time    // when it was last looked whether the others live
	memory  *memory
	grip    *grip
	guard   *shm.Guard // tells whether the memory was taken away
	place   *shm.Participant
	mourned shm.PeerState         // the peer's death that was reported last
	crew    *crew                 // MPMC: the others
	watch   func(op string) error // broadcast: looks after the others before a wait goes on
	pairing *pairing              // of a connection's ring, which has no places

	counters ring.Counters // of the place
	events   *slog.Logger  // nil: nobody wants to know
}

// attach takes the role at the ring for this process.
func (e *endpoint) attach(r *Ring, role int) error {
	op := "attach " + roleName(r.geometry.Kind, role)
	if r.closed.Load() || !r.memory.hold() {
		return &errs.Error{Op: op, Name: r.name, Err: ErrClosed}
	}
	e.gate.Init()
	e.events = r.options.events
	e.name, e.kind, e.role, e.wait, e.memory = r.name, r.geometry.Kind, role, r.options.wait, r.memory
	e.guard, e.grip, e.pairing = r.memory.section.Guard(), &grip{memory: r.memory}, r.pairing
	err := e.openBells(r)
	if err == nil {
		err = e.takePlace(r)
	}
	if err == nil {
		e.startCounting()
		e.attached()
		e.haveTended()
	}
	if err != nil {
		_ = e.detach()
		_ = e.memory.release()
		return named(err, r.name)
	}
	return nil
}

// takePlace enters the section's table of participants: the one entry of its
// role, or, in an MPMC ring, any.
func (e *endpoint) takePlace(r *Ring) (err error) {
	section := r.memory.section
	if e.pairing != nil {
		return nil
	}
	if e.kind == Broadcast {
		e.place, err = placeAtBroadcast(r, e.role)
		return err
	}
	if e.kind == SPSC {
		e.place, err = section.Attach(e.role, uint32(e.role))
		return err
	}
	if e.crew, err = newCrew(r); err != nil {
		return err
	}
	e.place, err = section.Join(uint32(e.role))
	if errors.Is(err, ErrBusy) {
		// Dead ones keep their entries until they are swept.
		if err = e.sweep("attach"); err == nil {
			e.place, err = section.Join(uint32(e.role))
		}
	}
	return err
}

func (e *endpoint) openBells(r *Ring) error {
	if r.memory.section.ReadOnly() {
		return nil // neither to sleep on nor to be rung
	}
	shared := e.kind != SPSC
	id := fmt.Sprintf("ringway.%v", r.memory.section.Descriptor().Region)
	if r.pairing != nil {
		id += r.pairing.name
	}
	data, err := sync.NewBell(ring.DataBell(r.body), id+".data", shared)
	if err != nil {
		return err
	}
	space, err := sync.NewBell(ring.SpaceBell(r.body), id+".space", shared)
	if err != nil {
		_ = data.Close()
		return err
	}
	find := r.memory.section.Doorbell
	if r.pairing != nil {
		find = r.pairing.doorbell
	} else if runtime.GOOS == "windows" {
		find = nil // events have names
	}
	if find != nil {
		data.Doorbell(func(create bool) (*os.File, error) { return find("data", create) })
		space.Doorbell(func(create bool) (*os.File, error) { return find("space", create) })
	}
	if r.pairing != nil && r.pairing.line != nil {
		data.Line(r.pairing.line)
		space.Line(r.pairing.line)
	}
	if e.mine, e.theirs = data, space; e.role == roleProducer {
		e.mine, e.theirs = space, data
	}
	if e.wait == Adaptive {
		e.mine.Learn(&e.learner)
	}
	if e.wait == Poll || r.pairing != nil && r.pairing.polls {
		return e.mine.Poll()
	}
	return nil
}

// shut closes the gate: nobody is inside afterwards, and nobody comes in.
func (e *endpoint) shut() error {
	interrupt := func() {}
	if e.mine != nil {
		interrupt = e.mine.Interrupt
	}
	if !e.gate.Close(interrupt) {
		return e.errClosed("close")
	}
	return nil
}

// leave gives everything back after shut. With lent, the user has a slice of
// the memory and may be reading or writing it in this very moment: then it
// stays mapped until the next call on the endpoint, or until that is garbage.
func (e *endpoint) leave(lent bool) error {
	e.event(slog.LevelInfo, "detached")
	err := e.detach()
	e.grip.loose.Store(true)
	if lent {
		runtime.AddCleanup(e, (*grip).free, e.grip)
		return err
	}
	return firstError(err, e.grip.release())
}

// shutOut is the error of a call on a closed endpoint. Whatever was lent to the
// user before is over now.
func (e *endpoint) shutOut(op string) error {
	if e.grip != nil && e.grip.loose.Load() {
		e.grip.free()
	}
	return e.errClosed(op)
}

// grip is an endpoint's hold on the mapped memory.
type grip struct {
	memory *memory
	loose  atomic.Bool // the endpoint itself needs the memory no more
	gone   atomic.Bool
}

// release gives the hold up, once.
func (g *grip) release() error {
	if g.gone.Swap(true) {
		return nil
	}
	return g.memory.release()
}

func (g *grip) free() { _ = g.release() }

// detach gives the place and the bells back, but not the memory.
func (e *endpoint) detach() (err error) {
	if e.place != nil {
		err = e.place.Detach()
	}
	for _, b := range []*sync.Bell{e.mine, e.theirs} {
		if b != nil {
			err = firstError(err, b.Close())
		}
	}
	return err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (e *endpoint) errClosed(op string) error {
	return &errs.Error{Op: op, Name: e.name, Err: ErrClosed}
}

// waiter is one call's wait. Its user tries, and while that fails calls pause,
// and in the end done.
type waiter struct {
	e         *endpoint
	ctx       context.Context
	op        string
	poll      sync.Poll
	round     int
	announced bool
	counted   bool
	rung      bool          // woken by who is about to commit, perhaps: see rouse
	nap       time.Duration // the last one
}

// pause lets some time pass until the next try. It returns the reason to give
// up, if there is one.
func (w *waiter) pause() error {
	e := w.e
	if !w.counted {
		w.counted = true
		e.counters.Add(waitsOf[e.role], 1)
	}
	if w.announced {
		// The try since then found nothing.
		w.announced, w.round = false, 0
		if err := w.givesUp(); err != nil {
			e.mine.Retract()
			return err
		}
		e.counters.Add(ring.Sleeps, 1)
		err := e.mine.Sleep(w.ctx)
		w.rung = e.mine.WasRung()
		return err
	}
	if w.rung {
		w.rung = false
		if w.stayAwake() {
			return nil
		}
	}
	switch e.wait.Spin(w.round, &e.learner, w.poll) {
	case sync.Sleep:
		if e.mine == nil {
			return w.doze()
		}
		e.mine.Announce()
		w.announced = true
	case sync.Again:
		const peerEvery = 1 << 13 // rounds between two looks at the others
		if w.round++; w.round%peerEvery == 0 || e.pairing != nil {
			if err := w.givesUp(); err != nil {
				return err
			}
		}
		if e.gate.Closing() {
			return e.errClosed(w.op)
		}
		return w.ctx.Err()
	}
	return nil
}

// stayAwake looks for some 20 µs whether what this side was woken for is there, and
// reports whether it may be. Others of this process get their turn: it may be one
// of them that everybody waits for.
func (w *waiter) stayAwake() bool {
	for range 16 {
		if w.poll(32, 1) {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// doze is what those do for whom nobody rings: it sleeps for a while, a little
// longer each time.
func (w *waiter) doze() error {
	const shortest, longest = 50 * time.Microsecond, time.Millisecond
	w.nap = min(max(2*w.nap, shortest), longest)
	if err := w.givesUp(); err != nil {
		return err
	}
	w.e.counters.Add(ring.Sleeps, 1)
	time.Sleep(w.nap)
	return w.ctx.Err()
}

// givesUp returns the reason not to wait on, if there is one. The others are
// looked after each few milliseconds at most: that enters the kernel.
func (w *waiter) givesUp() error {
	if w.e.gate.Closing() {
		return w.e.errClosed(w.op)
	}
	if w.e.pairing != nil {
		return w.e.peerDied(w.op) // which is known already
	}
	if w.e.tended && !w.e.suspect.Load() {
		return nil
	}
	const every = 10 * time.Millisecond
	now := time.Now()
	if now.Sub(w.e.looked) < every {
		return nil
	}
	w.e.looked = now
	w.e.suspect.Store(false)
	if w.e.kind == MPMC {
		return w.e.sweep(w.op)
	}
	if w.e.watch != nil {
		return w.e.watch(w.op)
	}
	return w.e.peerDied(w.op)
}

// done ends the wait.
func (w *waiter) done() {
	if w.announced {
		w.e.mine.Retract()
	}
}

// haveTended has somebody else look after the peer of an SPSC ring, where that is
// done, so that receivers that poll sleep on a small stack.
func (e *endpoint) haveTended() {
	if e.wait != Poll || e.kind != SPSC || e.pairing != nil {
		return
	}
	look := func() {
		state, err := e.memory.section.Peer(roleProducer + roleConsumer - e.role)
		if err != nil || state.State == shm.Dead || e.guard.Faulted() {
			e.suspect.Store(true)
		}
	}
	if e.tended = e.mine.Tend(look); e.tended {
		look()
	}
}

// peerDied returns an error matching ErrPeerDead the first time that the
// system says so of the process that holds the other role.
func (e *endpoint) peerDied(op string) error {
	if e.guard.Faulted() {
		return e.errFault(op)
	}
	if e.pairing != nil {
		return e.pairing.gone(op)
	}
	peer := roleProducer + roleConsumer - e.role
	state, err := e.memory.section.Peer(peer)
	if err != nil || state.State != shm.Dead || state == e.mourned {
		return err
	}
	e.mourned = state
	if e.events != nil {
		e.events.Warn("peer died", "ring", e.name, "topology", e.kind.String(), "role", roleName(e.kind, peer), "pid", state.PID)
	}
	return &errs.Error{Op: op, Name: e.name, Err: ErrPeerDead,
		Detail: fmt.Sprintf("%s, process %d", roleName(e.kind, peer), state.PID)}
}

// failed completes the error of a call: err, or that the memory was taken
// away. The caller is inside the gate.
func (e *endpoint) failed(op string, err error) error {
	if e.guard.Faulted() {
		return e.errFault(op)
	}
	e.countError(err)
	if err == ErrClosed {
		err = &errs.Error{Op: op, Err: err, Detail: "the ring's end was declared"}
	}
	return named(err, e.name)
}

func (e *endpoint) errFault(op string) error {
	return &errs.Error{Op: op, Name: e.name, Err: ErrFault}
}
