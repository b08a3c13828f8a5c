package fallback

import (
	"crypto/rand"
	"io"
	"strings"
	"sync"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func missing(t Transport) string {
	switch t {
	case Unix:
		return "on Windows a name is a named pipe"
	case FIFO:
		return "there are no FIFOs on Windows; a name is a named pipe"
	case UDP:
		return missingUDP()
	}
	return ""
}

// underWine reports whether this Windows is Wine.
var underWine = sync.OnceValue(func() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
})

func missingUDP() string {
	if underWine() {
		return "Wine 8 lacks a call that Go's package net needs for datagrams (WSASendMsg); Windows has it"
	}
	return ""
}

// handles has nothing here: a section is found by its name.
type handles struct{}

func (handles) source(s stream) io.Reader { return s }
func (handles) expect(stream)             {}
func (handles) drop()                     {}

// makeSection makes the section of a connection, and says where it is: under a
// name that nobody can guess, with an access list for this user alone.
func (c *control) makeSection(t Transport, g ring.Geometry, o Options) (*shm.Section, string, *Doorbells, error) {
	if t == Bridge {
		return makeBridge(g, o)
	}
	name := "conn-" + strings.ToLower(rand.Text())
	s, err := shm.Create(name, pairOptions(g, o))
	return s, name, nil, err
}

// handOver sends an accept, which has the section's name.
func (c *control) handOver(frame []byte, _ *Established) error {
	_, err := c.s.Write(frame)
	return err
}

// takeSection opens the section that an accept names.
func (c *control) takeSection(a accept, o Options) (*shm.Section, *Doorbells, error) {
	if a.transport == Bridge {
		return takeBridge(a, o)
	}
	s, err := shm.Open(a.section, shm.OpenOptions{Prefault: o.Prefault})
	return s, nil, err
}
