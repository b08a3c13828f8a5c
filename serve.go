package ringway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Handler answers a message of a type: it appends the answer to dst and returns
// that. The request is valid until it returns. An error goes to who asked, as a
// RemoteError.
type Handler func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error)

// Serve receives messages that ask and sends the handler's answers, until ctx
// ends, the other side says that nothing follows (then it returns nil), or
// something fails. With workers of 1 the handler runs on this goroutine, a message
// at a time, without copy; with more, on so many goroutines at the same time,
// each with a copy, and answers go as they are ready.
//
// Nobody else receives meanwhile. This side may Call, too, from other
// goroutines; not from a handler, unless there are more workers than such calls.
// Messages that neither ask nor answer are dropped. On a connection with the
// option Reconnect, Serve returns ErrReconnected like Recv, and is to be called
// again; answers to what a process asked that is gone are dropped.
func (c *Conn) Serve(ctx context.Context, workers int, handle Handler) error {
	s := &server{c: c, ctx: ctx, handle: handle}
	if workers > 1 {
		s.queue = make(chan question, workers)
		for range workers {
			s.running.Go(s.work)
		}
	}
	err := s.run()
	if s.queue != nil {
		close(s.queue)
		s.running.Wait()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// server is one Serve.
type server struct {
	c       *Conn
	ctx     context.Context
	handle  Handler
	buf     []byte // of answers, without workers
	queue   chan question
	running sync.WaitGroup
}

// question is a message for the workers.
type question struct {
	word    uint64
	typ     uint16
	payload []byte
	from    *Conn // of a connection that reconnects
}

// questionOf takes a message that asks apart. It belongs to who receives.
func (c *Conn) questionOf(m Message) question {
	q := question{word: binary.LittleEndian.Uint64(m.Payload), typ: m.Type, payload: m.Payload[8:]}
	if c.re != nil {
		q.from = c.re.receiving
	}
	return q
}

// run receives until that ends. It reads for all calls of this side meanwhile.
func (s *server) run() (err error) {
	calls := &s.c.calls
	k, _, err := calls.begin(nil)
	if err != nil {
		return err
	}
	calls.forget()
	calls.serve(k)
	defer func() {
		calls.serve(nil)
		_, _ = calls.finish(k, err)
	}()
	for leads := false; !leads; {
		if err := s.takeKept(); err != nil {
			return err
		}
		if leads, err = calls.await(s.ctx, k); err != nil {
			return err
		}
		if !leads && calls.isDone(k) {
			return k.err // nothing can come any more
		}
	}
	defer calls.handOver(k)
	if err := s.takeKept(); err != nil {
		return err
	}
	for {
		m, err := s.c.recvCorrelated(s.ctx)
		if errors.Is(err, ErrLost) {
			continue
		}
		if err == nil {
			if _, asks := calls.deliver(m); asks {
				err = s.take(s.c.questionOf(m))
			}
		}
		if err != nil {
			if s.ctx.Err() == nil && !errors.Is(err, ErrReconnected) {
				s.c.failCalls(err)
			}
			return err
		}
	}
}

// serve says who serves, so that he is preferred.
func (s *caller) serve(k *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = k
}

// takeKept answers the questions that were kept.
func (s *server) takeKept() error {
	for {
		q, ok := s.c.calls.nextKept()
		if !ok {
			return nil
		}
		if err := s.take(q); err != nil {
			return err
		}
	}
}

// nextKept returns the next of the questions that were kept.
func (s *caller) nextKept() (q question, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		return q, false
	}
	q, s.kept = s.kept[0], s.kept[1:]
	return q, true
}

// take answers a question, or has a worker do so.
func (s *server) take(q question) error {
	if s.queue == nil {
		return s.answer(q, &s.buf)
	}
	q.payload = append([]byte(nil), q.payload...)
	select {
	case s.queue <- q:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// work is a worker.
func (s *server) work() {
	var buf []byte
	for q := range s.queue {
		// What fails here fails for who receives, too.
		_ = s.answer(q, &buf)
	}
}

// answer has the handler answer, and sends that.
func (s *server) answer(q question, buf *[]byte) error {
	b, err := s.handle(s.ctx, q.typ, q.payload, (*buf)[:0])
	if b != nil {
		*buf = b
	}
	word := q.word | isAnswer
	if err == nil && 8+len(b) > s.c.MaxMessage() {
		err = &Error{Op: "answer", Name: s.c.name, Err: ErrTooLarge}
	}
	if err != nil {
		word |= isError
		b = []byte(err.Error())
		b = b[:min(len(b), s.c.MaxMessage()-8)]
	}
	return s.c.sendAnswer(s.ctx, q, word, b)
}

// sendAnswer sends the answer to a question, to who asked it: if that is gone it
// drops it.
func (c *Conn) sendAnswer(ctx context.Context, q question, word uint64, b []byte) error {
	c.calls.sending.Lock()
	defer c.calls.sending.Unlock()
	if c.re == nil {
		return c.sendCorrelated(ctx, q.typ, word, b)
	}
	if c.re.move(&c.re.sending); c.re.sending != q.from {
		return nil
	}
	err := q.from.sendCorrelated(ctx, q.typ, word, b)
	if errors.Is(err, ErrPeerDead) {
		return nil // as who receives will learn
	}
	return err
}
