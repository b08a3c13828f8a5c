package limits

// Wire is one end of the kernel's simplest ways to get from one process to
// another: what a program that sleeps can't beat without shared memory. It
// belongs to one goroutine, which should be locked to its thread.
type Wire interface {
	Send(b []byte) error
	// Recv fills b; each message is as long as the buffer it is received into.
	Recv(b []byte) error
	Close() error
}

// The kinds of wires.
const (
	Pipe   = "pipe"
	Socket = "unix socket"
	Futex  = "futex" // moves no bytes: one side wakes the other

	GoSocket = "unix socket (Go net)" // by package net, whose poller sleeps
)

// OpenWire opens one end of a wire: the first one waits for the second, in
// another process, and the other way round. A pipe or a socket is made at path, in
// a directory that exists; a futex uses mem, 256 bytes of zeros that both
// processes share. It returns an error that matches errors.ErrUnsupported on other
// systems than Linux.
func OpenWire(kind, path string, mem []byte, first bool) (Wire, error) {
	if kind == GoSocket {
		return openGoSocket(path, first)
	}
	return openWire(kind, path, mem, first)
}
