package fallback

import (
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func makeBridge(g ring.Geometry, o Options) (*shm.Section, string, error) {
	return nil, "", ErrUnsupported
}
func takeBridge(a accept, o Options) (*shm.Section, error) { return nil, ErrUnsupported }
