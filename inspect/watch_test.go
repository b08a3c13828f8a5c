package inspect_test

import (
	"reflect"
	"sync"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

// watch returns a watch of dir that is closed before dir is removed.
func watch(t *testing.T, dir string) *inspect.Watch {
	w := inspect.NewWatch(dir)
	t.Cleanup(w.Close)
	return w
}

// seen returns what a watch sees, by name.
func seen(t *testing.T, w *inspect.Watch) map[string]inspect.Section {
	t.Helper()
	all, err := w.All()
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[string]inspect.Section)
	for _, s := range all {
		by[s.Name] = s
	}
	return by
}

func TestAWatchSeesWhatOneLookSees(t *testing.T) {
	dir := t.TempDir()
	want := map[string]inspect.Status{"good": inspect.Good, "other": inspect.Good}
	create(t, dir, "good", ringway.SPSC)
	create(t, dir, "other", ringway.MPMC)
	for name, status := range plant(t, dir) {
		want[name] = status
	}
	w := watch(t, dir)
	for range 3 {
		got := seen(t, w)
		for name, status := range want {
			if s := got[name]; s.Status != status || !reflect.DeepEqual(s, inspect.Look(name, dir)) {
				t.Errorf("%q: %+v, one look: %+v", name, s, inspect.Look(name, dir))
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d sections, want %d", len(got), len(want))
		}
	}
	if _, err := inspect.NewWatch(dir + "/none").All(); err == nil {
		t.Error("a directory that isn't there was listed")
	}
}

func TestAWatchSeesEachTimeHowThingsStand(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir)
	r := create(t, dir, "ticks", ringway.SPSC)
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range uint64(5) {
		s := seen(t, w)["ticks"]
		if s.Counts[ring.SentMessages] != i || s.Living() != 1 {
			t.Errorf("look %d: %+v", i, s)
		}
		if err := p.TrySend([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if s := seen(t, w)["ticks"]; s.Living() != 0 {
		t.Errorf("%+v", s)
	}
	create(t, dir, "late", ringway.SPSC)
	if s := seen(t, w)["late"]; s.Status != inspect.Good {
		t.Errorf("%+v", s)
	}
}

func TestManyMayWatchAtATime(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		create(t, dir, name, ringway.SPSC)
	}
	w := watch(t, dir)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 50 {
				if all, err := w.All(); err != nil || len(all) != 3 {
					t.Error(all, err)
				}
				if i%10 == 0 {
					w.Close()
				}
			}
		})
	}
	group.Wait()
}
