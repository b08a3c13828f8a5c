package inspect

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/ringway/ringway/shm"
)

// Watch looks at all sections of a directory again and again. It keeps those that
// it has seen mapped, read-only, for the next time, where the system lets it do
// that without keeping anything in being: on Linux. So the memory of a section
// that was removed meanwhile is given back at the next look, or a minute after the
// last one. Any goroutine may use a Watch; it must be closed.
type Watch struct {
	dir  string
	most int // keepMost

	mu     sync.Mutex // held during a look
	views  map[string]*View
	bytes  int64 // of the sections that are mapped
	looked time.Time
	expiry *time.Timer // nil while nothing is mapped
}

// The limits of what a Watch keeps.
const (
	keepMost  = 4096                      // sections, each of which takes a descriptor
	keepBytes = min(1<<44, math.MaxInt/4) // together, of address space
	keepFor   = time.Minute
)

// NewWatch returns a watch of the sections in dir; empty means the system's place
// for memory.
func NewWatch(dir string) *Watch {
	return &Watch{dir: dir, most: keepMost, views: make(map[string]*View)}
}

// All is All of the package.
func (w *Watch) All() ([]Section, error) {
	names, err := shm.Names(w.dir)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Section, len(names))
	views := make([]*View, len(names)) // what stays mapped
	var group sync.WaitGroup
	const piece = 64 // sections that are worth a goroutine
	workers := max(1, min(runtime.GOMAXPROCS(0), len(names)/piece))
	for k := range workers {
		group.Go(func() {
			for i := k; i < len(names); i += workers {
				all[i], views[i] = w.look(names[i])
			}
		})
	}
	group.Wait()
	w.keep(names, views)
	return all, nil
}

// look looks at a section, and returns its view if that can be used again. It
// leaves w as it is.
func (w *Watch) look(name string) (Section, *View) {
	v := w.views[name]
	if v == nil || !v.section.Unchanged() {
		var err error
		if v, err = Open(name, w.dir); err != nil {
			s := Section{Name: name}
			s.failed(err)
			return s, nil
		}
	}
	s := v.Section()
	if v == w.views[name] || v.section.Unchanged() {
		return s, v
	}
	_ = v.Close()
	return s, nil
}

// keep keeps these views, as far as there is room, and closes the others that
// there were.
func (w *Watch) keep(names []string, views []*View) {
	before := w.views
	w.views, w.bytes = make(map[string]*View, len(views)), 0
	for i, v := range views {
		if v == nil {
			continue
		}
		size := v.section.Descriptor().Total
		if len(w.views) >= w.most || size > keepBytes-w.bytes {
			if v != before[names[i]] {
				_ = v.Close()
			}
			continue
		}
		w.views[names[i]] = v
		w.bytes += size
	}
	for name, v := range before {
		if w.views[name] != v {
			_ = v.Close()
		}
	}
	w.looked = time.Now()
	if w.expiry == nil && len(w.views) > 0 {
		w.expiry = time.AfterFunc(keepFor, w.expire)
	}
}

// expire gives everything back if nobody has looked for long.
func (w *Watch) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expiry == nil {
		return
	}
	if idle := time.Since(w.looked); idle < keepFor {
		w.expiry.Reset(keepFor - idle)
		return
	}
	w.drop()
}

// drop gives everything back.
func (w *Watch) drop() {
	for _, v := range w.views {
		_ = v.Close()
	}
	clear(w.views)
	w.bytes, w.expiry = 0, nil
}

// Close gives everything back. A Watch that is used after that takes it up again.
func (w *Watch) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expiry != nil {
		w.expiry.Stop()
	}
	w.drop()
}
