package fallback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// descriptors returns how many this process has.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// flat fails the test if there are more descriptors at its end than now.
func flat(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		proctest.Until(t, fmt.Sprintf("%d descriptors", before), func() bool { return descriptors(t) <= before })
	})
}

// hostile listens at a name and answers the first offer as it likes.
func hostile(t *testing.T, answer func(c *net.UnixConn, of offer)) (name string, o Options) {
	t.Helper()
	flat(t)
	o = Options{Dir: t.TempDir(), Timeout: proctest.Patience}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(o.Dir, "trap"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer c.Close()
		k := &control{s: c}
		typ, payload, err := k.receive()
		if err != nil || typ != ctlOffer {
			t.Errorf("%d, %v", typ, err)
			return
		}
		of, err := decodeOffer(payload)
		if err != nil {
			t.Error(err)
			return
		}
		answer(c, of)
		_, _ = io.Copy(io.Discard, c)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "trap", o
}

// acceptOf is the accept that an honest listener would send with a section.
func acceptOf(of offer, s *shm.Section, g ring.Geometry) accept {
	return accept{version: ProtocolVersion, transport: SHM, maxMessage: g.MaxMessage(), capacity: g.Capacity,
		nonce: of.nonce, region: s.Descriptor().Region}
}

func section(t *testing.T) (*shm.Section, ring.Geometry) {
	t.Helper()
	g := ring.Geometry{Kind: ring.SPSC, Capacity: 4096}
	s, err := shm.Anonymous(pairOptions(g, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, g
}

// memfd makes memory with the section's content, cut, and with so many seals.
func memfd(t *testing.T, s *shm.Section, cut int64, seals int) int {
	t.Helper()
	from, err := s.TakeFD()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(from)
	image := make([]byte, s.Descriptor().Total-cut)
	if _, err := unix.Pread(from, image, 0); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("hostile", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Pwrite(fd, image, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		t.Fatal(err)
	}
	return fd
}

const allSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

func TestDescriptorsThatAreNotOneSealedSectionAreRefusedAndClosed(t *testing.T) {
	s, g := section(t)
	spare, err := s.TakeFD()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(spare)
	null := func(n int) (fds []int) {
		for range n {
			fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, fd)
		}
		return fds
	}
	for name, c := range map[string]struct {
		fds  func() (*shm.Section, ring.Geometry, []int)
		says string
	}{
		"none":     {func() (*shm.Section, ring.Geometry, []int) { return s, g, nil }, "0 descriptors"},
		"two":      {func() (*shm.Section, ring.Geometry, []int) { return s, g, null(2) }, "2 descriptors"},
		"253":      {func() (*shm.Section, ring.Geometry, []int) { return s, g, null(253) }, "253 descriptors"},
		"a device": {func() (*shm.Section, ring.Geometry, []int) { return s, g, null(1) }, "not of memory"},
		"unsealed": {func() (*shm.Section, ring.Geometry, []int) { s, g := section(t); return s, g, []int{memfd(t, s, 0, 0)} }, "truncated"},
		"may shrink": {func() (*shm.Section, ring.Geometry, []int) {
			s, g := section(t)
			return s, g, []int{memfd(t, s, 0, unix.F_SEAL_GROW|unix.F_SEAL_SEAL)}
		}, "truncated"},
		"too short": {func() (*shm.Section, ring.Geometry, []int) {
			s, g := section(t)
			return s, g, []int{memfd(t, s, 4096, allSeals)}
		}, "only"},
		"another one": {func() (*shm.Section, ring.Geometry, []int) {
			other, g := section(t)
			return s, g, []int{memfd(t, other, 0, allSeals)}
		}, "region"},
		"other rings": {func() (*shm.Section, ring.Geometry, []int) {
			s, g := section(t)
			g.Capacity *= 2
			return s, g, []int{memfd(t, s, 0, allSeals)}
		}, "rings of"},
	} {
		t.Run(name, func(t *testing.T) {
			s, g, fds := c.fds()
			declined := make(chan string, 1)
			addr, o := hostile(t, func(u *net.UnixConn, of offer) {
				a := acceptOf(of, s, g)
				if _, _, err := u.WriteMsgUnix(controlFrame(ctlAccept, a.encode()), unix.UnixRights(fds...), nil); err != nil {
					t.Error(err)
				}
				for _, fd := range fds {
					unix.Close(fd)
				}
				typ, payload, err := (&control{s: u}).receive()
				r, decodeErr := decodeRefusal(payload)
				if err != nil || decodeErr != nil || typ != ctlDecline || r.transport != SHM {
					t.Errorf("%d %+v, %v, %v", typ, r, err, decodeErr)
				}
				declined <- r.reason
				_, _ = u.Write(controlFrame(ctlReject, (&refusal{version: ProtocolVersion, reason: "that's all"}).encode()))
			})
			_, err := Dial(t.Context(), addr, o)
			if !errors.Is(err, ErrTransport) {
				t.Fatal(err)
			}
			if why := <-declined; !strings.Contains(why, c.says) || !strings.Contains(err.Error(), "that's all") {
				t.Errorf("declined because %q; %v", why, err)
			}
		})
	}
}

func TestALineThatIsNoneIsRefusedAndClosed(t *testing.T) {
	device := func() int {
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	socket := func(typ int) func() int {
		return func() int {
			fds, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(fds[0])
			return fds[1]
		}
	}
	// Nobody has made it for this connection.
	stranger := func() int {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	stream := socket(unix.SOCK_STREAM)
	for name, makes := range map[string][]func() int{
		"none": nil, "two": {stream, stream}, "a device": {device}, "datagrams": {socket(unix.SOCK_DGRAM)}, "connected to nobody": {stranger},
	} {
		t.Run(name, func(t *testing.T) {
			s, g := section(t)
			fds := []int{memfd(t, s, 0, allSeals)}
			for _, f := range makes {
				fds = append(fds, f())
			}
			addr, o := hostile(t, func(u *net.UnixConn, of offer) {
				a := acceptOf(of, s, g)
				a.features = featurePoll
				if _, _, err := u.WriteMsgUnix(controlFrame(ctlAccept, a.encode()), unix.UnixRights(fds...), nil); err != nil {
					t.Error(err)
				}
				for _, fd := range fds {
					unix.Close(fd)
				}
				typ, _, err := (&control{s: u}).receive()
				if typ != ctlDecline || err != nil {
					t.Error(typ, err)
				}
				_, _ = u.Write(controlFrame(ctlReject, (&refusal{version: ProtocolVersion}).encode()))
			})
			o.Poll = true
			if _, err := Dial(t.Context(), addr, o); !errors.Is(err, ErrTransport) {
				t.Error(err)
			}
		})
	}
}

func TestAnAnswerThatDoesNotFollowFromTheOfferIsRefused(t *testing.T) {
	good := func(of offer) accept {
		return accept{version: ProtocolVersion, transport: Unix, maxMessage: 1000, nonce: of.nonce}
	}
	for name, answer := range map[string]func(of offer) []byte{
		"replayed":     func(of offer) []byte { a := good(of); a.nonce[0]++; return controlFrame(ctlAccept, a.encode()) },
		"not on offer": func(of offer) []byte { a := good(of); a.transport = TCP; return controlFrame(ctlAccept, a.encode()) },
		"no transport": func(of offer) []byte { a := good(of); a.transport = 0; return controlFrame(ctlAccept, a.encode()) },
		"more than asked": func(of offer) []byte {
			a := good(of)
			a.maxMessage = of.maxMessage + 1
			return controlFrame(ctlAccept, a.encode())
		},
		"unknown features": func(of offer) []byte { a := good(of); a.features = 1 << 20; return controlFrame(ctlAccept, a.encode()) },
		"cut short":        func(of offer) []byte { a := good(of); return controlFrame(ctlAccept, a.encode()[:30]) },
		"too long":         func(of offer) []byte { a := good(of); return controlFrame(ctlAccept, append(a.encode(), 0)) },
		"an offer":         func(of offer) []byte { return controlFrame(ctlOffer, of.encode()) },
		"a ready":          func(of offer) []byte { return controlFrame(ctlReady, nil) },
		"a message":        func(of offer) []byte { return appendMail(nil, 1, []byte("hello")) },
		"no frame":         func(of offer) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") },
		"zeros":            func(of offer) []byte { return make([]byte, 4096) },
		"a huge length": func(of offer) []byte {
			return le.AppendUint64(nil, uint64(ring.MakeHeader(1<<32-1, ctlAccept, ring.FlagControl)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr, o := hostile(t, func(c *net.UnixConn, of offer) { _, _ = c.Write(answer(of)) })
			if _, err := Dial(t.Context(), addr, o); !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
		})
	}
}

func TestAListenerThatSpeaksAnotherVersionIsToldApart(t *testing.T) {
	addr, o := hostile(t, func(c *net.UnixConn, of offer) {
		a := accept{version: 9, transport: Unix, maxMessage: 1000, nonce: of.nonce}
		_, _ = c.Write(controlFrame(ctlAccept, a.encode()))
	})
	if _, err := Dial(t.Context(), addr, o); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

func TestAListenerThatSaysNothingIsGivenUp(t *testing.T) {
	addr, o := hostile(t, func(*net.UnixConn, offer) {})
	o.Timeout = 20 * time.Millisecond
	if _, err := Dial(t.Context(), addr, o); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, addr, o); err == nil {
		t.Error("no error")
	}
}
