package ring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// doAny does one operation that rnd picks, in the ring and in the queue, and
// compares.
func (q *queue) doAny(rnd *rand.Rand, seq *int) string {
	r := q.r
	r.Helper()
	i := rnd.IntN(r.t.Len())
	if q.unknown[i] || r.t.Slot(i).State() != SlotLive {
		switch r.t.Slot(i).State() {
		case SlotLive:
			q.unknown[i] = false
			r.die(i)
			return fmt.Sprint(i, " is marked dead")
		case SlotDead:
			if got, want := r.sweep(i), q.recover(i); got != want {
				r.Fatalf("sweep gives %+v, want %+v", got, want)
			}
			return fmt.Sprint("sweep ", i)
		}
		r.attach(i)
		return fmt.Sprint("attach ", i)
	}
	message := func(n int) qmessage {
		*seq++
		return qmessage{msgType(*seq), string(payload(*seq, n))}
	}
	size := func() int {
		if rnd.IntN(2) == 0 {
			return min(rnd.IntN(int(r.g.CellSize)*2), int(r.g.MaxMessage()))
		}
		return rnd.IntN(int(r.g.MaxMessage()) + 1)
	}
	switch k := rnd.IntN(100); {
	case k < 25:
		m, times := message(size()), 1
		if rnd.IntN(2) == 0 { // some of a kind, which go the straight way
			m, times = message(8*(1+rnd.IntN(16))), 1+rnd.IntN(8)
		}
		var want error
		for k := range times {
			m.data = string(payload(*seq+k, len(m.data)))
			var got error
			if got, want = r.p[i].TrySend(m.typ, []byte(m.data)), q.reserve(i, len(m.data)); got != want {
				r.Fatalf("%d sends %d bytes: %v, want %v\n%s", i, len(m.data), got, want, r.dump())
			}
			if want == nil {
				q.commit(i, m)
				q.agree()
			}
		}
		return fmt.Sprint(i, " sends ", times, " times ", len(m.data), " ", want)
	case k < 35:
		var msgs []qmessage
		var bytes [][]byte
		*seq++
		for range rnd.IntN(12) {
			n := size()
			switch rnd.IntN(5) {
			case 0, 1:
				n = rnd.IntN(100)
			case 2, 3:
				if k := len(bytes); k > 0 {
					n = len(bytes[k-1])
				}
			}
			msgs = append(msgs, qmessage{msgType(*seq), string(payload(*seq+len(msgs), n))})
			bytes = append(bytes, payload(*seq+len(bytes), n))
		}
		got, gotErr := r.p[i].TrySendBatch(msgType(*seq), bytes)
		want, wantErr := q.batch(i, msgs)
		if got != want || gotErr != wantErr {
			r.Fatalf("%d sends a batch of %d: %d, %v, want %d, %v\n%s", i, len(msgs), got, gotErr, want, wantErr, r.dump())
		}
		return fmt.Sprint(i, " sends a batch ", want, wantErr)
	case k < 45:
		n := size()
		b, got := r.p[i].Claim(n)
		if want := q.reserve(i, n); got != want || len(b) != n && want == nil {
			r.Fatalf("%d claims %d bytes: %v, want %v", i, n, got, want)
		}
		return fmt.Sprint(i, " claims ", n, got)
	case k < 55 && q.claim[i] != nil:
		n := rnd.IntN(r.p[i].Claimed() + 1)
		m := message(n)
		f := q.claim[i]
		copy(r.body[r.dataOff()+f.pos%q.cells*r.g.CellSize+q.packed(0):], m.data)
		r.p[i].Commit(m.typ, n)
		q.commit(i, m)
		return fmt.Sprint(i, " commits ", n)
	case k < 57:
		r.p[i].Abort()
		q.abort(i)
		return fmt.Sprint(i, " aborts")
	case k < 59:
		q.unknown[i] = true
		r.p[i], r.c[i] = nil, nil
		return fmt.Sprint(i, " dies")
	case k < 60:
		got, err := Detach(r.g, r.body, r.t, i)
		if want := q.recover(i); got != want || err != nil {
			r.Fatalf("%d detaches: %+v, %v, want %+v", i, got, err, want)
		}
		r.handles(i)
		return fmt.Sprint(i, " detaches")
	case k < 75:
		if got, want := r.c[i].Release(), q.release(i); got != want || r.c[i].Leased() != len(q.held[i]) {
			r.Fatalf("%d releases: %t, want %t, %d leases", i, got, want, len(q.held[i]))
		}
		return fmt.Sprint(i, " releases")
	case k < 85:
		return fmt.Sprint(i, " receives ", q.receive(i, r.c[i].Next))
	default:
		n := 0
		for n < 8 && q.receive(i, func() (Message, error) { return q.pass(i) }) == nil {
			n++
		}
		return fmt.Sprint(i, " receives ", n, " and releases")
	}
}

// pass receives as package ringway does: the straight way first, which releases
// the message before.
func (q *queue) pass(i int) (Message, error) {
	c := q.r.c[i]
	if c.Straight() {
		if len(q.held[i]) != 1 || len(q.rest[i]) > 0 || len(q.orphans()) > 0 {
			q.r.Fatalf("%d is to go straight on, with %d frames out and %d to be delivered again", i, len(q.held[i]), len(q.orphans()))
		}
		if !c.Win() {
			q.r.Fatalf("%d lost to nobody", i)
		}
		c.Pass()
		q.release(i)
		if c.Alike() {
			q.straight++
			return c.Plain(), nil
		}
		c.Odd()
		return c.Next()
	}
	if got, want := c.Release(), q.release(i); got != want {
		q.r.Fatalf("%d releases: %t, want %t", i, got, want)
	}
	return c.Next()
}

func (q *queue) receive(i int, next func() (Message, error)) error {
	r := q.r
	r.Helper()
	m, err := next()
	if len(q.rest[i]) == 0 {
		list, want := q.next()
		if err != want {
			r.Fatalf("%d receives %v, want %v\n%s", i, err, want, r.dump())
		}
		if err != nil {
			return err
		}
		// Which one it is says the word.
		k := slices.IndexFunc(list, func(f *qframe) bool {
			return r.cell(f.pos%q.cells) == r.cellWord(f.pos, f.span, 3, 0, f.times, i)
		})
		if k < 0 {
			r.Fatalf("%d received something else\n%s", i, r.dump())
		}
		q.take(i, list[k])
	} else if err != nil {
		r.Fatalf("%d receives the rest of a batch: %v", i, err)
	}
	want := q.rest[i][0]
	q.rest[i] = q.rest[i][1:]
	again := q.held[i][len(q.held[i])-1].times > 0
	if m.Type != want.typ || string(m.Payload) != want.data || m.Redelivered != again {
		r.Fatalf("%d received %d bytes of type %d, redelivered %t, want %d, %d, %t", i, len(m.Payload), m.Type, m.Redelivered,
			len(want.data), want.typ, again)
	}
	r.inside(m.Payload)
	return nil
}

func TestMPMCRingDoesWhatAListDoes(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, uint64(time.Now().UnixNano())}
	if some(10) < 10 {
		seeds = seeds[1:3]
	}
	for _, g := range []Geometry{
		{Kind: MPMC, Capacity: 4096, CellSize: 2048}, {Kind: MPMC, Capacity: 4096, CellSize: 1024},
		{Kind: MPMC, Capacity: 4096, CellSize: 256}, {Kind: MPMC, Capacity: 4096, CellSize: 16, Checksum: true},
		{Kind: MPMC, Capacity: 16384, CellSize: 512, Checksum: true},
	} {
		for i, seed := range seeds {
			t.Run(fmt.Sprintf("%+v, script %d", g, i), func(t *testing.T) {
				t.Logf("seed %d", seed)
				rnd := rand.New(rand.NewPCG(seed, g.Capacity/g.CellSize))
				start := uint64(StartCell)
				if i == 1 {
					start = 1<<44 - rnd.Uint64N(100) // the lap's bits wrap
				}
				r := newMPMCRing(t, g, start, 1+rnd.IntN(6), MPMCOptions{SkipStalled: i%2 == 0})
				q := newQueue(r, start)
				seq := 0
				var log []string
				t.Cleanup(func() {
					if t.Failed() {
						t.Log(log[max(len(log)-40, 0):])
					}
				})
				for range 6000 {
					log = append(log, q.doAny(rnd, &seq))
					q.agree()
				}
				// The end.
				for i := range r.t.Len() {
					for q.unknown[i] || r.t.Slot(i).State() != SlotLive {
						q.unknown[i] = false
						switch r.t.Slot(i).State() {
						case SlotLive:
							r.die(i)
						case SlotDead:
							r.sweep(i)
							q.recover(i)
						default:
							r.attach(i)
						}
					}
					r.p[i].Abort()
					q.abort(i)
				}
				for q.ended = false; !q.ended; {
					if err := r.p[0].End(); err == nil {
						q.ended = true
					} else if _, want := q.room(1); err != want {
						t.Fatalf("end: %v, want %v", err, want)
					}
					for i := range r.t.Len() {
						for err := error(nil); err == nil; err = q.receive(i, r.c[i].Next) {
							q.agree()
						}
						r.c[i].Release()
						q.release(i)
					}
				}
				q.receive(0, r.c[0].Next)
				if seed <= 4 && q.straight == 0 && !g.Checksum && q.cells > 2 { // chance may have it so
					t.Error("no message came the straight way")
				}
				if len(q.frames) != 0 && q.low() != q.tail {
					t.Errorf("%d frames are left", len(q.frames))
				}
			})
		}
	}
}
