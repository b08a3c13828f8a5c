package ring

import (
	"io"
	"slices"
)

// queue is what an MPMC ring is said to be, as a plain list: the frames that
// are not freed, oldest first. It shares no code with the ring.
type queue struct {
	r       *testMPMC
	cells   uint64
	start   uint64
	tail    uint64
	frames  []*qframe
	ended   bool
	dropped uint64
	swept   uint64 // sweeps
	unknown []bool // participants that died and are not marked dead
	held    [][]*qframe
	rest    [][]qmessage // of the batch that a participant took last
	claim   []*qframe    // a participant's open claim
	skip    bool

	straight int // messages that came the straight way
}

type qframe struct {
	pos, span uint64
	state     int // 1 claimed, 2 committed, 3 taken, 0 freed
	owner     int
	times     int
	pad       bool
	msgs      []qmessage
}

type qmessage struct {
	typ  uint16
	data string
}

func newQueue(r *testMPMC, start uint64) *queue {
	n := r.t.Len()
	return &queue{r: r, cells: r.g.cells(), start: start, tail: start, unknown: make([]bool, n), held: make([][]*qframe, n),
		rest: make([][]qmessage, n), claim: make([]*qframe, n), skip: r.skip}
}

// low is the position of the oldest frame that is not freed.
func (q *queue) low() uint64 {
	q.frames = slices.DeleteFunc(q.frames, func(f *qframe) bool { return f.state == 0 })
	if len(q.frames) == 0 {
		return q.tail
	}
	return q.frames[0].pos
}

func (q *queue) packed(n int) uint64 {
	if q.r.g.Checksum {
		n += 8
	}
	return 8 + uint64(n+7)/8*8
}

func (q *queue) span(size uint64) uint64 { return (size + q.r.g.CellSize - 1) / q.r.g.CellSize }

func (q *queue) append(span uint64, pad bool) *qframe {
	f := &qframe{pos: q.tail, span: span, state: 1, pad: pad}
	if pad {
		f.state = 2
	}
	q.frames = append(q.frames, f)
	q.tail += span
	return f
}

// room claims padding where a frame of span cells would cross the end, and
// returns how many cells there are for it, up to the end.
func (q *queue) room(span uint64) (uint64, error) {
	if q.ended {
		return 0, ErrClosed
	}
	if toEnd := q.cells - q.tail%q.cells; span > toEnd {
		if q.tail+toEnd > q.low()+q.cells {
			return 0, ErrFull
		}
		q.append(toEnd, true)
	}
	n := min(q.low()+q.cells-q.tail, q.cells-q.tail%q.cells)
	if span > n {
		return 0, ErrFull
	}
	return n, nil
}

func (q *queue) abort(i int) {
	if f := q.claim[i]; f != nil {
		f.state, f.pad = 2, true
		q.claim[i] = nil
	}
}

func (q *queue) reserve(i, n int) error {
	q.abort(i)
	span := q.span(q.packed(n))
	if _, err := q.room(span); err != nil {
		return err
	}
	q.claim[i] = q.append(span, false)
	q.claim[i].owner = i
	return nil
}

func (q *queue) commit(i int, msgs ...qmessage) {
	q.claim[i].state, q.claim[i].msgs, q.claim[i].owner = 2, msgs, 0
	q.claim[i] = nil
}

func (q *queue) batch(i int, msgs []qmessage) (sent int, err error) {
	q.abort(i)
	for len(msgs) > 0 {
		n, err := q.room(q.span(q.packed(len(msgs[0].data))))
		if err != nil {
			return sent, err
		}
		n = min(n, q.cells/2)
		size, k := uint64(0), 0
		for k < len(msgs) && q.span(size+q.packed(len(msgs[k].data))) <= n {
			// Neighbours of equal size share a frame, with a word more.
			b, alike := len(msgs[k].data), 1
			room := int(n*q.r.g.CellSize - size)
			for b > 0 && !q.r.g.Checksum && k+alike < len(msgs) && len(msgs[k+alike].data) == b && 16+(alike+1)*b <= room {
				alike++
			}
			if k += alike; alike > 1 {
				size += q.packed(8 + alike*b)
			} else {
				size += q.packed(b)
			}
		}
		q.claim[i] = q.append(q.span(size), false)
		q.commit(i, msgs[:k]...)
		sent, msgs = sent+k, msgs[k:]
	}
	return sent, nil
}

// orphans are the committed frames that were taken before.
func (q *queue) orphans() (list []*qframe) {
	for _, f := range q.frames {
		if f.state == 2 && f.times > 0 && !f.pad {
			list = append(list, f)
		}
	}
	return list
}

// next says what participant i may be given: one of several frames if they are
// orphans. take has it take one.
func (q *queue) next() (list []*qframe, err error) {
	if list = q.orphans(); len(list) > 0 {
		return list, nil
	}
	skipped := 0
	for _, f := range q.frames {
		switch {
		case f.state == 1 && q.r.t.Slot(f.owner).State() != SlotLive:
			f.state, f.pad = 0, true
		case f.state == 1 && (!q.skip || skipped == 16):
			return nil, ErrEmpty
		case f.state == 1:
			skipped++
		case f.state == 2 && f.pad:
			f.state = 0
		case f.state == 2:
			return []*qframe{f}, nil
		}
	}
	if q.ended && skipped == 0 {
		return nil, io.EOF
	}
	return nil, ErrEmpty
}

func (q *queue) take(i int, f *qframe) {
	f.state, f.owner = 3, i
	q.held[i] = append(q.held[i], f)
	q.rest[i] = f.msgs
}

func (q *queue) release(i int) bool {
	var keep []*qframe
	if n := len(q.held[i]); len(q.rest[i]) > 0 {
		keep = q.held[i][n-1:]
		q.held[i] = q.held[i][:n-1]
	}
	n := len(q.held[i])
	for _, f := range q.held[i] {
		f.state = 0
	}
	q.held[i] = keep
	return n > 0
}

// recover is a sweep for i, or its Detach.
func (q *queue) recover(i int) (rec Recovered) {
	for _, f := range q.frames {
		switch {
		case f.owner != i:
		case f.state == 1:
			f.state, f.pad, f.owner = 2, true, 0
			rec.Padded++
		case f.state == 3 && f.times == 31:
			f.state = 0
			q.dropped++
			rec.Dropped++
		case f.state == 3:
			f.state, f.owner = 2, 0
			f.times++
			rec.Redelivered++
		}
	}
	q.swept++
	q.held[i], q.rest[i], q.claim[i] = nil, nil, nil
	rec.Swept = true
	return rec
}

// agree fails the test unless the ring's words say what the queue does.
func (q *queue) agree() {
	q.r.Helper()
	low := q.low()
	for _, f := range q.frames {
		pad := 0
		if f.pad {
			pad = 1
		}
		owner := 0
		if f.state == 1 || f.state == 3 {
			owner = f.owner
		}
		if w, want := q.r.cell(f.pos%q.cells), q.r.cellWord(f.pos, f.span, f.state, pad, f.times, owner); f.state != 0 && w != want {
			q.r.Fatalf("word of cell %d is %x, want %x\n%s", f.pos%q.cells, w, want, q.r.dump())
		}
	}
	used := 0
	for i := range q.cells {
		if q.r.cell(i)&3 != 0 && q.r.cell(i) != q.r.cellWord(q.tail, 0, 2, 1, 0, 0) {
			used++
		}
	}
	n := 0
	for _, f := range q.frames {
		if f.state != 0 {
			n++
		}
	}
	if n != used {
		q.r.Fatalf("%d frames, want %d\n%s", used, n, q.r.dump())
	}
	T, H, F := q.r.word(offTail), q.r.word(offHead), q.r.word(offFree)
	if T > q.tail || H > q.tail || F > T || F > H || F > low {
		q.r.Fatalf("T %#x H %#x F %#x, the oldest frame is at %#x and the tail at %#x", T, H, F, low, q.tail)
	}
	swept := q.swept
	if q.start < 1<<44 && F >= 1<<44 {
		swept++ // a renewal
	}
	if q.r.word(offDropped) != q.dropped || Dropped(q.r.body) != q.dropped || q.r.word(offGen) != swept {
		q.r.Fatalf("%d dropped, %d sweeps; want %d, %d", q.r.word(offDropped), q.r.word(offGen), q.dropped, q.swept)
	}
}
