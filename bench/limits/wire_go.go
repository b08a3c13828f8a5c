package limits

import (
	"io"
	"net"
	"time"
)

// goSocket is a unix socket as Go programs use it.
type goSocket struct{ net.Conn }

func openGoSocket(path string, first bool) (Wire, error) {
	if first {
		l, err := net.Listen("unix", path)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return nil, err
		}
		return goSocket{c}, nil
	}
	var err error
	for range 2000 { // the other side may not be there yet
		var c net.Conn
		if c, err = net.Dial("unix", path); err == nil {
			return goSocket{c}, nil
		}
		time.Sleep(time.Millisecond)
	}
	return nil, err
}

func (s goSocket) Send(b []byte) error {
	_, err := s.Write(b)
	return err
}

func (s goSocket) Recv(b []byte) error {
	_, err := io.ReadFull(s, b)
	return err
}
