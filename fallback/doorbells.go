package fallback

import (
	"errors"
	"os"
	"slices"
	"sync"
)

// doorbells is how many a bridge has: two for each ring, in this order.
const doorbells = 4

var doorbellNames = []string{"a.data", "a.space", "b.data", "b.space"}

// Doorbells are the files that the ends of two rings are woken by while they poll:
// one end of a socket pair, for all of them, or those of a bridge. Any goroutine may
// use them.
type Doorbells struct {
	mu    sync.Mutex
	line  *os.File                            // nil once taken
	far   *os.File                            // the other end, until it is handed over
	files [doorbells]*os.File                 // nil once taken
	open  func(name string) (*os.File, error) // makes them, if they are not there from the beginning
}

// TakeLine returns this side's end of the socket pair, which belongs to the caller
// then, or nil if there is none any more, or none at all. d may be nil.
func (d *Doorbells) TakeLine() *os.File {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.line
	d.line = nil
	return f
}

// Take returns one of them, which belongs to the caller then: "a" and "b" are the
// rings of the one who dialled and of the other one, "data" is what its receiver
// sleeps on, "space" its sender. Each can be taken once, unless they can be opened
// again.
func (d *Doorbells) Take(name string) (*os.File, error) {
	if d.open != nil {
		return d.open(name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(doorbellNames, name)
	if i < 0 || d.files[i] == nil {
		return nil, named("open", name, failf(ErrUnsupported, "there is no such doorbell any more"))
	}
	f := d.files[i]
	d.files[i] = nil
	return f, nil
}

// Close closes those that nobody has taken. d may be nil.
func (d *Doorbells) Close() (err error) {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range []**os.File{&d.line, &d.far} {
		if *f != nil {
			err = errors.Join(err, (*f).Close())
			*f = nil
		}
	}
	for i, f := range d.files {
		if f != nil {
			err = errors.Join(err, f.Close())
			d.files[i] = nil
		}
	}
	return err
}
