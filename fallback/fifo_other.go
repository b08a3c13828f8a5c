//go:build !linux

package fallback

import "context"

func listenFIFO(path string, o Options) (*tcpListener, error) { return nil, ErrUnsupported }

func dialFIFO(ctx context.Context, path string, o Options) (*control, error) {
	return nil, ErrUnsupported
}
