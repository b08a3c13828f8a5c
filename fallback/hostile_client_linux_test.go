package fallback

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/proctest"
)

// victim listens honestly, and counts whom it refused.
func victim(t *testing.T, o Options) (l *Listener, path string, refused *atomic.Int64, last *atomic.Value) {
	t.Helper()
	flat(t)
	refused, last = new(atomic.Int64), new(atomic.Value)
	o.Dir = t.TempDir()
	o.Refused = func(_ Identity, err error) {
		last.Store(err)
		refused.Add(1)
	}
	l, err := Listen(t.Context(), "victim", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, filepath.Join(o.Dir, "victim"), refused, last
}

func TestTenThousandBadHandshakesLeaveNothingBehind(t *testing.T) {
	_, path, refused, _ := victim(t, Options{Timeout: 100 * time.Millisecond})
	of := offer{version: ProtocolVersion, maxMessage: 1000, transports: []Transport{SHM}, name: "victim"}
	bad := [][]byte{
		nil,
		[]byte("x"),
		[]byte("GET / HTTP/1.1\r\n\r\n"),
		make([]byte, 100),
		controlFrame(ctlReady, nil),
		controlFrame(ctlOffer, nil),
		controlFrame(ctlOffer, of.encode()[:20]),
		controlFrame(ctlOffer, of.encode()), // and gone, with a section made for it
		append(controlFrame(ctlOffer, of.encode()), controlFrame(ctlOffer, of.encode())...),
		append(controlFrame(ctlOffer, of.encode()), controlFrame(ctlDecline, (&refusal{transport: SHM}).encode())...),
	}
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	for i := range n {
		// More than the system has listeners keep waiting would be turned away.
		proctest.Until(t, "others are refused", func() bool { return int64(i)-refused.Load() < 2000 })
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(bad[i%len(bad)])
		if i%3 == 0 {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, _ = c.Read(make([]byte, 64))
		}
		c.Close()
	}
	proctest.Until(t, "all of them are refused", func() bool { return refused.Load() >= int64(n) })
}

// silent connects that many who say nothing.
func silent(t *testing.T, n int, path string) (all []net.Conn) {
	t.Helper()
	for range n {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
	}
	return all
}

func TestClientsThatSayNothingHoldNobodyUp(t *testing.T) {
	l, path, refused, _ := victim(t, Options{Timeout: time.Hour})
	silent(t, 100, path)
	go func() {
		e, err := l.Accept(t.Context())
		if err == nil {
			e.Close()
		}
	}()
	e, err := Dial(t.Context(), "victim", Options{Dir: filepath.Dir(path)})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d were cut off within the hour", n)
	}
}

func TestAClientThatSaysNothingIsCutOff(t *testing.T) {
	_, path, refused, last := victim(t, Options{Timeout: 50 * time.Millisecond})
	for _, c := range silent(t, 100, path) {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
	proctest.Until(t, "all of them are refused", func() bool { return refused.Load() >= 100 })
	if err := last.Load().(error); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestDescriptorsThatComeWithAnOfferAreDropped(t *testing.T) {
	l, path, _, _ := victim(t, Options{})
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	of := offer{version: ProtocolVersion, maxMessage: 1000, transports: []Transport{Unix}, name: "victim"}
	var fds []int
	for range maxFDs {
		fds = append(fds, 0)
	}
	if _, _, err := c.WriteMsgUnix(controlFrame(ctlOffer, of.encode()), unix.UnixRights(fds...), nil); err != nil {
		t.Fatal(err)
	}
	k := &control{s: c}
	if typ, _, err := k.receive(); typ != ctlAccept || err != nil {
		t.Fatal(typ, err)
	}
	if _, _, err := c.WriteMsgUnix(controlFrame(ctlReady, nil), unix.UnixRights(0, 1, 2), nil); err != nil {
		t.Fatal(err)
	}
	e, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, _, err := c.WriteMsgUnix(appendMail(nil, 0, []byte("x")), unix.UnixRights(0, 1, 2), nil); err != nil {
		t.Fatal(err)
	}
	if m, err := e.Link.Recv(t.Context()); err != nil || string(m.Payload) != "x" {
		t.Fatal(err)
	}
}

func TestSquattedNamesAreRefused(t *testing.T) {
	ctx := t.Context()
	expect := func(what string, o Options) {
		t.Helper()
		if l, err := Listen(ctx, "x", o); !errors.Is(err, ErrInsecure) {
			t.Errorf("%s: listen: %v", what, err)
			if err == nil {
				l.Close()
			}
		}
	}
	dir := func() Options { return Options{Dir: t.TempDir()} }
	o := dir()
	if err := os.WriteFile(filepath.Join(o.Dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("a file", o)
	o = dir()
	if err := os.Symlink("/dev/null", filepath.Join(o.Dir, "x")); err != nil {
		t.Fatal(err)
	}
	expect("a link", o)
	o = dir()
	if err := os.Symlink("/dev/null", filepath.Join(o.Dir, "x.lock")); err != nil {
		t.Fatal(err)
	}
	expect("a link for a lock", o)
	o = dir()
	if err := os.Chmod(o.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	expect("everybody's directory", o)
	if _, err := Dial(ctx, "x", o); !errors.Is(err, ErrInsecure) {
		t.Errorf("dial in everybody's directory: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("what other users squat is tried as root")
	}
	o = dir()
	if err := os.Chown(o.Dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	expect("another user's directory", o)
	o = dir()
	l, err := net.Listen("unix", filepath.Join(o.Dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chown(filepath.Join(o.Dir, "x"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	expect("another user's socket", o)
	o = dir()
	path := filepath.Join(o.Dir, "f")
	if err := unix.Mkfifo(path+".in", 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path+".in", 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, "fifo://"+path, o); !errors.Is(err, ErrInsecure) {
		t.Errorf("everybody's FIFO: %v", err)
	}
}

func TestWhoConnectsAsAnotherUserIsRefused(t *testing.T) {
	o := Options{}
	stranger := Identity{PID: 1, UID: os.Geteuid() + 1}
	if err := o.admit(stranger); !errors.Is(err, ErrInsecure) {
		t.Error(err)
	}
	o.Users = []int{stranger.UID}
	if err := o.admit(stranger); err != nil {
		t.Error(err)
	}
	if err := o.admit(nobody); !errors.Is(err, ErrInsecure) {
		t.Error("nobody:", err)
	}
}
