package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/cloudwego/shmipc-go"

	"github.com/ringway/ringway/bench/rivals/peer"
)

// shmPrefix is what the names of its sections begin with: like the directory for
// temporary files, so that whoever runs the program can clean up if it is killed.
func shmPrefix(path string) string {
	return filepath.Join("/dev/shm", filepath.Base(os.TempDir())+"-"+filepath.Base(filepath.Dir(path)))
}

// cleanUp removes what is left when a side was killed.
func cleanUp(path string) {
	left, _ := filepath.Glob(shmPrefix(path) + "*")
	for _, file := range left {
		_ = os.Remove(file)
	}
}

// shm sends over a stream of shmipc-go.
type shm struct {
	stream *shmipc.Stream
	ends   []func() error
}

func newShmipc(path string, first bool, _ int) (peer.Messenger, error) {
	shmipc.SetLogLevel(5) // errors are returned, too
	if first {
		conn, err := accept(path)
		if err != nil {
			return nil, err
		}
		s, err := shmipc.Server(conn, shmipc.DefaultConfig())
		if err != nil {
			return nil, err
		}
		// There is a stream for this side when something has come over it.
		stream, err := s.AcceptStream()
		if err != nil {
			return nil, err
		}
		m := &shm{stream, []func() error{s.Close, conn.Close}}
		_, err = m.Recv(1)
		return m, err
	}
	c := shmipc.DefaultSessionManagerConfig()
	c.Network, c.Address, c.SessionNum = "unix", path, 1
	c.ShareMemoryPathPrefix = shmPrefix(path)
	c.QueuePath = c.ShareMemoryPathPrefix + "_queue"
	// The other side may not listen yet.
	for try := 0; ; try++ {
		m, err := shmipc.NewSessionManager(c)
		if err == nil {
			stream, err := m.GetStream()
			if err != nil {
				return nil, err
			}
			m := &shm{stream, []func() error{m.Close}}
			return m, m.Send(make([]byte, 1))
		}
		if try == 2000 {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

// Send copies b once, to where the other side reads it.
func (s *shm) Send(b []byte) error {
	there, err := s.stream.BufferWriter().Reserve(len(b))
	if err != nil {
		return err
	}
	copy(there, b)
	return s.stream.Flush(false)
}

// Recv returns the message where it lies.
func (s *shm) Recv(n int) ([]byte, error) {
	r := s.stream.BufferReader()
	r.ReleasePreviousRead()
	return r.ReadBytes(n)
}

func (s *shm) Close() {
	_ = s.stream.Close()
	for _, end := range s.ends {
		_ = end()
	}
}
