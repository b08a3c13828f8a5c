package fallback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// control is the stream over which two sides negotiate. What they agree on may
// be this very stream.
type control struct {
	s         stream
	in        frames
	transport Transport   // what the stream is
	has       []Transport // what can be agreed on over it
	peer      Identity
	handles   handles // descriptors on their way; of the system
}

// Step is one thing that happened in a negotiation.
type Step struct {
	Transport Transport
	Err       error // why it was not to be; nil if it was
}

func (s Step) String() string {
	if s.Err != nil {
		return fmt.Sprintf("%v: %v", s.Transport, reason(s.Err))
	}
	return fmt.Sprintf("%v: agreed", s.Transport)
}

// reason is an error without the words that lead to it.
func reason(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Detail == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Detail
}

// Established is a connection on which two sides have agreed. Either Link is
// there, or Section, with a ring for each direction, and Control.
type Established struct {
	Transport Transport
	Peer      Identity
	Trail     []Step // what was tried, the last one with success

	Link Link

	Section  *shm.Section
	Geometry ring.Geometry // of each ring
	Dialed   bool          // this side dialled: it sends on the first ring, the other one on the second
	Control  *Control

	// Doorbells are what the rings' ends are woken by if they poll: nil if that
	// was not asked for.
	Doorbells *Doorbells

	accepted accept
}

// pairKind is the kind of a section with the two rings of a connection.
const pairKind = 64

// Rings returns the memory of the ring that this side sends on, and of the one
// that it receives from.
func (e *Established) Rings() (send, receive []byte) {
	body, size := e.Section.Body(), int(e.Geometry.BodySize())
	a, b := body[:size:size], body[size:2*size:2*size]
	if e.Dialed {
		return a, b
	}
	return b, a
}

// Close gives back an established connection that nobody wants.
func (e *Established) Close() error {
	if e.Link != nil {
		return e.Link.Close()
	}
	return errors.Join(e.Control.Close(), e.release())
}

// send sends a control frame.
func (c *control) send(typ uint16, payload []byte) error {
	_, err := c.s.Write(controlFrame(typ, payload))
	return err
}

// receive waits for a control frame.
func (c *control) receive() (typ uint16, payload []byte, err error) {
	f, err := c.in.next(c.handles.source(c.s), wire{})
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = failf(ErrPeerDead, "the connection ended during the handshake")
	}
	if err != nil {
		return 0, nil, err
	}
	if !f.control() {
		return 0, nil, failf(ErrCorrupt, "a message before the end of the handshake")
	}
	return f.h.Type(), f.payload(), nil
}

// limit limits what follows to the time that the options give, and to ctx. It
// returns what ends that.
func (c *control) limit(ctx context.Context, o Options) (end func()) {
	stop := context.AfterFunc(ctx, func() { c.deadline(longAgo) })
	if ctx.Err() == nil {
		c.deadline(time.Now().Add(o.Timeout))
	}
	if ctx.Err() != nil { // it may have ended in between
		c.deadline(longAgo)
	}
	return func() {
		if stop() {
			c.deadline(time.Time{})
		}
	}
}

func (c *control) deadline(t time.Time) {
	_ = c.s.SetReadDeadline(t)
	_ = c.s.SetWriteDeadline(t)
}

// establish makes the control connection the established one, or what watches
// over the rings. Nothing is read from it here any more.
func (c *control) establish(e *Established) {
	if e.Section != nil {
		e.Control = newControl(c)
		return
	}
	w := wire{max: e.accepted.maxMessage, checksum: e.accepted.features&featureChecksum != 0}
	l := newStreamLink(c.transport, c.s, c.peer, w, c.in)
	if e.accepted.features&featureAck != 0 {
		l.track(e.Dialed)
	}
	e.Link = l
}

// dial is the side of the handshake that offers. On an error the caller closes
// the control connection.
func (c *control) dial(ctx context.Context, name string, o Options) (*Established, error) {
	defer c.limit(ctx, o)()
	of := offer{version: ProtocolVersion, maxMessage: uint64(o.MaxMessage), capacity: uint64(o.Capacity),
		transports: o.preference(c.has), name: name}
	if o.Checksums {
		of.features |= featureChecksum
	}
	if o.Poll {
		of.features |= featurePoll
	}
	if o.Acknowledge {
		of.features |= featureAck
	}
	if len(of.transports) == 0 {
		return nil, failf(ErrTransport, "none of %v goes over %v", o.Transports, c.transport)
	}
	rand.Read(of.nonce[:])
	if err := c.send(ctlOffer, of.encode()); err != nil {
		return nil, err
	}
	var trail []Step
	// Each transport is accepted once at most.
	for range len(of.transports) + 1 {
		typ, payload, err := c.receive()
		if err != nil {
			return nil, err
		}
		switch typ {
		case ctlAccept:
			a, err := decodeAccept(payload)
			if err == nil {
				err = of.check(a)
			}
			if err != nil {
				return nil, err
			}
			e, err := c.taken(a, o)
			trail = append(trail, Step{a.transport, err})
			if err == nil {
				if err := c.send(ctlReady, nil); err != nil {
					return nil, errors.Join(err, e.release())
				}
				e.Trail = trail
				c.establish(e)
				return e, nil
			}
			r := refusal{version: ProtocolVersion, transport: a.transport, reason: reason(err)}
			if err := c.send(ctlDecline, r.encode()); err != nil {
				return nil, err
			}
			of.transports = without(of.transports, a.transport)
		case ctlReject:
			r, err := decodeRefusal(payload)
			if err != nil {
				return nil, err
			}
			return nil, r.err(trail)
		default:
			return nil, failf(ErrCorrupt, "control frame of type %d in answer to an offer", typ)
		}
	}
	return nil, failf(ErrCorrupt, "more answers than offers")
}

// check refuses an accept that doesn't follow from the offer.
func (o *offer) check(a accept) error {
	switch {
	case a.nonce != o.nonce:
		return failf(ErrCorrupt, "the accept is the answer to another offer")
	case len(without([]Transport{a.transport}, o.transports...)) > 0:
		return failf(ErrCorrupt, "%v was accepted, which was not on offer", a.transport)
	case a.features&^knownFeatures != 0, o.features&^a.features != 0:
		return failf(ErrCorrupt, "features %#x were accepted, %#x were on offer", a.features, o.features)
	case a.maxMessage == 0 || a.maxMessage > o.maxMessage && a.transport != SHM && a.transport != Bridge:
		return failf(ErrCorrupt, "messages of %d bytes were accepted, %d were on offer", a.maxMessage, o.maxMessage)
	}
	return nil
}

// err is the error of who was rejected.
func (r refusal) err(trail []Step) error {
	cause := ErrTransport
	switch r.code {
	case codeVersion:
		cause = ErrVersion
	case codeInsecure:
		cause = ErrInsecure
	case codeBusy:
		cause = ErrBusy
	}
	return failf(cause, "%s", strings.Join(append(steps(trail), "the other side says: "+r.reason), "; "))
}

func steps(trail []Step) (list []string) {
	for _, s := range trail {
		list = append(list, s.String())
	}
	return list
}

// taken makes what was accepted work on this side.
func (c *control) taken(a accept, o Options) (*Established, error) {
	e := &Established{Transport: a.transport, Peer: c.peer, Dialed: true, accepted: a}
	if a.transport == c.transport {
		return e, nil
	}
	s, bells, err := c.takeSection(a, o)
	if err != nil {
		return nil, err
	}
	e.Section, e.Doorbells = s, bells
	if e.Geometry, err = pairGeometry(s, a); err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

// release gives back what taken made, but not the control connection.
func (e *Established) release() error {
	if e.Section == nil {
		return nil
	}
	return errors.Join(e.Doorbells.Close(), e.Section.Close())
}

// pairGeometry checks that a section is what was accepted.
func pairGeometry(s *shm.Section, a accept) (ring.Geometry, error) {
	d := s.Descriptor()
	if d.Participants != 4 || d.Kind != pairKind || d.Region != a.region {
		return ring.Geometry{}, failf(ErrCorrupt, "the section is of kind %d and region %v, not %d and %v, or has other than 4 participants", d.Kind, d.Region, pairKind, a.region)
	}
	g, err := ring.GeometryOf(ring.SPSC, d.Params, uint64(d.BodySize)/2)
	if err == nil && (g.Capacity != a.capacity || g.Checksum != (a.features&featureChecksum != 0)) {
		err = failf(ErrCorrupt, "the section has rings of %d bytes, %d were accepted", g.Capacity, a.capacity)
	}
	return g, err
}

// pairOptions are those of the section for two rings.
func pairOptions(g ring.Geometry, o Options) shm.Options {
	return shm.Options{
		Kind: pairKind, Params: g.Params(), Body: 2 * int64(g.BodySize()), Participants: 4, Prefault: o.Prefault,
		Init: func(body []byte) {
			ring.Format(g, body[:g.BodySize()])
			ring.Format(g, body[g.BodySize():])
		},
	}
}

// answer is the side of the handshake that accepts. On an error the caller
// closes the control connection.
func (c *control) answer(ctx context.Context, l *Listener, o Options) (*Established, error) {
	defer c.limit(ctx, o)()
	typ, payload, err := c.receive()
	if err != nil {
		return nil, err
	}
	if typ == ctlTakeover {
		return nil, l.leave(c)
	}
	if typ != ctlOffer {
		return nil, failf(ErrCorrupt, "control frame of type %d instead of an offer", typ)
	}
	of, err := decodeOffer(payload)
	if err == nil && of.name != l.name {
		err = failf(ErrTransport, "this is %q, not %q", l.name, of.name)
	}
	if err != nil {
		return nil, c.reject(err)
	}
	a := accept{version: ProtocolVersion, nonce: of.nonce, features: of.features,
		maxMessage: min(of.maxMessage, uint64(o.MaxMessage))}
	if o.Checksums {
		a.features |= featureChecksum
	}
	if o.Poll {
		a.features |= featurePoll
	}
	o.Checksums, o.Poll = a.features&featureChecksum != 0, a.features&featurePoll != 0
	var trail []Step
	for i, t := range of.transports {
		if len(without([]Transport{t}, of.transports[:i]...)) == 0 {
			continue // twice
		}
		if !o.allows(t) || len(without([]Transport{t}, c.has...)) > 0 {
			trail = append(trail, Step{t, failf(ErrTransport, "not here")})
			continue
		}
		e, err := c.try(t, a, of, o)
		if err != nil {
			trail = append(trail, Step{t, err})
			continue
		}
		declined, err := c.ready()
		if t == Bridge {
			removeBridge(o.Dir, e.accepted.section)
		}
		if err != nil {
			return nil, errors.Join(err, e.release())
		}
		trail = append(trail, Step{t, declined})
		if declined == nil {
			e.Trail = trail
			c.establish(e)
			return e, nil
		}
		if err := e.release(); err != nil {
			return nil, err
		}
	}
	return nil, c.reject(failf(ErrTransport, "%s", strings.Join(steps(trail), "; ")))
}

// try prepares a transport and accepts it.
func (c *control) try(t Transport, a accept, of offer, o Options) (*Established, error) {
	e := &Established{Transport: t, Peer: c.peer}
	a.transport = t
	if t == c.transport {
		e.accepted = a
		return e, c.send(ctlAccept, a.encode())
	}
	if t == Bridge {
		o.SampleEvery = 0 // the two systems' clocks say different things
	}
	e.Geometry = o.geometry(o.grant(of.capacity))
	s, where, bells, err := c.makeSection(t, e.Geometry, o)
	if err != nil {
		return nil, err
	}
	e.Section, e.Doorbells = s, bells
	a.capacity, a.maxMessage, a.region, a.section = e.Geometry.Capacity, e.Geometry.MaxMessage(), s.Descriptor().Region, where
	e.accepted = a
	if err := c.handOver(controlFrame(ctlAccept, a.encode()), e); err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

// ready waits for the word of who dials on what was accepted.
func (c *control) ready() (declined, err error) {
	typ, payload, err := c.receive()
	switch {
	case err != nil:
		return nil, err
	case typ == ctlReady:
		return nil, nil
	case typ != ctlDecline:
		return nil, failf(ErrCorrupt, "control frame of type %d in answer to an accept", typ)
	}
	r, err := decodeRefusal(payload)
	return failf(ErrTransport, "declined: %s", r.reason), err
}

// reject tells the other side why not, and returns err.
func (c *control) reject(err error) error {
	r := refusal{version: ProtocolVersion, reason: reason(err)}
	switch {
	case errors.Is(err, ErrVersion):
		r.code = codeVersion
	case errors.Is(err, ErrInsecure):
		r.code = codeInsecure
	case errors.Is(err, ErrBusy):
		r.code = codeBusy
	}
	return errors.Join(err, c.send(ctlReject, r.encode()))
}
