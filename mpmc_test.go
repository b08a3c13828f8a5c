package ringway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// several attaches that many of each to an MPMC ring.
func several(t *testing.T, r *ringway.Ring, producers, consumers int) (ps []*ringway.Producer, cs []*ringway.Consumer) {
	t.Helper()
	for range producers {
		p, err := r.Producer()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		ps = append(ps, p)
	}
	for range consumers {
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		cs = append(cs, c)
	}
	return ps, cs
}

func TestEachMessageGoesToOneConsumerAndEachProducersStayInOrder(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Yield, ringway.Park} {
		t.Run(wait.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, ringway.MPMC, ringway.Capacity(8192), ringway.Wait(wait))
			const producers, consumers, each = 3, 3, 3000
			ps, cs := several(t, r, producers, consumers)
			var sending, receiving sync.WaitGroup
			for i, p := range ps {
				sending.Go(func() {
					for n := 0; n < each; {
						var err error
						switch {
						case n%7 == 0 && n+2 <= each:
							_, err = p.SendBatch(ctx, [][]byte{fmt.Append(nil, i, " ", n), fmt.Append(nil, i, " ", n+1)})
							n += 2
						case n%5 == 0:
							var b []byte
							msg := fmt.Append(nil, i, " ", n)
							if b, err = p.Claim(ctx, len(msg)+20); err == nil {
								err = p.CommitTyped(0, copy(b, msg))
							}
							n++
						default:
							err = p.Send(ctx, fmt.Append(nil, i, " ", n))
							n++
						}
						if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			got := make([]map[string]bool, consumers)
			for i, c := range cs {
				got[i] = map[string]bool{}
				receiving.Go(func() {
					last := [producers]int{}
					for j := range last {
						last[j] = -1
					}
					for m, err := range c.Messages(ctx) {
						if err != nil {
							t.Error(err)
							return
						}
						var from, n int
						if _, err := fmt.Sscan(string(m.Payload), &from, &n); err != nil || m.Redelivered {
							t.Errorf("%q, redelivered %v: %v", m.Payload, m.Redelivered, err)
							return
						}
						if n <= last[from] {
							t.Errorf("number %d of producer %d came behind %d", n, from, last[from])
						}
						last[from] = n
						got[i][string(m.Payload)] = true
					}
				})
			}
			sending.Wait()
			if err := ps[0].End(ctx); err != nil {
				t.Fatal(err)
			}
			receiving.Wait()
			all := map[string]bool{}
			n := 0
			for _, g := range got {
				n += len(g)
				for k := range g {
					all[k] = true
				}
			}
			if n != producers*each || len(all) != n {
				t.Errorf("%d messages arrived, %d different ones, of %d", n, len(all), producers*each)
			}
		})
	}
}

func TestTheEndReachesEveryProducerAndConsumer(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.MPMC, ringway.Wait(ringway.Park))
	ps, cs := several(t, r, 2, 3)
	ends := make(chan error, len(cs))
	for _, c := range cs {
		go func() {
			_, err := c.Recv(ctx)
			ends <- err
		}()
	}
	if err := ps[0].End(ctx); err != nil {
		t.Fatal(err)
	}
	for range cs {
		if err := <-ends; err != io.EOF {
			t.Error(err)
		}
	}
	if err := ps[1].Send(ctx, nil); !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
	if _, err := r.Producer(); !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
}

func TestWhatAConsumerLeavesGoesToAnotherMarked(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.MPMC)
	ps, cs := several(t, r, 1, 2)
	for i := range 3 {
		if err := ps[0].Send(ctx, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		if m, err := cs[0].Recv(ctx); err != nil || string(m.Payload) != fmt.Sprint(i) {
			t.Fatal(err)
		}
	}
	if err := cs[0].Close(); err != nil { // number 1 is out
		t.Fatal(err)
	}
	got := map[string]bool{}
	for range 2 {
		m, err := cs[1].Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got[string(m.Payload)] = m.Redelivered
	}
	if len(got) != 2 || !got["1"] || got["2"] {
		t.Errorf("%v", got)
	}
}

func TestAFullTableIsAnErrorUntilSomebodyLeavesOrDies(t *testing.T) {
	r := newRingOf(t, ringway.MPMC, ringway.Participants(2))
	ps, _ := several(t, r, 1, 0)
	child := proctest.Run(t, "hold", r.Name(), "consumer")
	child.Expect("attached")
	if _, err := r.Consumer(); !errors.Is(err, ringway.ErrBusy) || !strings.Contains(err.Error(), "2") {
		t.Fatal(err)
	}
	if err := ps[0].Close(); err != nil {
		t.Fatal(err)
	}
	several(t, r, 0, 1)
	child.Kill()
	several(t, r, 1, 0)
}

// worker is a child: a producer or a consumer of the torture. It writes what it
// has sent, or handled, into a file, a line each, before it goes on.
func worker(args []string) {
	role, path, id := args[1], args[2], args[3]
	ctx := context.Background()
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		proctest.Fail(err)
	}
	note := func(line string) {
		if _, err := f.WriteString(line + "\n"); err != nil {
			proctest.Fail(err)
		}
	}
	if role == "consumer" {
		c, err := r.Consumer()
		if err != nil {
			proctest.Fail(err)
		}
		fmt.Println("ready")
		for m, err := range c.Messages(ctx) {
			if err != nil {
				proctest.Fail(err)
			}
			mark := "first"
			if m.Redelivered {
				mark = "again"
			}
			note(mark + " " + strings.TrimRight(string(m.Payload), "."))
		}
		fmt.Println("end")
		return
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("ready")
	stop := make(chan struct{})
	go func() {
		proctest.Pause()
		close(stop)
	}()
	for n := 0; ; {
		select {
		case <-stop:
			fmt.Println("end")
			return
		default:
		}
		k := 1
		switch n % 3 {
		case 0:
			err = p.Send(ctx, payload(id, n))
		case 1:
			var b []byte
			msg := payload(id, n)
			if b, err = p.Claim(ctx, len(msg)); err == nil {
				copy(b, msg)
				err = p.Commit()
			}
		case 2:
			k = 3
			_, err = p.SendBatch(ctx, [][]byte{payload(id, n), payload(id, n+1), payload(id, n+2)})
		}
		if err != nil {
			proctest.Fail(err)
		}
		for range k {
			note(fmt.Sprintf("%s %d", id, n))
			n++
		}
	}
}

// payload is message n of producer id, of a length between 10 and some 300.
func payload(id string, n int) []byte {
	b := fmt.Appendf(nil, "%s %d", id, n)
	for len(b) < 10+n*37%300 {
		b = append(b, '.')
	}
	return b
}

// tortureTime is how long processes are killed at random.
func tortureTime(t *testing.T) time.Duration {
	if text := os.Getenv("RINGWAY_TORTURE"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if testing.Short() {
		return time.Second
	}
	return 4 * time.Second
}

func TestEveryCommittedMessageIsDeliveredWhileProcessesAreKilledAtRandom(t *testing.T) {
	t.Parallel()
	const producers, consumers = 4, 4
	dir := t.TempDir()
	r := newRingOf(t, ringway.MPMC, ringway.Capacity(32<<10), ringway.Wait(ringway.Adaptive))
	type slot struct {
		role  string
		child *proctest.Child
	}
	var slots []*slot
	started := 0
	start := func(s *slot) {
		started++
		id := "w" + strconv.Itoa(started)
		s.child = proctest.Run(t, "worker", r.Name(), s.role, filepath.Join(dir, s.role+"-"+id), id)
		s.child.Expect("ready")
	}
	for i := range producers + consumers {
		s := &slot{role: "producer"}
		if i >= producers {
			s.role = "consumer"
		}
		slots = append(slots, s)
		start(s)
	}
	kills := 0
	for until := time.Now().Add(tortureTime(t)); kills < 20 || time.Now().Before(until); kills++ {
		s := slots[rand.IntN(len(slots))]
		s.child.Kill()
		start(s)
	}
	for _, s := range slots[:producers] {
		s.child.GoOn()
		s.child.Expect("end")
	}
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.End(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, s := range slots[producers:] {
		s.child.Expect("end")
	}

	// What a producer wrote down was sent. One message, or batch, may have been
	// sent and not written down.
	sent := map[string]int{}      // how many of each producer: 0, 1, …
	times := map[string][]uint8{} // how often each of a producer's was handled
	delivered, again, unmarked := 0, 0, 0
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		last := map[string]int{} // a consumer sees each producer's messages in order
		for in := bufio.NewReader(f); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				break // a kill may cut the last line short: it is not written
			}
			fields := strings.Fields(line)
			n, err := strconv.Atoi(fields[len(fields)-1])
			if err != nil {
				t.Fatalf("%s: %q", path, line)
			}
			id := fields[len(fields)-2]
			if len(fields) == 2 {
				sent[id] = n + 1
				continue
			}
			for len(times[id]) <= n {
				times[id] = append(times[id], 0)
			}
			times[id][n]++
			delivered++
			if fields[0] == "again" {
				again++
				continue
			}
			if before, ok := last[id]; ok && n <= before {
				t.Errorf("%s: number %d of %s behind %d", path, n, id, before)
			}
			last[id] = n
			unmarked++
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all, lost, different := 0, 0, 0
	for id, n := range sent {
		all += n
		for i := range n {
			if i >= len(times[id]) || times[id][i] == 0 {
				if lost++; lost < 10 {
					t.Errorf("number %d of %s was sent and not delivered", i, id)
				}
			}
		}
	}
	for _, counts := range times {
		for _, n := range counts {
			if n > 0 {
				different++
			}
		}
	}
	// A message that came twice came marked: the unmarked ones are different.
	if unmarked > different {
		t.Errorf("%d messages were delivered twice without a mark", unmarked-different)
	}
	t.Logf("%d kills; %d messages sent, %d delivered, %d of them again; %d lost", kills, all, delivered, again, lost)
	if all == 0 {
		t.Error("nothing happened")
	}
}
