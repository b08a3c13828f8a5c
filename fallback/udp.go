package fallback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// A datagram is one frame. The handshake is offer and accept, repeated until
// they get through; the offer's nonce tells repetitions from new connections.
// Messages are numbered from 1; who receives number n+k after n knows that k-1
// are missing, and drops what comes late or twice. The end has the number after
// the last message, and is sent three times.

const (
	maxDatagram = 65000 // bytes of a datagram
	udpQueue    = 1024  // datagrams of one connection that wait to be received
	udpEnds     = 3
	udpRepeat   = 50 * time.Millisecond
)

// LostError says how many messages are missing; it matches ErrLost.
type LostError struct{ Count uint64 }

func (e *LostError) Error() string { return fmt.Sprintf("ringway: receive: %d %v", e.Count, ErrLost) }

// Unwrap returns ErrLost.
func (e *LostError) Unwrap() error { return ErrLost }

// udpSocket is a socket and the connections over it: one if it dials, many if it
// listens.
type udpSocket struct {
	c       *net.UDPConn
	o       Options
	l       *Listener // nil for one that dials
	mu      sync.Mutex
	links   map[netip.AddrPort]*udpLink
	dialing func(frame)   // gets control frames while it dials
	closed  bool          // no new connections; the socket goes with the last one
	stop    chan struct{} // closed by Close
}

// udpLink is a connection over UDP.
type udpLink struct {
	socket *udpSocket
	to     netip.AddrPort
	wire   wire
	nonce  nonce
	answer []byte // the accept, to be repeated

	in     chan []byte
	last   []byte // handed out
	next   uint64 // number of the next message
	held   frame  // comes after a loss was reported, if it is there
	ended  error
	sendMu sync.Mutex
	sent   uint64
	out    []byte
	said   bool
	closed atomic.Bool
	done   chan struct{}
}

var datagramPool = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

func udpWire(max uint64, f features) wire {
	return wire{max: min(max, maxDatagram-64), checksum: f&featureChecksum != 0, sequence: true}
}

func (s *udpSocket) newLink(to netip.AddrPort, w wire, n nonce) *udpLink {
	return &udpLink{socket: s, to: to, wire: w, nonce: n, in: make(chan []byte, udpQueue), next: 1, done: make(chan struct{})}
}

// run takes datagrams in until the socket is closed.
func (s *udpSocket) run() {
	for {
		buf := datagramPool.Get().(*[maxDatagram]byte)
		n, from, err := s.c.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			datagramPool.Put(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP answer to what was sent before
		}
		if !s.take(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), buf[:n]) {
			datagramPool.Put(buf)
		}
	}
}

// take takes a datagram in, and reports whether it keeps it.
func (s *udpSocket) take(from netip.AddrPort, b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	link := s.links[from]
	w := wire{sequence: true}
	if link != nil {
		w = link.wire
	}
	f, err := datagram(b, w)
	if err != nil {
		return false
	}
	if f.control() && f.h.Type() != ctlEnd {
		switch {
		case s.dialing != nil:
			s.dialing(f)
		case s.l != nil && f.h.Type() == ctlOffer:
			s.answer(from, link, f)
		}
		return false
	}
	if link == nil {
		return false
	}
	select {
	case link.in <- b:
		return true
	default:
		return false // lost, as the next number will tell
	}
}

// datagram checks that b is one frame.
func datagram(b []byte, w wire) (frame, error) {
	if len(b) < ring.HeaderSize {
		return frame{}, failf(ErrCorrupt, "datagram of %d bytes", len(b))
	}
	h := ring.Header(le.Uint64(b))
	if err := w.check(h); err != nil {
		return frame{}, err
	}
	if h.FrameSize() != uint64(len(b)) {
		return frame{}, failf(ErrCorrupt, "frame of %d bytes in a datagram of %d", h.FrameSize(), len(b))
	}
	return frame{h, b}, nil
}

// answer answers an offer. The caller has s.mu.
func (s *udpSocket) answer(from netip.AddrPort, link *udpLink, f frame) {
	of, err := decodeOffer(f.payload())
	if err == nil && link != nil && link.nonce == of.nonce {
		s.write(from, link.answer) // ours was lost
		return
	}
	switch {
	case err != nil:
	case s.closed:
		err = failf(ErrClosed, "nobody accepts any more")
	case len(without([]Transport{UDP}, of.transports...)) > 0 || !s.o.allows(UDP):
		err = failf(ErrTransport, "only udp goes over udp, if named")
	case len(s.links) >= pending && s.l.waiting() >= pending:
		err = failf(ErrBusy, "%d connections wait to be accepted", pending)
	}
	if err != nil {
		r := refusal{version: ProtocolVersion, reason: reason(err)}
		s.write(from, controlFrame(ctlReject, r.encode()))
		return
	}
	a := accept{version: ProtocolVersion, transport: UDP, nonce: of.nonce, features: of.features & featureChecksum,
		maxMessage: min(of.maxMessage, uint64(s.o.MaxMessage), maxDatagram-64)}
	if s.o.Checksums {
		a.features |= featureChecksum
	}
	if link != nil {
		link.end(failf(ErrPeerDead, "it has started anew"))
	}
	link = s.newLink(from, udpWire(a.maxMessage, a.features), of.nonce)
	link.answer = controlFrame(ctlAccept, a.encode())
	s.links[from] = link
	s.write(from, link.answer)
	e := &Established{Transport: UDP, Peer: Identity{UID: -1, Address: from.String()}, Link: link, Trail: []Step{{UDP, nil}}}
	s.l.deliver(e)
}

func (s *udpSocket) write(to netip.AddrPort, b []byte) error {
	_, err := s.c.WriteToUDPAddrPort(b, to)
	return err
}

// remove forgets a connection, and closes the socket with the last one.
func (s *udpSocket) remove(l *udpLink) {
	s.mu.Lock()
	if s.links[l.to] == l {
		delete(s.links, l.to)
	}
	last := s.closed && len(s.links) == 0
	s.mu.Unlock()
	if last {
		s.c.Close()
	}
}

// accept of a listening socket waits for its end: connections come by deliver.
func (s *udpSocket) accept() (*control, error) {
	<-s.stop
	return nil, os.ErrClosed
}

func (s *udpSocket) Close() error {
	s.mu.Lock()
	if !s.closed {
		close(s.stop)
	}
	s.closed = true
	last := len(s.links) == 0
	s.mu.Unlock()
	if last {
		return s.c.Close()
	}
	return nil
}

func (s *udpSocket) addr() string { return "udp://" + s.c.LocalAddr().String() }

func listenUDP(hostport string, o Options) (*Listener, error) {
	if !o.allows(UDP) {
		return nil, failf(ErrTransport, "udp is used only if it is named among the transports")
	}
	if why := UDP.Missing(); why != "" {
		return nil, failf(ErrUnsupported, "%s", why)
	}
	at, err := net.ResolveUDPAddr("udp", hostport)
	if err != nil {
		return nil, err
	}
	c, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	s := &udpSocket{c: c, o: o, links: make(map[netip.AddrPort]*udpLink), stop: make(chan struct{})}
	l := newListener("", o, s)
	s.l = l
	go s.run()
	return l, nil
}

func dialUDP(ctx context.Context, hostport string, o Options) (*Established, error) {
	if !o.allows(UDP) {
		return nil, failf(ErrTransport, "udp is used only if it is named among the transports")
	}
	if why := UDP.Missing(); why != "" {
		return nil, failf(ErrUnsupported, "%s", why)
	}
	at, err := net.ResolveUDPAddr("udp", hostport)
	if err != nil {
		return nil, err
	}
	network := "udp6"
	local := &net.UDPAddr{IP: net.IPv6unspecified}
	if at.IP.To4() != nil {
		network, local = "udp4", &net.UDPAddr{IP: net.IPv4zero}
	}
	c, err := net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	s := &udpSocket{c: c, o: o, links: make(map[netip.AddrPort]*udpLink), stop: make(chan struct{})}
	to := at.AddrPort()
	e, err := s.dial(ctx, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	if err != nil {
		c.Close()
		return nil, err
	}
	return e, nil
}

// dial repeats an offer until it is answered.
func (s *udpSocket) dial(ctx context.Context, to netip.AddrPort) (*Established, error) {
	of := offer{version: ProtocolVersion, maxMessage: min(uint64(s.o.MaxMessage), maxDatagram-64), transports: []Transport{UDP}}
	if s.o.Checksums {
		of.features = featureChecksum
	}
	rand.Read(of.nonce[:])
	type outcome struct {
		link *udpLink
		err  error
	}
	answered := make(chan outcome, 1)
	s.closed = true // the socket goes with the connection
	s.dialing = func(f frame) {
		var o outcome
		switch f.h.Type() {
		case ctlAccept:
			a, err := decodeAccept(f.payload())
			if err == nil {
				err = of.check(a)
			}
			if err != nil {
				return // another one's
			}
			o.link = s.newLink(to, udpWire(a.maxMessage, a.features), of.nonce)
			s.links[to] = o.link
		case ctlReject:
			r, err := decodeRefusal(f.payload())
			if err != nil {
				return
			}
			o.err = r.err(nil)
		default:
			return
		}
		s.dialing = nil
		answered <- o
	}
	go s.run()
	frame := controlFrame(ctlOffer, of.encode())
	late := time.NewTimer(s.o.Timeout)
	defer late.Stop()
	repeat := time.NewTicker(udpRepeat)
	defer repeat.Stop()
	for {
		if err := s.write(to, frame); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, err
		}
		select {
		case o := <-answered:
			if o.err != nil {
				return nil, o.err
			}
			return &Established{Transport: UDP, Dialed: true, Peer: Identity{UID: -1, Address: to.String()},
				Link: o.link, Trail: []Step{{UDP, nil}}}, nil
		case <-repeat.C:
		case <-late.C:
			return nil, failf(os.ErrDeadlineExceeded, "no answer in %v", s.o.Timeout)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *udpLink) Transport() Transport { return UDP }
func (l *udpLink) Peer() Identity       { return Identity{UID: -1, Address: l.to.String()} }
func (l *udpLink) MaxMessage() int      { return int(l.wire.max) }

func (l *udpLink) Send(ctx context.Context, typ uint16, payload []byte) error {
	return l.send(ctx, ring.MakeHeader(uint32(len(payload)), typ, l.wire.flags()), 0, payload)
}

func (l *udpLink) SendCorrelated(ctx context.Context, typ uint16, id uint64, payload []byte) error {
	return l.send(ctx, ring.MakeHeader(uint32(len(payload)), typ, l.wire.flags()|ring.FlagCorrelation), id, payload)
}

func (l *udpLink) CloseSend() error {
	return l.send(context.Background(), ring.MakeHeader(0, ctlEnd, ring.FlagControl|ring.FlagSequence), 0, nil)
}

func (l *udpLink) send(ctx context.Context, h ring.Header, id uint64, payload []byte) error {
	l.sendMu.Lock()
	defer l.sendMu.Unlock()
	end := h.Flags()&ring.FlagControl != 0
	switch {
	case l.closed.Load() || l.said:
		return l.fail("send", ErrClosed)
	case !end && uint64(len(payload)) > l.wire.max:
		return l.fail("send", failf(ErrTooLarge, "message of %d bytes, the connection takes at most %d", len(payload), l.wire.max))
	case ctx.Err() != nil:
		return ctx.Err()
	}
	l.sent++
	l.out = appendHeader(l.out[:0], h, payload, l.sent, id)
	l.out = append(append(l.out, payload...), padding(h)...)
	if end {
		l.said = true
		for range udpEnds - 1 {
			_ = l.socket.write(l.to, l.out)
		}
	}
	if err := l.socket.write(l.to, l.out); err != nil && errors.Is(err, net.ErrClosed) {
		return l.fail("send", ErrClosed)
	}
	return nil // what the network does with it is its affair
}

func (l *udpLink) Recv(ctx context.Context) (ring.Message, error) {
	if l.closed.Load() {
		return ring.Message{}, l.fail("receive", ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return ring.Message{}, err
	}
	if f := l.held; f.bytes != nil {
		l.held = frame{}
		return l.hand(f)
	}
	l.recycle()
	for l.ended == nil {
		var b []byte
		select {
		case b = <-l.in:
		default:
			select {
			case b = <-l.in:
			case <-ctx.Done():
				return ring.Message{}, ctx.Err()
			case <-l.done:
				if l.closed.Load() {
					return ring.Message{}, l.fail("receive", ErrClosed)
				}
				return ring.Message{}, l.fail("receive", failf(ErrPeerDead, "it has started anew"))
			}
		}
		f, err := datagram(b, l.wire)
		if err != nil { // checked before
			continue
		}
		l.last = b
		n := f.ext(ring.FlagSequence)
		if f.h.Flags()&ring.FlagSequence == 0 || n < l.next {
			l.recycle() // late, or twice
			continue
		}
		missing := n - l.next
		l.next = n + 1
		if missing > 0 {
			l.held = f
			return ring.Message{}, &LostError{missing}
		}
		return l.hand(f)
	}
	return ring.Message{}, l.ended
}

// hand hands a frame out.
func (l *udpLink) hand(f frame) (ring.Message, error) {
	if f.control() {
		l.ended = io.EOF
		return ring.Message{}, io.EOF
	}
	m, err := f.message()
	if err != nil {
		return m, l.fail("receive", err)
	}
	return m, nil
}

// recycle gives the buffer of what was handed out back.
func (l *udpLink) recycle() {
	if l.last != nil {
		datagramPool.Put((*[maxDatagram]byte)(l.last[:maxDatagram]))
		l.last = nil
	}
}

// end ends a connection from the other side.
func (l *udpLink) end(error) { close(l.done) }

func (l *udpLink) Close() error {
	if l.closed.Load() {
		return l.fail("close", ErrClosed)
	}
	_ = l.CloseSend()
	if l.closed.Swap(true) {
		return l.fail("close", ErrClosed)
	}
	l.socket.mu.Lock()
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	l.socket.mu.Unlock()
	l.socket.remove(l)
	return nil
}

func (l *udpLink) fail(op string, err error) error {
	if e, ok := err.(*errs.Error); ok {
		return named(op, "udp", e)
	}
	return &errs.Error{Op: op, Name: "udp", Err: err}
}
