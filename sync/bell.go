package sync

import (
	"context"
	"os"
	"time"

	"github.com/ringway/ringway/internal/clock"
	"github.com/ringway/ringway/internal/mem"
)

// SafetyNet bounds the first sleep of a wait; while nobody rings the next ones
// double, up to LongNet, so that a process that waits for long takes next to
// nothing of a processor. Nothing depends on it as long as both sides behave: it
// limits the harm of a waker that was killed between its two steps or that never
// wakes, and sets how often a sleeper looks whether its peer still lives.
const SafetyNet = 100 * time.Millisecond

// safety is SafetyNet, but in tests, which make it so long that a wake-up that is
// lost shows: the sleep doesn't end.
var safety = SafetyNet

// SharedNet is the safety net of a bell that several sleep on: any of them may
// have to look after one that died in the midst of them. It is doubled only
// while there is nothing to look after; see [Bell.Rests].
const SharedNet = 40 * time.Millisecond

// LongNet is the longest sleep. Those who poll begin with it: they are many.
const LongNet = time.Second

// LineNet is the longest sleep of those who poll a line, for whom the first is
// LongNet: they are more, and interrupted when the other side is dead.
const LineNet = time.Minute

// firstUnfenced bounds the first sleep of a side that can't issue barriers. The
// ringer may have loaded the state just before it said so; by the time this is
// over its stores have long been visible.
const firstUnfenced = time.Millisecond

// The words of a bell, in the memory it is made over.
const (
	offSeq   = 0 // u32: moved by everyone who wakes; the word that is slept on
	offState = 4 // u32: written by the sleeper; asleep is cleared by the ringer
	offRung  = 8 // u64: when it was rung, in ns of package clock, by who rings when asked; a hint

	asleep     = 1  // the sleeper is about to sleep, or sleeps
	needFence  = 2  // the sleeper has no barrier: the ringer must fence
	onDoorbell = 4  // it sleeps on the doorbell
	timed      = 8  // the ringer is asked to write down when it rings
	spares     = 16 // the sleeper goes without barriers: the ringer must fence, as long as it leaves this standing
)

// briskly is how many ns a sleep lasts that was too short to spare its barrier.
const briskly = 250_000

// inVain is how many fences for nobody who sleeps the ringer puts up with.
var inVain uint8 = 8

// Bell is one side's handle of the two words that one side sleeps on and the
// other rings. A Bell belongs to one goroutine at a time, except for Interrupt.
type Bell struct {
	mem     mem.Region
	own     uint32
	seq     uint32
	idle    uint32      // sleeps since the bell was rung
	fenced  bool        // ringer: a fence before each load of the state
	vain    uint8       // ringer: fences since somebody slept
	shared  bool        // several may sleep on it
	fresh   bool        // sleeper: has not slept since it asked for fences
	brisk   bool        // sleeper: its last sleep was short
	spared  bool        // sleeper: has passed a barrier since it set spares
	polls   bool        // sleeper: in the runtime's poller
	lined   bool        // there on a line
	thread  bool        // sleeper: can't do that
	heir    bool        // sleeper: may have to end what another one began,
	rests   func() bool // unless this says no; nil: always
	watcher *watcher
	learner *Learner

	woke  func()                   // called by Ring when it has woken somebody; may be nil
	awake func(took time.Duration) // called by Sleep when it was woken; may be nil

	done    <-chan struct{} // of the context that is watched
	stop    func() bool     // ends the watch, unless the context has ended
	through chan struct{}   // closed when its end has interrupted
	os      osBell
}

// NewBell returns a handle of the bell in r, which must hold 16 bytes that both
// processes share and that stay mapped until Close. The name must be the same
// in all processes and unlike any other bell's on the machine; systems that
// need a kernel object to sleep on derive its name from it. With shared, several
// may sleep at the same time, and a ring wakes all of them. The error is the
// system's.
func NewBell(r mem.Region, name string, shared bool) (*Bell, error) {
	b := &Bell{mem: r, shared: shared, heir: shared, fenced: !registerBarrier()}
	if !haveBarrier() {
		b.own, b.fresh = needFence, true
	}
	if err := b.os.open(name, shared); err != nil {
		return nil, err
	}
	return b, nil
}

// OnWake has f called each time that Ring has woken somebody by system call, on
// Ring's goroutine. Call it before the bell is used.
func (b *Bell) OnWake(f func()) { b.woke = f }

// OnAwake has f called each time that Sleep was ended by a ring while it slept,
// with the time from there to being awake, on Sleep's goroutine. Both times are
// the ringer's and this process's word, so what f gets may be anything that isn't
// negative. Call it before the bell is used.
func (b *Bell) OnAwake(f func(took time.Duration)) { b.awake = f }

// Doorbell says how to open the descriptor that sleepers who poll sleep on, on
// systems that need one: a FIFO or a socket, not blocking, that is readable
// after each byte written into it. With create it is made if it isn't there. What
// find returns belongs to the bell. Call it before any other method.
func (b *Bell) Doorbell(find func(create bool) (*os.File, error)) { b.os.find = find }

// Line has sleepers who poll use a line, and no doorbell, on either side. It must stay open
// until the bell is closed. Call it before any other method.
func (b *Bell) Line(l *Line) {
	b.os.onLine(l)
	b.lined = true
}

// Poll has this handle sleep in the runtime's poller from now on, which takes
// no thread for each sleeper. It enters the kernel. The error matches
// errs.Unsupported when there is nothing to poll.
func (b *Bell) Poll() error {
	if b.polls {
		return nil
	}
	own, err := b.os.poll()
	if err != nil {
		return err
	}
	b.own |= own
	b.polls = true
	return nil
}

// Tend has look called, on another goroutine, each [LongNet] until Close, and ends a
// long sleep afterwards, if there is one. It reports whether that is done here: for
// one who polls a doorbell alone. Others have to look around for themselves when they
// wake. Call it after Poll and before the first sleep.
func (b *Bell) Tend(look func()) bool { return b.os.tend(look) }

// FD returns the descriptor that becomes readable when the bell is rung after
// Announce, once Poll has been called, or -1 on systems without one. It belongs
// to the bell.
func (b *Bell) FD() int { return b.os.descriptor() }

// Drain makes the descriptor unreadable until the next ring.
func (b *Bell) Drain() { b.os.drain() }

// Close gives back what the bell holds of the system. Nobody may sleep on this
// handle any more.
func (b *Bell) Close() error {
	b.unwatch()
	b.endWatcher()
	return b.os.close()
}

// Ring wakes the other side if it sleeps. Call it after the store that the
// other side waits for. Unless there is a sleeper it makes no system call.
func (b *Bell) Ring() {
	if b.Awaited() {
		b.wake()
	}
}

// Awaited reports whether Ring has something to do.
func (b *Bell) Awaited() bool {
	// Pairs with the store in Announce and the barrier behind it.
	return b.fenced || b.mem.Load32(offState) != 0
}

func (b *Bell) wake() {
	state := uint32(needFence)
	if !b.fenced {
		state = b.mem.Load32(offState)
	}
	if state&(needFence|spares) != 0 {
		b.mem.Fence()
		state = b.mem.Load32(offState)
	}
	// Whoever clears the bit wakes. The sleeper sets it again before it
	// sleeps again.
	if state&asleep != 0 && b.mem.CAS32(offState, state, state&^(asleep|onDoorbell|timed)) {
		if state&timed != 0 {
			b.mem.StoreRelease64(offRung, clock.Now())
		}
		b.os.wake(b.mem, b.mem.Add32(offSeq, 1), state)
		b.vain = 0
		if b.woke != nil {
			b.woke()
		}
	} else if state&(asleep|spares) == spares {
		if b.vain++; b.vain >= inVain {
			b.vain = 0
			// Not if it is asleep by now. Who misses spares when it announces itself passes a barrier.
			b.mem.CAS32(offState, state, state&^spares)
		}
	}
}

// Interrupt ends the sleep of whoever sleeps on the bell, and the one that is
// announced. Any goroutine may call it.
func (b *Bell) Interrupt() {
	b.os.wake(b.mem, b.mem.Add32(offSeq, 1), 0)
}

// Announce says that this side is about to sleep. After it the caller must
// look once more for what it waits for, and then call either Sleep or Retract.
func (b *Bell) Announce() {
	b.seq = b.mem.Load32(offSeq)
	// Pairs with the load in Ring: either the ringer sees this, or the look
	// that follows sees what the ringer published.
	// A peer that keeps changing the state can keep this one from announcing
	// itself; then the safety net bounds the sleep.
	const tries = 100
	own := b.own
	if b.learner != nil {
		own |= b.ask()
	}
	if b.awake != nil {
		own |= timed
	}
	if b.brisk {
		// The barrier takes as long as an answer that is on its way: who passes
		// it often finds that it need not sleep.
		b.spared = false
	}
	spared := false
	for range tries {
		state := b.mem.Load32(offState)
		next := state | asleep | own
		if !b.shared {
			// Who slept here before may have done so otherwise, and be dead.
			next = asleep | own
			if own&needFence == 0 && !b.brisk {
				next |= spares
			}
		}
		if b.mem.CAS32(offState, state, next) {
			// It stood all the time since a barrier: the ringer fences.
			spared = b.spared && state&spares != 0
			break
		}
	}
	if b.own&needFence == 0 && !spared {
		barrier()
		b.mem.Barrier()
		b.spared = !b.shared
	}
}

// ask returns what the learner wants the ringer to do. Where messages are seldom
// the poller is the better place to sleep: to leave a thread asleep, and take up
// again what it did, keeps Go's scheduler busier than the wake-up itself. It takes
// a descriptor, so it is done only then, and where there is one to be had.
func (b *Bell) ask() (bits uint32) {
	if !b.polls && !b.thread && b.learner.seldom() {
		b.thread = b.Poll() != nil
		bits = b.own & onDoorbell
	}
	if b.learner.asks() {
		bits |= timed
	}
	return bits
}

// Retract takes the announcement back. That of a shared bell stays, since it
// may be another one's as well: the next ring will be for nothing.
func (b *Bell) Retract() {
	if b.shared {
		return
	}
	const tries = 100 // as in Announce
	for range tries {
		state := b.mem.Load32(offState)
		// Not a plain store: that might undo what the ringer does about spares.
		if state&asleep == 0 || b.mem.CAS32(offState, state, state&(b.own&needFence|spares)) {
			return
		}
	}
}

// Sleep sleeps until the bell is rung, ctx ends, Interrupt is called or the
// safety net is reached, whichever comes first, and retracts the announcement. It
// returns the error of a ctx that has ended. It may return early: the caller
// looks again. It allocates only when ctx is another than at the last call.
func (b *Bell) Sleep(ctx context.Context) error {
	b.watch(ctx)
	if err := ctx.Err(); err != nil {
		b.Retract()
		return err
	}
	most := b.net()
	began := clock.Now()
	switch {
	case b.watcher != nil:
		b.watcher.sleep()
	case b.polls:
		b.os.sleepPolling(b.mem, b.seq, most)
	default:
		b.os.sleep(b.mem, b.seq, most)
	}
	b.slept(began)
	b.Retract()
	return ctx.Err()
}

// Rests says when the death of another one who sleeps on the same bell leaves
// this one nothing to do: always, with nil, or as long as f says that nothing is
// begun by anybody and not ended. Then sleeps become longer, as on a bell of one
// sleeper; who begins anything that concerns this one rings first. f is asked
// between Announce and Sleep, when a sleep before has ended by the net alone.
func (b *Bell) Rests(f func() bool) { b.rests, b.heir = f, b.shared && f != nil }

// net returns how long the sleep to come lasts at most.
func (b *Bell) net() time.Duration {
	net := safety
	switch {
	case b.fresh:
		b.fresh = false
		return firstUnfenced
	case b.heir && (b.idle == 0 || b.rests == nil || !b.rests()):
		return SharedNet
	case b.heir:
		net = SharedNet
	case b.polls && b.lined:
		return max(min(LongNet<<min(b.idle, 10), LineNet), safety)
	case b.polls && b.learner == nil:
		return LongNet
	}
	return min(net<<min(b.idle, 10), max(LongNet, safety))
}

// slept takes note of how a sleep has ended.
func (b *Bell) slept(began uint64) {
	rung := uint64(0)
	if b.mem.Load32(offSeq) == b.seq {
		b.idle++
	} else {
		b.idle = 0
		rung = b.mem.Load64(offRung)
	}
	now := clock.Now()
	b.brisk = now-began < briskly
	if b.learner != nil {
		b.learner.slept(began, now, rung)
	}
	// An older one is of another sleep: this one was interrupted.
	if b.awake != nil && rung >= began && rung <= now {
		b.awake(time.Duration(now - rung))
	}
}

// WasRung reports whether the last sleep was ended by a ring, or by Interrupt.
func (b *Bell) WasRung() bool { return b.idle == 0 }

// Learn has l learn from the sleeps on this handle.
func (b *Bell) Learn(l *Learner) { b.learner = l }

// watch has the end of ctx interrupt the sleep. The watch stays for the next
// sleeps with the same context.
func (b *Bell) watch(ctx context.Context) {
	if ctx.Done() == b.done {
		return
	}
	b.unwatch()
	if b.done = ctx.Done(); b.done == nil {
		return
	}
	if !b.polls {
		b.watchNew(ctx)
		return
	}
	// Thousands poll, each on the smallest stack there is, which this would
	// have grow.
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.watchNew(ctx)
	}()
	<-done
}

func (b *Bell) watchNew(ctx context.Context) {
	through := make(chan struct{})
	b.stop = context.AfterFunc(ctx, func() {
		b.Interrupt()
		close(through)
	})
	b.through = through
}

// unwatch ends the watch. After it no end of a context touches the memory any
// more: it may be unmapped.
func (b *Bell) unwatch() {
	if b.stop != nil && !b.stop() {
		<-b.through // it has begun
	}
	b.stop, b.done = nil, nil
}
