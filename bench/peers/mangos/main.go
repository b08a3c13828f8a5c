// Mangos measures go.nanomsg.org/mangos/v3, a PAIR over ipc, for package rivals of
// Ringway's module: what its flags are, and how it measures, says package peer there.
//
//	echo | go run . --engine mangos --mode latency --size 64 --cpus 0,1
package main

import (
	"fmt"
	"time"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pair"
	_ "go.nanomsg.org/mangos/v3/transport/ipc"

	"github.com/ringway/ringway/bench/rivals/peer"
)

func main() {
	peer.Main(peer.Engine{Name: "mangos", Title: "mangos (ipc)", Connect: connect})
}

// socket is one end of the pair.
type socket struct {
	mangos.Socket
	in *mangos.Message // the last that was received
}

func connect(path string, first bool, size int) (peer.Messenger, error) {
	s, err := pair.NewSocket()
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]any{
		mangos.OptionMaxRecvSize: size, mangos.OptionReadQLen: 1024, mangos.OptionWriteQLen: 1024,
		mangos.OptionDialAsynch: true, mangos.OptionReconnectTime: 10 * time.Millisecond,
	} {
		if err := s.SetOption(name, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	// A pair waits for another peer when one is gone: this one had only that.
	s.SetPipeEventHook(func(event mangos.PipeEvent, _ mangos.Pipe) {
		if event == mangos.PipeEventDetached {
			_ = s.Close()
		}
	})
	if first {
		err = s.Listen("ipc://" + path)
	} else {
		err = s.Dial("ipc://" + path)
	}
	return &socket{Socket: s}, err
}

// Send copies b into a message of the library's, as its own Send does.
func (s *socket) Send(b []byte) error { return s.Socket.Send(b) }

// Recv returns the library's own message, without a copy.
func (s *socket) Recv(n int) ([]byte, error) {
	if s.in != nil {
		s.in.Free()
	}
	var err error
	if s.in, err = s.RecvMsg(); err != nil {
		return nil, err
	}
	if len(s.in.Body) != n {
		return nil, fmt.Errorf("a message of %d bytes", len(s.in.Body))
	}
	return s.in.Body, nil
}

func (s *socket) Close() { _ = s.Socket.Close() }
