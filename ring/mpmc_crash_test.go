//go:build shmtest

package ring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// mpmcCrash runs a script of operations in which one participant dies at a
// chosen access, and the one that sweeps it at another. Then the survivors go
// on, and nothing is lost.
type mpmcCrash struct {
	*testMPMC
	kill    int // accesses until the next death
	deaths  int
	state   map[int]int    // of messages by number, see below
	held    [][]int        // messages that a participant has
	sending [][]int        // messages that it is sending
	lease   map[int]uint64 // where the frame is that a message was taken with
	last    map[[2]int]int // the last message of a producer that a consumer got in order
	sender  map[int]int
}

const (
	msgMaybe     = 1 + iota // its sender died while it sent it
	msgSent                 // and not delivered
	msgHeld                 // delivered
	msgMaybeGone            // its consumer died, perhaps after it had released it
	msgOrphan               // its consumer died before
	msgDone
)

func (c *mpmcCrash) step(*mem.Access) {
	if c.kill--; c.kill == 0 {
		panic(death{})
	}
}

func (c *mpmcCrash) reset() {
	c.kill = 0
	c.format(StartCell + 5)
	n := c.t.Len()
	c.state, c.held, c.sending, c.lease = map[int]int{}, make([][]int, n), make([][]int, n), map[int]uint64{}
	c.last, c.sender = map[[2]int]int{}, map[int]int{}
}

func numbered(seq, n int) []byte {
	b := payload(seq, 8+n)
	binary.LittleEndian.PutUint64(b, uint64(seq))
	return b
}

// do has participant i do an operation of a script, and notes what came of it.
func (c *mpmcCrash) do(i int, kind int, seq int, sizes []int) {
	c.Helper()
	fail := func(err error) {
		if err != nil && err != ErrFull && err != ErrEmpty {
			c.Fatalf("participant %d, operation %d: %v", i, kind, err)
		}
	}
	c.sending[i] = nil
	note := func(seq int) {
		c.sending[i] = append(c.sending[i], seq)
		c.sender[seq] = i
	}
	sent := func(n int) {
		for _, seq := range c.sending[i][:n] {
			c.state[seq] = msgSent
		}
		c.sending[i] = nil
	}
	switch kind {
	case 0:
		note(seq)
		err := c.p[i].TrySend(1, numbered(seq, sizes[0]))
		fail(err)
		if err == nil {
			sent(1)
		}
	case 1:
		var msgs [][]byte
		for k, n := range sizes {
			note(seq + k)
			msgs = append(msgs, numbered(seq+k, n%60))
		}
		n, err := c.p[i].TrySendBatch(1, msgs)
		fail(err)
		sent(n)
	case 2:
		b, err := c.p[i].Claim(8 + sizes[0])
		fail(err)
		if err == nil && seq%4 == 0 {
			c.p[i].Abort()
		} else if err == nil {
			note(seq)
			copy(b, numbered(seq, sizes[0]))
			c.p[i].Commit(1, 8+sizes[0])
			sent(1)
		}
	case 3, 4:
		m, err := c.c[i].Next()
		fail(err)
		if err == nil {
			c.got(i, m)
		}
	case 5:
		// If it dies here, some are released and some are not.
		for _, seq := range c.held[i] {
			if c.state[seq] == msgHeld {
				c.state[seq] = msgMaybeGone
			}
		}
		c.c[i].Release()
		var held []int
		for _, seq := range c.held[i] {
			c.state[seq] = msgDone
			if c.c[i].Leased() == 1 && c.lease[seq] == c.c[i].leases[0].off {
				c.state[seq] = msgHeld // the rest of a batch is still to come
				held = append(held, seq)
			}
		}
		c.held[i] = held
	case 6:
		for _, seq := range c.held[i] {
			c.state[seq] = msgOrphan
		}
		c.held[i] = nil
		_, err := Detach(c.g, c.body, c.t, i)
		fail(err)
		c.handles(i)
	}
}

// got notes that participant i received m.
func (c *mpmcCrash) got(i int, m Message) {
	c.Helper()
	seq := int(binary.LittleEndian.Uint64(m.Payload))
	if string(m.Payload) != string(numbered(seq, len(m.Payload)-8)) {
		c.Fatalf("received %x, torn", m.Payload)
	}
	st := c.state[seq]
	if !slices.Contains([]int{msgMaybe, msgSent, msgMaybeGone, msgOrphan}, st) {
		c.Fatalf("received message %d, which is in state %d", seq, st)
	}
	// A batch comes again as a whole, also what was not handed out.
	if !m.Redelivered && st == msgOrphan {
		c.Fatalf("received message %d in state %d, redelivered %t", seq, st, m.Redelivered)
	}
	if key := [2]int{i, c.sender[seq]}; !m.Redelivered {
		if seq <= c.last[key] {
			c.Fatalf("received message %d after %d", seq, c.last[key])
		}
		c.last[key] = seq
	}
	c.state[seq] = msgHeld
	c.held[i] = append(c.held[i], seq)
	c.lease[seq] = c.c[i].leases[c.c[i].Leased()-1].off
}

// bury does what is to be done after the death of participant i. The sweeper
// may die again times, at the next accesses of its own.
func (c *mpmcCrash) bury(i, again int) {
	c.Helper()
	for _, seq := range c.sending[i] {
		if c.state[seq] == 0 {
			c.state[seq] = msgMaybe
		}
	}
	for _, seq := range c.held[i] {
		if c.state[seq] == msgHeld {
			c.state[seq] = msgOrphan
		}
	}
	c.held[i], c.sending[i] = nil, nil
	c.p[i], c.c[i] = nil, nil
	if !c.t.MarkDead(i, c.inc[i]) {
		c.Fatal("can't be marked dead")
	}
	for k := 1; k <= again; k++ {
		c.kill = k
		if !dies(func() { c.sweepAll() }) {
			break
		}
		c.deaths++
	}
	c.kill = 0
	c.sweepAll()
	if st := c.t.Slot(i).State(); st != SlotSwept {
		c.Fatalf("slot %d is %d after the sweep", i, st)
	}
	c.attach(i)
}

func (c *mpmcCrash) sweepAll() {
	for slot, inc := range c.t.Unswept() {
		if _, err := Sweep(c.g, c.body, c.t, slot, inc); err != nil {
			c.Fatal(err)
		}
	}
}

// finish has the participants receive all that is left, and uses the whole ring.
func (c *mpmcCrash) finish() {
	c.Helper()
	for i := range c.t.Len() {
		c.p[i].Abort()
		c.do(i, 6, 0, nil)
	}
	for {
		m, err := c.c[0].Next()
		if err == ErrEmpty {
			break
		}
		if err != nil {
			c.Fatal(err)
		}
		c.got(0, m)
	}
	c.do(0, 5, 0, nil)
	for seq, st := range c.state {
		if st != msgDone && st != msgMaybe && st != msgMaybeGone {
			c.Fatalf("message %d is left in state %d", seq, st)
		}
	}
	c.whole(1, 2)
}

func TestMPMCDeathAtAnyAccessLosesAndTearsNothing(t *testing.T) {
	for seed := range uint64(6) {
		for _, sum := range []bool{false, true}[seed%2 : seed%2+1] {
			t.Run(fmt.Sprintf("checksum %t, script %d", sum, seed), func(t *testing.T) {
				g := Geometry{Kind: MPMC, Capacity: 4096, CellSize: 512, Checksum: sum}
				c := &mpmcCrash{testMPMC: newMPMCRing(t, g, StartCell, 3, MPMCOptions{SkipStalled: seed%2 == 1})}
				hook(t, c.step)
				for k := 1; ; k++ {
					c.reset()
					rnd := rand.New(rand.NewPCG(seed, 9))
					died := false
					c.kill = k
					for seq := 1; seq < 700; seq += 10 {
						i, kind := rnd.IntN(3), rnd.IntN(7)
						if kind == 6 && rnd.IntN(3) > 0 {
							kind = 3
						}
						sizes := make([]int, 1+rnd.IntN(4))
						for k := range sizes {
							sizes[k] = rnd.IntN(int(g.MaxMessage() - 8))
						}
						if dies(func() { c.do(i, kind, seq, sizes) }) {
							died = true
							c.deaths++
							c.bury(i, int(seed)%3*20)
						}
					}
					left := c.kill
					c.kill = 0
					c.finish()
					if !died {
						t.Logf("%d deaths, %d accesses", c.deaths, k-left)
						break
					}
				}
				if c.deaths < 300 {
					t.Errorf("only %d deaths", c.deaths)
				}
			})
		}
	}
}
