//go:build !linux && !windows

package fallback

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// Without Linux or Windows there are networks.

func missing(t Transport) string {
	switch t {
	case SHM, Unix, Pipe, Bridge, FIFO, Child, Mailslot:
		return "only on Linux and Windows"
	}
	return ""
}

type handles struct{}

func (handles) source(s stream) io.Reader { return s }
func (handles) expect(stream)             {}
func (handles) drop()                     {}

func (c *control) makeSection(t Transport, g ring.Geometry, o Options) (*shm.Section, string, *Doorbells, error) {
	return nil, "", nil, ErrUnsupported
}
func (c *control) handOver(frame []byte, e *Established) error { return ErrUnsupported }
func (c *control) takeSection(a accept, o Options) (*shm.Section, *Doorbells, error) {
	return nil, nil, ErrUnsupported
}

func (o Options) admit(id Identity) error { return nil }

type nameListener struct{ base }

func listenName(ctx context.Context, name string, o Options) (*nameListener, error) {
	return nil, ErrUnsupported
}

func dialName(ctx context.Context, name string, o Options) (*control, error) {
	return nil, ErrUnsupported
}

func childPipes(cmd *exec.Cmd) (stream, []*os.File, error) { return nil, nil, ErrUnsupported }
func parentPipes(where []string) (stream, error)           { return nil, ErrUnsupported }

type osMailSlot struct{}

func (*osMailSlot) listen(string, Options) error              { return ErrUnsupported }
func (*osMailSlot) read(context.Context, []byte) (int, error) { return 0, ErrUnsupported }
func (*osMailSlot) waiting(*MailSlot) (int, error)            { return 0, ErrUnsupported }
func (*osMailSlot) close() error                              { return ErrUnsupported }

type osMailClient struct{}

func (*osMailClient) dial(string, Options) error          { return ErrUnsupported }
func (*osMailClient) write(context.Context, []byte) error { return ErrUnsupported }
func (*osMailClient) close() error                        { return ErrUnsupported }

func allowBroadcast(*net.UDPConn) error { return nil }
