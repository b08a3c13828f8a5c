package ringway

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// unlisted are a Ring's subscribers that have no entry in the section's table:
// they may not write there, or found no room. What they count stands in memory of
// this process, where Ring.Inspect finds it.
type unlisted struct {
	mu   sync.Mutex
	here []*listing

	// What those have counted that were closed.
	counts ring.Totals
	oneWay ring.Durations
}

// listing is one of them. The nil listing is of a subscriber that has an entry.
type listing struct {
	all      *unlisted
	since    time.Time
	counters ring.Counters
	oneWay   ring.Histogram
	sampled  bool
}

func (u *unlisted) add(c ring.Counters, oneWay ring.Histogram) *listing {
	l := &listing{all: u, since: time.Now(), counters: c, oneWay: oneWay, sampled: oneWay != ring.Histogram{}}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.here = append(u.here, l)
	return l
}

// end takes a subscriber out that is being closed. What it has counted stays.
func (l *listing) end() {
	if l == nil {
		return
	}
	u := l.all
	u.mu.Lock()
	defer u.mu.Unlock()
	u.here = slices.DeleteFunc(u.here, func(o *listing) bool { return o == l })
	l.counters.AddTo(&u.counts)
	l.addDurations(&u.oneWay)
}

func (l *listing) addDurations(d *ring.Durations) {
	if l.sampled {
		l.oneWay.AddTo(d)
	}
}

// look looks at the section, and adds them.
func (u *unlisted) look(m *shm.Section) inspect.Section {
	if u == nil {
		return inspect.Of(m)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	also := make([]inspect.Participant, 0, len(u.here))
	for _, l := range u.here {
		p := inspect.Participant{Slot: -1, Role: roleName(Broadcast, roleConsumer), State: shm.Alive.String(), PID: os.Getpid(), Since: l.since}
		p.Next, _ = l.counters.Place()
		l.counters.AddTo((*ring.Totals)(&p.Counts))
		also = append(also, p)
	}
	s := inspect.Of(m, also...)
	for k, n := range u.counts {
		s.Counts[k] += n
	}
	if s.OneWay != nil {
		d := (*ring.Durations)(s.OneWay)
		d.Add(&u.oneWay)
		for _, l := range u.here {
			l.addDurations(d)
		}
	}
	return s
}
