package fallback

import (
	"context"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func makeBridge(g ring.Geometry, o Options) (*shm.Section, string, error) {
	return nil, "", ErrUnsupported
}
func takeBridge(a accept, o Options) (*shm.Section, error) { return nil, ErrUnsupported }

func listenFIFO(path string, o Options) (*nameListener, error) { return nil, ErrUnsupported }
func dialFIFO(ctx context.Context, path string, o Options) (*control, error) {
	return nil, ErrUnsupported
}
func listenUDP(addr string, o Options) (*Listener, error) { return nil, ErrUnsupported }
func dialUDP(ctx context.Context, addr string, o Options) (*Established, error) {
	return nil, ErrUnsupported
}
