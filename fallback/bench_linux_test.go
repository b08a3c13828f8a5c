package fallback_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/ringway/ringway/fallback"
)

// BenchmarkUnixStream sends messages one way over a unix socket: bare, as a Go
// program with a length in front of each would, and as frames.
func BenchmarkUnixStream(b *testing.B) {
	for _, size := range []int{64, 4 << 10, 64 << 10} {
		payload := make([]byte, size)
		b.Run(fmt.Sprintf("bare %d", size), func(b *testing.B) {
			l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				c, err := l.Accept()
				if err != nil {
					return
				}
				buf := make([]byte, 8+size)
				for {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
				}
			}()
			c, err := net.Dial("unix", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 8+size)
			b.SetBytes(int64(size))
			for b.Loop() {
				copy(buf[8:], payload)
				if _, err := c.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			c.Close()
			<-done
		})
		b.Run(fmt.Sprintf("frames %d", size), func(b *testing.B) {
			o := fallback.Options{Dir: b.TempDir(), Transports: []fallback.Transport{fallback.Unix}}
			l, err := fallback.Listen(b.Context(), "bench", o)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				e, err := l.Accept(b.Context())
				if err != nil {
					return
				}
				for {
					if _, err := e.Link.Recv(b.Context()); err != nil {
						return
					}
				}
			}()
			e, err := fallback.Dial(b.Context(), "bench", o)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := e.Link.Send(b.Context(), 0, payload); err != nil {
					b.Fatal(err)
				}
			}
			e.Link.Close()
			<-done
		})
	}
}
