package ringway_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// kills is how many processes each test here kills: starting one is slow under
// the race detector, where the tests are short, and under Wine.
func kills() int {
	if runtime.GOOS == "windows" || testing.Short() {
		return 12
	}
	return 40
}

// journal is a file that holds one number, which outlives whoever wrote it.
type journal struct{ *os.File }

func openJournal(path string) journal {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		proctest.Fail(err)
	}
	return journal{f}
}

func (j journal) set(n uint64) {
	if _, err := j.WriteAt(binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
		proctest.Fail(err)
	}
}

func (j journal) get() uint64 {
	var b [8]byte
	if _, err := j.ReadAt(b[:], 0); err != nil && err != io.EOF {
		proctest.Fail(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// numbered is the message number n of producer number gen.
func numbered(b []byte, gen, n uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b[:0], gen)
	b = binary.LittleEndian.AppendUint64(b, n)
	return append(b, make([]byte, n%50)...)
}

func number(m ringway.Message) (gen, n uint64, err error) {
	if len(m.Payload) < 16 {
		return 0, 0, fmt.Errorf("a message of %d bytes", len(m.Payload))
	}
	gen, n = binary.LittleEndian.Uint64(m.Payload), binary.LittleEndian.Uint64(m.Payload[8:])
	if uint64(len(m.Payload)) != 16+n%50 {
		return 0, 0, fmt.Errorf("number %d has %d bytes", n, len(m.Payload))
	}
	return gen, n, nil
}

// sendNumbers is a child: it sends numbers from the journal's on, in all ways
// that there are, for ever. The journal never has a number that is not sent.
func sendNumbers(args []string) {
	ctx := context.Background()
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	j := openJournal(args[1])
	gen, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		proctest.Fail(err)
	}
	n := j.get()
	fmt.Println(n)
	var buf []byte
	for {
		switch n % 3 {
		case 0:
			buf = numbered(buf, gen, n)
			err = p.Send(ctx, buf)
			n++
		case 1:
			buf = numbered(buf, gen, n)
			var b []byte
			if b, err = p.Claim(ctx, len(buf)); err == nil {
				copy(b, buf)
				err = p.Commit()
			}
			n++
		case 2:
			var k int
			k, err = p.SendBatch(ctx, [][]byte{numbered(nil, gen, n), numbered(nil, gen, n+1), numbered(nil, gen, n+2)})
			n += uint64(k)
		}
		if err != nil {
			proctest.Fail(err)
		}
		j.set(n)
	}
}

func TestNothingCommittedIsLostWhenProducersAreKilled(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	r := newRing(t, ringway.Capacity(4096))
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	path := filepath.Join(t.TempDir(), "journal")
	var next uint64 // the number that has to come
	for gen := range uint64(kills()) {
		child := proctest.Run(t, "numbers", r.Name(), path, fmt.Sprint(gen))
		from, err := strconv.ParseUint(child.Line(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		fresh := true
		killAt := rand.IntN(3000)
		for i := 0; ; i++ {
			if i == killAt {
				child.Kill()
			}
			m, err := c.Recv(ctx)
			if errors.Is(err, ringway.ErrPeerDead) && i >= killAt {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			g, n, err := number(m)
			if err != nil {
				t.Fatal(err)
			}
			// What its predecessor sent last it may send again, since that
			// was killed before it could write it down.
			if g == gen && fresh {
				if n != from || n > next {
					t.Fatalf("producer %d begins with %d; it should with %d, and %d has to come", g, n, from, next)
				}
				next, fresh = n, false
			}
			if n != next {
				t.Fatalf("number %d of producer %d came, %d was due", n, g, next)
			}
			next++
		}
		j := openJournal(path)
		if sent := j.get(); sent > next {
			t.Fatalf("%d were sent, %d were received", sent, next)
		}
		j.Close()
	}
}

// receiveNumbers is a child: it receives numbers, checks that there is no gap,
// and notes in the journal what it has done, for ever.
func receiveNumbers(args []string) {
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	c, err := r.Consumer()
	if err != nil {
		proctest.Fail(err)
	}
	j := openJournal(args[1])
	next := j.get()
	first := true
	for m, err := range c.Messages(context.Background()) {
		if err == nil {
			var n uint64
			if _, n, err = number(m); err == nil {
				if n > next || n < next && !first {
					err = fmt.Errorf("number %d came, %d was due", n, next)
				}
				next, first = n+1, false
			}
		}
		if err != nil {
			proctest.Fail(err)
		}
		j.set(max(next, j.get()))
		if next%500 == 0 {
			fmt.Println(next)
		}
	}
}

func TestNothingIsLostWhenConsumersAreKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(within(t))
	r := newRing(t, ringway.Capacity(4096))
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var buf []byte
		for n := uint64(0); ; {
			buf = numbered(buf, 0, n)
			err := p.Send(ctx, buf)
			switch {
			case err == nil:
				n++
			case errors.Is(err, context.Canceled):
				return
			case !errors.Is(err, ringway.ErrPeerDead):
				t.Error(err)
				return
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "journal")
	for range kills() {
		child := proctest.Run(t, "receive", r.Name(), path)
		for range 1 + rand.IntN(3) {
			if child.Line() == "" {
				t.Fatalf("a consumer ended: %v", child.Wait())
			}
		}
		child.Kill()
	}
	cancel()
	<-done
}

// holdRole is a child that attaches in the given role, says so, and stays.
func holdRole(args []string) {
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	var end io.Closer
	if args[1] == "producer" {
		end, err = r.Producer()
	} else {
		end, err = r.Consumer()
	}
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("attached")
	proctest.Pause()
	if err := end.Close(); err != nil {
		proctest.Fail(err)
	}
	fmt.Println("closed")
	proctest.Pause()
}

func TestARoleIsHeldByOneProcessAtATime(t *testing.T) {
	for _, role := range []string{"producer", "consumer"} {
		r := newRing(t)
		attach := func() (io.Closer, error) {
			if role == "producer" {
				return r.Producer()
			}
			return r.Consumer()
		}
		child := proctest.Run(t, "hold", r.Name(), role)
		child.Expect("attached")
		_, err := attach()
		if !errors.Is(err, ringway.ErrBusy) || !strings.Contains(err.Error(), fmt.Sprint(child.Cmd.Process.Pid)) {
			t.Errorf("a second %s got %v", role, err)
		}
		child.GoOn()
		child.Expect("closed")
		first, err := attach()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := attach(); !errors.Is(err, ringway.ErrBusy) {
			t.Errorf("a second %s in the same process got %v", role, err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThePeersDeathIsToldOnceToWhoWaits(t *testing.T) {
	ctx := within(t)
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Park, ringway.Poll, ringway.BusySpin} {
		r := newRing(t, ringway.Capacity(4096), ringway.Wait(wait))
		child := proctest.Run(t, "hold", r.Name(), "producer")
		child.Expect("attached")
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		child.Kill()
		if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrPeerDead) || !strings.Contains(err.Error(), fmt.Sprint(child.Cmd.Process.Pid)) {
			t.Fatalf("%v: %v", wait, err)
		}
		p, err := r.Producer()
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() {
			_, err := c.Recv(ctx)
			got <- err
		}()
		if err := p.Send(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		child = proctest.Run(t, "hold", r.Name(), "consumer")
		child.Expect("attached")
		child.Kill()
		for p.TrySend(make([]byte, 1000)) == nil {
		}
		if err := p.Send(ctx, make([]byte, 1000)); !errors.Is(err, ringway.ErrPeerDead) {
			t.Fatalf("%v: %v", wait, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
