package ringway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/ringway/ringway/internal/errs"
)

// A message that asks and the one that answers carry the same correlation
// word:
//
//	 63     62     61                    24 23               0
//	┌──────┬──────┬────────────────────────┬──────────────────┐
//	│answer│ error│        how many        │      slot        │
//	└──────┴──────┴────────────────────────┴──────────────────┘
//
// A slot is the asker's place for a call under way; how many tells it from those
// that had the slot before, and may have been given up before their answers
// came.
const (
	isAnswer  = 1 << 63
	isError   = 1 << 62
	slotBits  = 24
	countMask = 1<<(62-slotBits) - 1
)

// RemoteError is an error that the other side's handler returned, as far as it
// can be sent: its text.
type RemoteError string

func (e RemoteError) Error() string { return string(e) }

// Call sends a message that asks, waits for the answer until ctx ends, and
// appends it to into. Many goroutines may call at the same time; answers may come
// in any order. The other side runs Serve. Nothing else sends or receives on
// this side meanwhile, except a Serve of its own. Over a ring it allocates
// nothing if into is large enough.
//
// Errors are a RemoteError from the other side's handler, and those of Send and
// Recv, with io.EOF turned into ErrPeerDead; with that of ctx the other side may
// have done, or be about to do, what was asked. A request takes at most
// MaxMessage-8 bytes.
func (c *Conn) Call(ctx context.Context, typ uint16, request, into []byte) ([]byte, error) {
	s := &c.calls
	if c.out != nil {
		if answer, err, made := c.callAlone(ctx, typ, request, into); made {
			return answer, err
		}
	}
	k, alone, err := s.begin(into)
	if err != nil {
		return into, err
	}
	if alone {
		err = c.ask(ctx, typ, k, request)
	} else {
		err = c.askReading(ctx, typ, k, request)
	}
	if err != nil {
		if !s.isDone(k) {
			s.forget()
		}
		return s.finish(k, err)
	}
	return s.finish(k, c.readInTurn(ctx, k))
}

// ask sends the question of k, one goroutine at a time.
func (c *Conn) ask(ctx context.Context, typ uint16, k *call, b []byte) error {
	c.calls.sending.Lock()
	defer c.calls.sending.Unlock()
	if c.re == nil {
		return c.sendCorrelated(ctx, typ, k.id, b)
	}
	return c.re.send(ctx, func(p *Conn) error {
		if err := c.calls.goesBy(k, p); err != nil {
			return err
		}
		return p.sendCorrelated(ctx, typ, k.id, b)
	})
}

// askReading is ask while other calls are under way: their answers may fill the
// way back, and keep the other side from taking anything, if all who could read
// them are sending.
func (c *Conn) askReading(ctx context.Context, typ uint16, k *call, b []byte) error {
	if c.out != nil {
		c.calls.sending.Lock()
		buf, err := c.out.TryClaim(8 + len(b))
		if err == nil {
			err = c.commitNumbered(buf, typ, k.id, b)
			c.calls.sending.Unlock()
			return err
		}
		c.calls.sending.Unlock()
		if err != ErrFull {
			return c.sendFailed("send", err)
		}
	}
	reading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		reader, _, err := c.calls.begin(nil)
		if err == nil {
			c.calls.forget()
			err = c.readInTurn(reading, reader)
			_, _ = c.calls.finish(reader, err)
		}
	}()
	err := c.ask(ctx, typ, k, b)
	stop()
	<-done
	return err
}

// readInTurn waits until the call k is done, or ctx ends, or nothing can come
// any more; it reads for all if nobody else does.
func (c *Conn) readInTurn(ctx context.Context, k *call) error {
	for {
		if leads, err := c.calls.await(ctx, k); !leads {
			return err
		}
		if done, err := c.readAnswers(ctx, k); done || err != nil {
			return err
		}
	}
}

// readAnswers reads for all until k is done, or somebody waits who serves.
func (c *Conn) readAnswers(ctx context.Context, k *call) (done bool, err error) {
	defer c.calls.handOver(k)
	for over := false; !over; {
		m, received := c.recvAnswer(ctx)
		over, done, err = c.heard(ctx, k, m, received)
	}
	return done, err
}

// heard takes what a call that reads for all has received: m or err. It reports
// whether it is not to read on, because the call is done or for another reason.
func (c *Conn) heard(ctx context.Context, k *call, m Message, err error) (over, done bool, _ error) {
	s := &c.calls
	switch {
	case err == nil:
	case errors.Is(err, ErrLost):
		return false, false, nil
	case err == errMoved, errors.Is(err, ErrReconnected):
		done = s.isDone(k)
		return done, done, nil
	default:
		if ctx.Err() == nil {
			c.failCalls(err)
		}
		return true, false, err
	}
	to, question := s.deliver(m)
	if to == k {
		return true, true, nil
	}
	return question && s.keep(c.questionOf(m)), false, nil
}

// recvAnswer is Recv, except that it returns errMoved when another call has
// reconnected.
func (c *Conn) recvAnswer(ctx context.Context) (Message, error) {
	if c.re != nil {
		return c.re.recv(ctx, true)
	}
	return c.Recv(ctx)
}

// failCalls ends all calls under way, and those to come unless the connection
// may reconnect.
func (c *Conn) failCalls(err error) {
	if c.re != nil && !errors.Is(err, ErrClosed) {
		c.calls.lose(nil, err)
		return
	}
	c.calls.fail(err)
}

// caller are the calls under way on a connection. Whoever waits for an answer
// and finds nobody reading reads for all, until its own answer is there; then it
// appoints another one who waits. So no goroutine is in the way of a call that is
// alone; see callAlone for what else it is spared.
type caller struct {
	sending sync.Mutex

	state  atomic.Uint32 // who is there: callNobody …
	lone   *call         // the slot of calls that are alone; nil before the first
	loneID uint64        // of the last one

	// The rest belongs to the lone call as long as it asks, and otherwise to who
	// has mu; then state is callMany.
	mu      sync.Mutex
	slots   []*call
	free    []*call
	active  int // slots that are taken
	count   uint64
	unheard int   // asked, and not answered yet, whoever still waits for it
	reading bool  // somebody reads for all
	failed  error // why no answer will come any more

	server *call      // of Serve, while that runs
	kept   []question // came while a call read for all; for Serve
}

// call is one call under way. All of it belongs to who has caller.mu, except
// that its own goroutine may read leads after wake.
type call struct {
	id    uint64 // 0: none
	slot  uint64
	done  bool // into and err are the outcome
	waits bool // for wake; who clears it sends
	leads bool // reads for all
	wake  chan struct{}
	into  []byte
	err   error
	by    *Conn // where it was asked, of a connection that reconnects
}

// begin takes a slot for a call, and reports whether no other call's answer is
// still to come.
func (s *caller) begin(into []byte) (k *call, alone bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gather()
	if s.failed != nil {
		return nil, false, s.failed
	}
	if n := len(s.free); n > 0 {
		k, s.free = s.free[n-1], s.free[:n-1]
	} else {
		if len(s.slots) == 1<<slotBits {
			s.scatter()
			return nil, false, &errs.Error{Op: "call", Err: ErrFull, Detail: "too many calls under way"}
		}
		k = s.addSlot()
	}
	s.active++
	k.id = s.newID(k)
	k.into, k.err, k.done = into, nil, false
	s.unheard++
	return k, s.unheard == 1, nil
}

func (s *caller) addSlot() *call {
	k := &call{slot: uint64(len(s.slots)), wake: make(chan struct{}, 1)}
	s.slots = append(s.slots, k)
	return k
}

// newID returns the number of the next call, in the slot of k.
func (s *caller) newID(k *call) uint64 {
	s.count++
	return (1+s.count%countMask)<<slotBits | k.slot
}

// lead makes the goroutine of k read for all if nobody does, and reports whether
// it is to. Otherwise it waits, unless it is done, or serves and questions were
// kept for it: then wake is filled.
func (s *caller) lead(k *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case k.done, s.reading && s.server == k && len(s.kept) > 0:
		k.wake <- struct{}{}
	case s.reading:
		k.waits = true
	default:
		s.reading, k.leads = true, true
	}
	return k.leads
}

// await waits until it is on the goroutine of k to read for all, or there is
// something else for it to do, or ctx ends.
func (s *caller) await(ctx context.Context, k *call) (leads bool, err error) {
	if s.lead(k) {
		return true, nil
	}
	select {
	case <-k.wake:
	case <-ctx.Done():
		if s.giveUp(k) {
			return false, ctx.Err()
		}
	}
	return k.leads, nil
}

// giveUp ends the wait of k, unless that is over: then it empties wake.
func (s *caller) giveUp(k *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !k.waits {
		<-k.wake
		return false
	}
	k.waits = false
	return true
}

// handOver appoints another one who waits to read for all; Serve if it does.
func (s *caller) handOver(k *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.leads, s.reading = false, false
	if s.active == 1 {
		return
	}
	next := s.server
	if next == nil || !next.waits {
		next = nil
		for _, other := range s.slots {
			if other.waits {
				next = other
				break
			}
		}
	}
	if next != nil {
		next.waits, next.leads, s.reading = false, true, true
		next.wake <- struct{}{}
	}
}

// maxKept is how many questions are kept for a Serve that has not begun.
const maxKept = 1024

// keep keeps a question for Serve, and reports whether that waits to read. What
// is too much is dropped.
func (s *caller) keep(q question) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) < maxKept {
		q.payload = append([]byte(nil), q.payload...)
		s.kept = append(s.kept, q)
	}
	return s.server != nil && s.server.waits
}

// deliver gives an answer to the call that it belongs to, and returns that. It
// returns nil for what belongs to none (the call was given up), and whether m is
// a question instead.
func (s *caller) deliver(m Message) (to *call, asks bool) {
	if !m.Correlated {
		return nil, false
	}
	word := binary.LittleEndian.Uint64(m.Payload)
	if word&isAnswer == 0 {
		return nil, true
	}
	slot := word & (1<<slotBits - 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot >= uint64(len(s.slots)) {
		return nil, false
	}
	s.unheard = max(0, s.unheard-1)
	k := s.slots[slot]
	if k.id == 0 || k.done || k.id != word&^(isAnswer|isError) {
		return nil, false
	}
	if word&isError != 0 {
		k.err = RemoteError(m.Payload[8:])
	} else {
		k.into = append(k.into, m.Payload[8:]...)
	}
	s.end(k)
	return k, false
}

// end says that k is done. The caller has s.mu.
func (s *caller) end(k *call) {
	if k.done = true; k.waits {
		k.waits = false
		k.wake <- struct{}{}
	}
}

// fail ends all calls, and those to come.
func (s *caller) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == io.EOF {
		err = &errs.Error{Op: "call", Err: ErrPeerDead, Detail: "the other side has closed its end"}
	}
	s.failed = err
	for _, k := range s.slots {
		if k.id != 0 && !k.done {
			k.err = err
			s.end(k)
		}
	}
}

// lose ends the calls that were asked on a connection that is lost, or all that
// were asked if it is nil.
func (s *caller) lose(by *Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unheard = 0
	for _, k := range s.slots {
		switch {
		case k.id == 0 || k.done || k.by == nil:
		case by == nil || k.by == by:
			k.err = err
			s.end(k)
		default:
			s.unheard++
		}
	}
}

// goesBy takes note of where the question of k goes, unless k is done: then it
// returns why.
func (s *caller) goesBy(k *call, by *Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.done {
		return k.err
	}
	k.by = by
	return nil
}

func (s *caller) isDone(k *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.done
}

// forget says that no answer is to be expected for a slot that was taken.
func (s *caller) forget() {
	s.mu.Lock()
	s.unheard = max(0, s.unheard-1)
	s.mu.Unlock()
}

// finish gives the slot of k back and returns the outcome; err is why there is
// none.
func (s *caller) finish(k *call, err error) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	into := k.into
	switch {
	case k.done:
		err = k.err
	case err == nil:
		err = s.failed
	}
	k.id, k.into, k.by = 0, nil, nil
	if s.active--; k != s.lone {
		s.free = append(s.free, k)
	}
	s.scatter()
	return into, err
}
