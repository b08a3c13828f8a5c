package ringway_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/internal/sigbus"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// truncateFile is a child that cuts a file to a size.
func truncateFile(args []string) {
	var size int64
	if _, err := fmt.Sscan(args[1], &size); err != nil {
		proctest.Fail(err)
	}
	if err := os.Truncate(args[0], size); err != nil {
		proctest.Fail(err)
	}
}

func TestATruncatedSectionIsAnErrorAndNoCrash(t *testing.T) {
	if !sigbus.Supported {
		t.Skip("a truncated section ends the process on this architecture, as documented")
	}
	ctx := within(t)
	for _, size := range []int{0, 100, 4096, 3 * 4096, 4*4096 + 1} {
		r := newRing(t, ringway.Capacity(64<<10))
		p, c := ends(t, r)
		if err := p.Send(ctx, []byte("before")); err != nil {
			t.Fatal(err)
		}
		m, err := c.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		claim, err := p.Claim(ctx, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		child := proctest.Run(t, "truncate", "/dev/shm/ringway."+r.Name(), fmt.Sprint(size))
		if err := child.Wait(); err != nil {
			t.Fatal(err)
		}
		// Slices that are out can be used; what is there means nothing.
		_ = bytes.Count(m.Payload, []byte("b"))
		clear(claim)
		for i := 0; err == nil && i < 100; i++ {
			err = p.Send(ctx, make([]byte, 1000))
		}
		if !errors.Is(err, ringway.ErrFault) || !strings.Contains(err.Error(), r.Name()) {
			t.Errorf("cut to %d bytes: Send returned %v", size, err)
		}
		if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrFault) {
			t.Errorf("cut to %d bytes: Recv returned %v", size, err)
		}
		_ = p.Close()
		_ = c.Close()
	}
}

func TestAVandalGivesErrorsAndNoCrash(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		r := newRing(t, ringway.Capacity(4096))
		p, c := ends(t, r)
		s, err := shm.Open(r.Name(), shm.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		body := mem.Of(s.Body())
		for range 200 {
			switch rnd.IntN(4) {
			case 0:
				word := uint64(rnd.IntN(int(body.Len())/8)) * 8
				body.Store64(word, [...]uint64{0, 1, 1 << 63, ^uint64(0), rnd.Uint64(), body.Load64(word) ^ 1<<rnd.IntN(64)}[rnd.IntN(6)])
			case 1, 2:
				_ = p.TrySend(make([]byte, rnd.IntN(300)))
			case 3:
				if m, err := c.TryRecv(); err == nil {
					_ = bytes.Count(m.Payload, []byte{0})
				}
			}
		}
		for _, f := range []func() error{s.Close, p.Close, c.Close} {
			if err := f(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}

func TestASectionThatIsNoRingIsRefused(t *testing.T) {
	g := ring.Geometry{Kind: ring.SPSC, Capacity: 4096}
	for what, change := range map[string]func(*shm.Options){
		"another kind":        func(o *shm.Options) { o.Kind = 77 },
		"capacity 0":          func(o *shm.Options) { o.Params[0] = 0 },
		"an odd capacity":     func(o *shm.Options) { o.Params[0] = 4097 },
		"more than the file":  func(o *shm.Options) { o.Params[0] = 8192 },
		"an enormous one":     func(o *shm.Options) { o.Params[0] = 1 << 63 },
		"unknown parameters":  func(o *shm.Options) { o.Params[7] = 1 },
		"unknown flags":       func(o *shm.Options) { o.Params[1] = 1 << 40 },
		"too few for a ring":  func(o *shm.Options) { o.Participants = 1 },
		"a body without room": func(o *shm.Options) { o.Body = 4096 },
	} {
		o := shm.Options{Kind: uint32(g.Kind), Params: g.Params(), Body: int64(g.BodySize()), Participants: 2}
		change(&o)
		name := fmt.Sprintf("test-%d-%d", os.Getpid(), names.Add(1))
		s, err := shm.Create(name, o)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ringway.OpenRing(name)
		if !errors.Is(err, ringway.ErrCorrupt) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
		if r != nil {
			t.Errorf("%s was opened", what)
		}
		_ = s.Close()
		_ = ringway.RemoveRing(name)
	}
}

func TestNoDescriptorOrMappingIsLeft(t *testing.T) {
	count := func() (fds, maps int) {
		e, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		m, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return len(e), bytes.Count(m, []byte("/dev/shm/ringway."))
	}
	cycle := func() {
		name := fmt.Sprintf("test-%d-%d", os.Getpid(), names.Add(1))
		r, err := ringway.CreateRing(name, ringway.SPSC)
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Producer()
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Producer(); !errors.Is(err, ringway.ErrBusy) {
			t.Fatal(err)
		}
		if err := errors.Join(p.TrySend(nil), r.Close(), p.Close(), c.Close(), ringway.RemoveRing(name)); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	fds, maps := count()
	for range 100 {
		cycle()
	}
	if f, m := count(); f > fds || m > maps {
		t.Errorf("%d descriptors became %d, %d mappings %d", fds, f, maps, m)
	}
}
