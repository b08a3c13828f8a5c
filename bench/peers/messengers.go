package main

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ringway/ringway/bench/rivals/peer"
)

// dial waits for the other side to listen.
func dial(path string) (conn net.Conn, err error) {
	for range 2000 {
		if conn, err = net.Dial("unix", path); err == nil {
			return conn, nil
		}
		time.Sleep(time.Millisecond)
	}
	return nil, err
}

// accept returns the first connection.
func accept(path string) (net.Conn, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Accept()
}

// socket sends over a stream socket; all messages are of one size, so there is no
// framing.
type socket struct {
	net.Conn
	in []byte
}

func newSocket(path string, first bool, size int) (peer.Messenger, error) {
	connect := dial
	if first {
		connect = accept
	}
	conn, err := connect(path)
	return socket{conn, make([]byte, size)}, err
}

func (u socket) Send(b []byte) error {
	_, err := u.Write(b)
	return err
}

func (u socket) Recv(n int) ([]byte, error) {
	_, err := io.ReadFull(u.Conn, u.in[:n])
	return u.in[:n], err
}

func (u socket) Close() { u.Conn.Close() }

// channels send over two channels within the process.
type channels struct {
	out, in chan [64]byte
	got     [64]byte
}

var there, back = make(chan [64]byte, peer.Room), make(chan [64]byte, peer.Room)

func newChannels(_ string, first bool, size int) (peer.Messenger, error) {
	if size > 64 {
		return nil, fmt.Errorf("%d bytes: channels are of 64", size)
	}
	if first {
		return &channels{out: there, in: back}, nil
	}
	return &channels{out: back, in: there}, nil
}

func (c *channels) Send(b []byte) error {
	var m [64]byte
	copy(m[:], b)
	c.out <- m
	return nil
}

func (c *channels) Recv(n int) ([]byte, error) {
	m, ok := <-c.in
	if !ok {
		return nil, io.EOF
	}
	c.got = m
	return c.got[:n], nil
}

func (c *channels) Close() { close(c.out) }
