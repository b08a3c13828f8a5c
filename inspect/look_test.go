package inspect_test

import (
	"reflect"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
)

// attach attaches a sender and a receiver until the test ends.
func attach(tb testing.TB, r *ringway.Ring) {
	tb.Helper()
	sender, receiver := func() (interface{ Close() error }, error) { return r.Producer() },
		func() (interface{ Close() error }, error) { return r.Consumer() }
	if r.Kind() == ringway.Broadcast {
		sender, receiver = func() (interface{ Close() error }, error) { return r.Publisher() },
			func() (interface{ Close() error }, error) { return r.Subscribe() }
	}
	for _, start := range []func() (interface{ Close() error }, error){sender, receiver} {
		c, err := start()
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = c.Close() })
	}
}

func TestLookingAgainTellsTheSameAsLookingForTheFirstTime(t *testing.T) {
	for _, kind := range kinds {
		dir := t.TempDir()
		r := create(t, dir, "ticks", kind, ringway.SampleLatency(1))
		v, err := inspect.Open("ticks", dir)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		var again inspect.Section
		same := func(when string) {
			t.Helper()
			if v.Look(&again); !reflect.DeepEqual(again, v.Section()) || !reflect.DeepEqual(again, inspect.Look("ticks", dir)) {
				t.Errorf("%v, %s: %+v, and for the first time %+v", kind, when, again, v.Section())
			}
		}
		same("nobody there")
		t.Run("attached", func(t *testing.T) {
			attach(t, r)
			same("somebody there")
			same("once more")
			// What was said of another section is gone.
			other := t.TempDir()
			create(t, other, "mine", ringway.SPSC)
			w, err := inspect.Open("mine", other)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if w.Look(&again); !reflect.DeepEqual(again, w.Section()) {
				t.Errorf("%+v", again)
			}
			same("another one in between")
		})
		same("all have left")
	}
}

func TestWhoLooksAgainAndAgainAllocatesNothing(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		dir := t.TempDir()
		attach(t, create(t, dir, "ticks", kind, ringway.SampleLatency(1)))
		v, err := inspect.Open("ticks", dir)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		var s inspect.Section
		if n := testing.AllocsPerRun(100, func() { v.Look(&s) }); n != 0 || s.Living() != 2 {
			t.Errorf("%v: %v allocations to see %d", kind, n, s.Living())
		}
	}
}
