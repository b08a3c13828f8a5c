package fallback

import (
	"fmt"
	"strings"
)

// Transport is a road that messages take.
type Transport uint8

// The transports. The package documentation has a table of them.
const (
	SHM Transport = iota + 1
	Unix
	Pipe
	TCP
	Bridge
	FIFO
	Child
	UDP
	Mailslot
)

var transportNames = [...]string{SHM: "shm", Unix: "unix", Pipe: "pipe", TCP: "tcp", Bridge: "bridge",
	FIFO: "fifo", Child: "child", UDP: "udp", Mailslot: "mailslot"}

// Transports returns all transports, the fastest first.
func Transports() []Transport {
	return []Transport{SHM, Unix, Pipe, TCP, Bridge, FIFO, Child, UDP, Mailslot}
}

// String returns the transport's name.
func (t Transport) String() string {
	if t > 0 && int(t) < len(transportNames) {
		return transportNames[t]
	}
	return fmt.Sprintf("transport %d", uint8(t))
}

// ParseTransport returns the transport of that name. The error matches
// ErrBadArgument and names those that there are.
func ParseTransport(name string) (Transport, error) {
	for t, n := range transportNames {
		if n == name && n != "" {
			return Transport(t), nil
		}
	}
	return 0, named("transport", name, failf(ErrBadArgument, "there are %s", strings.Join(transportNames[1:], ", ")))
}

// Missing says in words why this system doesn't have the transport; it is empty
// when it has. It doesn't try: that a connection can be made is another matter.
func (t Transport) Missing() string { return missing(t) }

// Identity is who is on the other side, as the system says, not as he says
// himself.
type Identity struct {
	PID     int    // of the process that connected, or listens; 0 if the system doesn't tell
	UID     int    // of its user; -1 if the system doesn't tell
	User    string // Windows: the user's security identifier
	Address string // of the network, if that is between
}

// Nobody is the identity when the system tells nothing.
var nobody = Identity{UID: -1}

// String says who it is in a few words.
func (i Identity) String() string {
	var parts []string
	if i.PID != 0 {
		parts = append(parts, fmt.Sprintf("process %d", i.PID))
	}
	if i.UID >= 0 {
		parts = append(parts, fmt.Sprintf("user %d", i.UID))
	}
	if i.User != "" {
		parts = append(parts, i.User)
	}
	if i.Address != "" {
		parts = append(parts, i.Address)
	}
	if parts == nil {
		return "unknown"
	}
	return strings.Join(parts, ", ")
}
