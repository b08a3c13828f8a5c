package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/cloudwego/shmipc-go"
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

func newShmipc(path string, first bool, _ int) (messenger, error) {
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
		return m, m.recv(make([]byte, 1))
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
			return m, m.send(make([]byte, 1))
		}
		if try == 2000 {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *shm) send(b []byte) error {
	if _, err := s.stream.BufferWriter().WriteBytes(b); err != nil {
		return err
	}
	return s.stream.Flush(false)
}

func (s *shm) recv(b []byte) error {
	r := s.stream.BufferReader()
	got, err := r.ReadBytes(len(b))
	if err != nil {
		return err
	}
	copy(b, got)
	r.ReleasePreviousRead()
	return nil
}

func (s *shm) close() {
	_ = s.stream.Close()
	for _, end := range s.ends {
		_ = end()
	}
}
