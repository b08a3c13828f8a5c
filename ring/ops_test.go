package ring

import (
	"fmt"
	"math/rand/v2"
)

type opKind int

const (
	opSend opKind = iota
	opBatch
	opClaimCommit // sizes: claimed, committed
	opClaimAbort
	opClaimReplaced // sizes: claimed, sent
	opNext
	opRelease
	opPublish
	opAttachProducer
	opAttachConsumer
	opEnd
)

var opNames = [...]string{"send", "batch", "claim+commit", "claim+abort", "claim+send", "next", "release", "publish",
	"attach producer", "attach consumer", "end"}

// op is one operation, with the number of its first message.
type op struct {
	kind  opKind
	seq   int
	sizes []int
}

func (o op) String() string {
	return fmt.Sprintf("%s %v (message %d)", opNames[o.kind], o.sizes, o.seq)
}

// outcome is all that the user of a ring sees of an operation.
type outcome struct {
	err  error
	n    int
	typ  uint16
	data string
	yes  bool
}

func (r *testRing) do(o op) (out outcome) {
	r.Helper()
	switch o.kind {
	case opSend:
		out.err = r.p.TrySend(msgType(o.seq), payload(o.seq, o.sizes[0]))
	case opBatch:
		out.n, out.err = r.p.TrySendBatch(msgType(o.seq), batch(o.seq, o.sizes...))
	case opClaimCommit:
		var b []byte
		if b, out.err = r.p.Claim(o.sizes[0]); out.err == nil {
			r.inside(b)
			copy(b, payload(o.seq, o.sizes[1]))
			r.p.Commit(msgType(o.seq), o.sizes[1])
		}
	case opClaimAbort, opClaimReplaced:
		var b []byte
		if b, out.err = r.p.Claim(o.sizes[0]); out.err == nil {
			for i := range b {
				b[i] = 0xA7
			}
			if o.kind == opClaimAbort {
				r.p.Abort()
			} else {
				out.err = r.p.TrySend(msgType(o.seq), payload(o.seq, o.sizes[1]))
			}
		}
	case opNext:
		var m Message
		if m, out.err = r.c.Next(); out.err == nil {
			r.inside(m.Payload)
			out.typ, out.data = m.Type, string(m.Payload)
		}
	case opRelease:
		out.yes = r.c.Release()
	case opPublish:
		out.yes = r.c.Publish()
	case opAttachProducer:
		var p *SPSCProducer
		if p, out.err = NewSPSCProducer(r.g, r.body); out.err == nil {
			r.p = p
		}
	case opAttachConsumer:
		var c *SPSCConsumer
		if c, out.err = NewSPSCConsumer(r.g, r.body); out.err == nil {
			r.c = c
		}
	case opEnd:
		r.p.End()
	}
	out.err = kindOf(out.err)
	return out
}

func (m *model) do(o op) (out outcome) {
	switch o.kind {
	case opSend:
		if out.err = m.room(o.sizes[0]); out.err == nil {
			m.commit(msgType(o.seq), payload(o.seq, o.sizes[0]))
		}
	case opBatch:
		out.n, out.err = m.batch(msgType(o.seq), batch(o.seq, o.sizes...))
	case opClaimCommit:
		if out.err = m.room(o.sizes[0]); out.err == nil {
			m.commit(msgType(o.seq), payload(o.seq, o.sizes[1]))
		}
	case opClaimAbort:
		out.err = m.room(o.sizes[0])
	case opClaimReplaced:
		if out.err = m.room(o.sizes[0]); out.err == nil {
			if out.err = m.room(o.sizes[1]); out.err == nil {
				m.commit(msgType(o.seq), payload(o.seq, o.sizes[1]))
			}
		}
	case opNext:
		var f frame
		f, out.err = m.next()
		out.typ, out.data = f.typ, f.payload
	case opRelease:
		m.rel = m.cur
		out.yes = m.whole()-m.pub >= m.capacity/8
	case opPublish:
		out.yes = m.publish()
	case opAttachProducer:
		if m.known = m.limit; m.ended {
			out.err = ErrClosed
		}
	case opAttachConsumer:
		m.rel, m.cur = m.taken, m.taken
	case opEnd:
		m.ended = true
	}
	return out
}

// script returns n operations. The sizes go up to most; the consumer keeps up
// or falls behind, in turns.
func script(rnd *rand.Rand, n, most int) (ops []op) {
	size := func() int {
		switch rnd.IntN(4) {
		case 0:
			return rnd.IntN(min(most, 24) + 1)
		case 1:
			return rnd.IntN(most + 1)
		default:
			return rnd.IntN(most/8 + 1)
		}
	}
	seq := 0
	for i := range n {
		o := op{seq: seq}
		sending := 5
		if i/64%2 == 0 {
			sending = 3
		}
		if rnd.IntN(8) < sending {
			switch o.kind = []opKind{opSend, opSend, opSend, opBatch, opClaimCommit, opClaimAbort, opClaimReplaced, opAttachProducer}[rnd.IntN(8)]; o.kind {
			case opBatch:
				for n := size() / 2; len(o.sizes) < 8 && rnd.IntN(9) > 0; {
					if o.sizes = append(o.sizes, n); rnd.IntN(3) == 0 {
						n = size() / 2
					}
				}
			default:
				n := size()
				o.sizes = []int{n, n - rnd.IntN(n/2+1)}
				if rnd.IntN(50) == 0 {
					o.sizes[0] = most + 1 + rnd.IntN(100)
				}
			}
		} else {
			o.kind = []opKind{opNext, opNext, opNext, opNext, opNext, opRelease, opRelease, opPublish, opPublish, opAttachConsumer}[rnd.IntN(10)]
			if o.kind == opAttachConsumer && rnd.IntN(4) > 0 {
				o.kind = opNext
			}
		}
		seq += 16
		ops = append(ops, o)
	}
	return ops
}
