package fallback

import (
	"fmt"
	"slices"
	"strings"
)

// Requirements are what one has to know to choose how two programs talk to each
// other. The zero value asks for the fastest reliable connection between two
// processes of one machine and user, which know each other's name.
type Requirements struct {
	// Network: the other side may be on another machine.
	Network bool
	// Wine: one side is a Windows program under Wine, the other a Linux program.
	Wine bool
	// OtherUser: the two sides run as different users.
	OtherUser bool
	// Child: the other side is a process that this one starts, and nobody else
	// is to reach it.
	Child bool
	// Foreign: the other side is no Ringway program but reads or writes files,
	// as shells do; it has to speak frames, however.
	Foreign bool
	// Unknown: the partner isn't known by name or address, but is to be found
	// by asking everybody on the network.
	Unknown bool
	// OneWay: nothing comes back.
	OneWay bool
	// ManySenders: any number of processes send to one receiver, each without a
	// connection of its own.
	ManySenders bool
	// Lossy: a message that can't be delivered at once is better lost than late.
	Lossy bool
	// MessageBytes is the size of the largest message; 0 is small.
	MessageBytes int
	// Allowed, if not nil, are the only transports that may be chosen.
	Allowed []Transport
}

// Choice is what Choose recommends.
type Choice struct {
	// Transports that meet the requirements on this system, the best first. It
	// is empty if there are none.
	Transports []Transport
	// Address is the kind of address to listen at.
	Address string
	// Answers says of each transport why it is where it is, or why it isn't.
	Answers []Answer
}

// Answer is what Choose has to say about a transport.
type Answer struct {
	Transport Transport
	Chosen    bool
	Why       string
}

// String explains the choice, a line for each transport.
func (c Choice) String() string {
	var b strings.Builder
	for _, a := range c.Answers {
		mark := "  "
		if a.Chosen {
			mark = "* "
		}
		fmt.Fprintf(&b, "%s%-9v %s\n", mark, a.Transport, a.Why)
	}
	switch {
	case len(c.Transports) == 0:
		b.WriteString("nothing here meets all of that\n")
	default:
		fmt.Fprintf(&b, "try %v in this order; address: %s\n", c.Transports, c.Address)
	}
	return b.String()
}

// Choose answers the questions that one asks when choosing among the means of
// inter-process communication: one machine or a network? which systems? is the
// partner known, or to be found? started by whom? does anything come back? may
// anything be lost? how fast must it be? It says for each transport which answer
// speaks against it. The order of what is left is by speed.
func Choose(r Requirements) Choice {
	var c Choice
	for _, t := range Transports() {
		why := r.against(t)
		if why == "" && r.Allowed != nil && !slices.Contains(r.Allowed, t) {
			why = "not allowed"
		}
		if why == "" {
			if m := t.Missing(); m != "" {
				why = "not on this system: " + m
			}
		}
		a := Answer{Transport: t, Chosen: why == "", Why: why}
		if a.Chosen {
			a.Why = merits[t]
			c.Transports = append(c.Transports, t)
		}
		c.Answers = append(c.Answers, a)
	}
	if len(c.Transports) > 0 {
		c.Address = addresses[c.Transports[0]]
	}
	return c
}

// merits say what speaks for each transport.
var merits = [...]string{
	SHM:      "no system call while both sides are awake; the other side's death is learnt at once",
	Unix:     "the system's fastest stream on one machine; tells who is there",
	Pipe:     "the system's stream on one machine; tells who is there",
	TCP:      "reaches everybody, and says nothing about who that is",
	Bridge:   "memory that a Linux and a Wine process share",
	FIFO:     "files that any program can open, one at a time",
	Child:    "nobody else can get at it",
	UDP:      "never waits; numbered, so that losses are known",
	Mailslot: "one receiver, any number of senders, no connections",
}

var addresses = [...]string{
	SHM: "a name", Unix: "a name", Pipe: "a name", TCP: "tcp://host:port", Bridge: "tcp://127.0.0.1:port, with Dir",
	FIFO: "fifo:///path", Child: "none: StartChild and Parent", UDP: "udp://host:port", Mailslot: "a name: ListenMail and DialMail",
}

// against returns the first requirement that a transport doesn't meet.
func (r Requirements) against(t Transport) string {
	is := func(list ...Transport) bool { return slices.Contains(list, t) }
	local := is(SHM, Unix, Pipe, Bridge, FIFO, Child, Mailslot)
	switch {
	case r.Unknown:
		return "the partner has to be known; to find one, use Broadcast, and then dial"
	case r.Network && local:
		return "only within one machine"
	case r.Wine && is(SHM):
		return "a Windows section and a Linux one are not the same memory; bridge is"
	case r.Wine && is(Unix, Pipe, FIFO, Child, Mailslot):
		return "not the same thing on both systems"
	case !r.Wine && is(Bridge):
		return "only for a Linux and a Wine process; shm is better elsewhere"
	case r.OtherUser && is(SHM, Unix) && runtimeIsWindows:
		return "access is for one user alone"
	case r.OtherUser && is(Pipe, FIFO, Mailslot, Bridge):
		return "access is for one user alone"
	case r.Child != is(Child) && (r.Child || is(Child)):
		if r.Child {
			return "others could reach it, too"
		}
		return "only to a process that this one starts"
	case r.Foreign && !is(FIFO, TCP, UDP, Unix, Pipe, Mailslot):
		return "takes a library on the other side"
	case r.ManySenders && !is(Mailslot, UDP):
		return "takes a connection for each sender"
	case is(FIFO) && !r.Foreign:
		return "one connection at a time; for programs that can only open files"
	case is(UDP) && !r.Lossy:
		return "may lose messages"
	case is(Mailslot) && !r.OneWay:
		return "nothing can come back"
	case is(Mailslot) && !r.ManySenders:
		return "for many senders; with one, a connection is better"
	case is(UDP) && r.MessageBytes > maxDatagram-64, is(Mailslot) && r.MessageBytes > MaxMail:
		return fmt.Sprintf("messages of %d bytes are too large for it", r.MessageBytes)
	case r.Lossy && r.Network && is(TCP):
		return "a lost packet holds up what is behind it"
	}
	return ""
}
