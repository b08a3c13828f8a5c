package ring

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// testMPMC is an MPMC ring over heap memory between guards, and a table of
// participants who are all attached. When its test ends the whole is checked.
type testMPMC struct {
	testing.TB
	g     Geometry
	room  []byte // guard, body, guard
	body  []byte
	table []byte
	t     Table
	inc   []uint32 // the participants' incarnations
	p     []*MPMCProducer
	c     []*MPMCConsumer
	skip  bool
}

const testEntry = 256

// newMPMCRing formats a ring of n cells whose positions begin at start, with
// parts participants who have both sides each.
func newMPMCRing(t testing.TB, g Geometry, start uint64, parts int, o MPMCOptions) *testMPMC {
	t.Helper()
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	n := int(g.BodySize())
	r := &testMPMC{TB: t, g: g, room: make([]byte, 2*guardSize+n), table: make([]byte, parts*testEntry), inc: make([]uint32, parts),
		p: make([]*MPMCProducer, parts), c: make([]*MPMCConsumer, parts), skip: o.SkipStalled}
	for i := range guardSize {
		r.room[i], r.room[guardSize+n+i] = guardByte, guardByte
	}
	r.body = r.room[guardSize : guardSize+n : guardSize+n]
	var err error
	if r.t, err = TableOf(r.table, testEntry); err != nil {
		t.Fatal(err)
	}
	r.format(start)
	t.Cleanup(r.guards)
	return r
}

// cells16 is a geometry of 16 cells of 256 bytes.
var cells16 = Geometry{Kind: MPMC, Capacity: 4096, CellSize: 256}

func smallMPMC(t testing.TB, parts int) *testMPMC {
	t.Helper()
	return newMPMCRing(t, cells16, StartCell, parts, MPMCOptions{})
}

// format makes the ring a new one, and attaches everybody.
func (r *testMPMC) format(start uint64) {
	r.Helper()
	clear(r.body)
	Format(r.g, r.body)
	for _, off := range []uint64{offTail, offHead, offFree} {
		r.setWord(off, start)
	}
	// The control words of a new ring are of laps that are gone.
	lap := start / r.g.cells() * r.g.cells() << 20
	for i := range r.g.cells() {
		if start != StartCell {
			r.setCell(i, lap-r.g.cells()<<20)
		}
	}
	clear(r.table)
	clear(r.inc)
	for i := range r.inc {
		r.attach(i)
	}
}

// attach is what package shm does, and makes participant i's handles.
func (r *testMPMC) attach(i int) {
	r.Helper()
	if st := r.t.Slot(i).State(); st != SlotFree && st != SlotSwept {
		r.Fatalf("slot %d can't be attached, it is %d", i, st)
	}
	r.inc[i]++
	binary.LittleEndian.PutUint64(r.table[i*testEntry:], uint64(MakeSlot(SlotLive, r.inc[i], uint32(1000+i))))
	r.handles(i)
}

func (r *testMPMC) handles(i int) {
	r.Helper()
	var err error
	if r.p[i], err = NewMPMCProducer(r.g, r.body, r.t, i); err != nil {
		r.Fatal(err)
	}
	if r.c[i], err = NewMPMCConsumer(r.g, r.body, r.t, i, MPMCOptions{SkipStalled: r.skip}); err != nil {
		r.Fatal(err)
	}
}

// die lets participant i die, and everybody know it.
func (r *testMPMC) die(i int) {
	r.Helper()
	r.p[i], r.c[i] = nil, nil
	if !r.t.MarkDead(i, r.inc[i]) {
		r.Fatalf("participant %d can't be marked dead", i)
	}
}

// sweep sweeps participant i, who is dead.
func (r *testMPMC) sweep(i int) Recovered {
	r.Helper()
	rec, err := Sweep(r.g, r.body, r.t, i, r.inc[i])
	if err != nil || !rec.Swept || r.t.Slot(i) != MakeSlot(SlotSwept, r.inc[i], uint32(1000+i)) {
		r.Fatalf("sweeping participant %d: %+v, %v, slot %x", i, rec, err, r.t.Slot(i))
	}
	return rec
}

// word, setWord, cell and setCell bypass the seam: what another process would
// see and write.
func (r *testMPMC) word(off uint64) uint64       { return binary.LittleEndian.Uint64(r.body[off:]) }
func (r *testMPMC) setWord(off uint64, v uint64) { binary.LittleEndian.PutUint64(r.body[off:], v) }
func (r *testMPMC) cell(i uint64) uint64         { return r.word(0x1000 + 8*i) }
func (r *testMPMC) setCell(i, v uint64)          { r.setWord(0x1000+8*i, v) }

func (r *testMPMC) dataOff() uint64 { return uint64(len(r.body)) - r.g.Capacity }

// cellWord composes a control word by the picture.
func (r *testMPMC) cellWord(pos, span uint64, state, pad, times, owner int) uint64 {
	n := r.g.cells()
	sb := 0
	for 1<<sb < n {
		sb++
	}
	return pos/n<<(20+sb) | span<<20 | uint64(owner)<<8 | uint64(times)<<3 | uint64(pad)<<2 | uint64(state)
}

func (r *testMPMC) guards() {
	r.Helper()
	for i := range guardSize {
		if r.room[i] != guardByte || r.room[len(r.room)-1-i] != guardByte {
			r.Fatalf("memory outside the ring was written, byte %d before or behind it", i)
		}
	}
	if r.word(offDataBell) != 0 || r.word(offSpaceBell) != 0 {
		r.Fatal("the bells were written to")
	}
}

// size is a payload that takes span cells.
func (r *testMPMC) size(span int) int {
	n := span*int(r.g.CellSize) - 8
	if r.g.Checksum {
		n -= 8
	}
	return n
}

func (r *testMPMC) send(i, seq, n int) {
	r.Helper()
	if err := r.p[i].TrySend(msgType(seq), payload(seq, n)); err != nil {
		r.Fatalf("participant %d sends message %d of %d bytes: %v", i, seq, n, err)
	}
}

func (r *testMPMC) full(i, n int) {
	r.Helper()
	if err := r.p[i].TrySend(0, make([]byte, n)); err != ErrFull {
		r.Fatalf("participant %d sends %d bytes: %v, want ErrFull", i, n, err)
	}
}

// receive has participant i take the next message, which must be number seq of
// n bytes.
func (r *testMPMC) receive(i, seq, n int, again bool) Message {
	r.Helper()
	m, err := r.c[i].Next()
	if err != nil {
		r.Fatalf("participant %d receives message %d: %v", i, seq, err)
	}
	if !slices.Equal(m.Payload, payload(seq, n)) || m.Type != msgType(seq) || m.Redelivered != again {
		r.Fatalf("participant %d received %d bytes of type %#x, redelivered %t, want message %d: %d bytes of type %#x, %t",
			i, len(m.Payload), m.Type, m.Redelivered, seq, n, msgType(seq), again)
	}
	r.inside(m.Payload)
	return m
}

// none fails the test unless Next of participant i gives want.
func (r *testMPMC) none(i int, want error) {
	r.Helper()
	if m, err := r.c[i].Next(); err != want {
		r.Fatalf("participant %d receives %d bytes, %v, want %v", i, len(m.Payload), err, want)
	}
}

func (r *testMPMC) inside(b []byte) {
	r.Helper()
	first := reflect.ValueOf(r.body).Pointer() + uintptr(r.dataOff())
	at := reflect.ValueOf(b).Pointer()
	if at < first || at-first+uintptr(cap(b)) > uintptr(r.g.Capacity) || len(b) != cap(b) {
		r.Fatalf("%d bytes with room for %d, %d bytes behind the start of %d bytes of data",
			len(b), cap(b), int64(at)-int64(first), r.g.Capacity)
	}
}

// whole fails the test unless the ring is empty and all of it can be used.
// Participants a and b try it.
func (r *testMPMC) whole(a, b int) {
	r.Helper()
	r.none(b, ErrEmpty)
	for lap := range 2 {
		for i := range int(r.g.cells()) {
			r.send(a, i+lap, r.size(1))
		}
		r.full(a, 0)
		for i := range int(r.g.cells()) {
			r.receive(b, i+lap, r.size(1), false)
		}
		r.none(b, ErrEmpty)
		r.c[b].Release()
	}
}

// dump shows the control words, for failing tests.
func (r *testMPMC) dump() string {
	s := fmt.Sprintf("T %#x H %#x F %#x gen %d:", r.word(offTail), r.word(offHead), r.word(offFree), r.word(offGen))
	for i := range r.g.cells() {
		s += fmt.Sprintf(" %x", r.cell(i))
	}
	return s
}
