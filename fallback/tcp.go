package fallback

import (
	"context"
	"net"
)

// tcpTransports are what can be agreed on over TCP.
var tcpTransports = []Transport{Bridge, TCP}

func tcpControl(s net.Conn) *control {
	return &control{s: s, transport: TCP, has: tcpTransports,
		peer: Identity{UID: -1, Address: s.RemoteAddr().String()}}
}

func dialTCP(ctx context.Context, hostport string, _ Options) (*control, error) {
	var d net.Dialer
	s, err := d.DialContext(ctx, "tcp", hostport)
	if err != nil {
		return nil, err
	}
	return tcpControl(s), nil
}

// tcpListener listens on a TCP port. Who connects there isn't known: whom the
// network lets in is the network's affair.
type tcpListener struct{ l net.Listener }

func listenTCP(ctx context.Context, hostport string, o Options) (*tcpListener, error) {
	if o.TakeOver {
		return nil, failf(ErrUnsupported, "only names can be taken over")
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", hostport)
	if err != nil {
		return nil, err
	}
	return &tcpListener{l}, nil
}

func (t *tcpListener) accept() (*control, error) {
	s, err := t.l.Accept()
	if err != nil {
		return nil, err
	}
	return tcpControl(s), nil
}

func (t *tcpListener) Close() error { return t.l.Close() }
func (t *tcpListener) addr() string { return "tcp://" + t.l.Addr().String() }
