package limits

import (
	"errors"
	"runtime"
	"slices"
	"testing"
)

func TestAGoroutineCanBePinnedToEveryAllowedProcessor(t *testing.T) {
	list := CPUs()
	if len(list) == 0 || !slices.IsSorted(list) {
		t.Fatal(list)
	}
	for _, c := range list {
		done := make(chan error)
		go func() { done <- Pin(c) }() // ends locked, so the thread dies with it
		if err := <-done; err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
	if again := CPUs(); !slices.Equal(list, again) {
		t.Errorf("%v became %v", list, again)
	}
}

func TestPinReportsAProcessorThatIsNotThere(t *testing.T) {
	for _, c := range []int{-1, 1023, 1 << 20} {
		done := make(chan error)
		go func() { done <- Pin(c) }()
		if err := <-done; err == nil {
			t.Errorf("pinned to processor %d", c)
		}
	}
}

func TestPickPairPrefersTwoCoresOfOneCache(t *testing.T) {
	unknown := topology{-1, -1, -1}
	for name, c := range map[string]struct {
		places []topology // of processors 0, 1, …
		allow  []int
		a, b   int
	}{
		"one processor":           {[]topology{{0, 0, 0}}, []int{0}, 0, 0},
		"threads side by side":    {[]topology{{0, 0, 0}, {0, 0, 0}, {0, 1, 0}, {0, 1, 0}}, []int{0, 1, 2, 3}, 0, 2},
		"threads far apart":       {[]topology{{0, 0, 0}, {0, 1, 0}, {0, 0, 0}, {0, 1, 0}}, []int{0, 1, 2, 3}, 0, 1},
		"only threads of a core":  {[]topology{{0, 0, 0}, {0, 0, 0}, {0, 1, 0}}, []int{0, 1}, 0, 1},
		"two caches":              {[]topology{{0, 0, 0}, {0, 1, 8}, {0, 2, 8}}, []int{0, 1, 2}, 1, 2},
		"two sockets":             {[]topology{{0, 0, 0}, {1, 0, 8}, {0, 1, 4}}, []int{0, 1, 2}, 0, 2},
		"a core each, two caches": {[]topology{{0, 0, 0}, {1, 0, 8}}, []int{0, 1}, 0, 1},
		"unknown":                 {[]topology{unknown, unknown, unknown, unknown}, []int{0, 1, 3}, 0, 3},
		"caches unknown":          {[]topology{{0, 0, -1}, {0, 0, -1}, {0, 1, -1}}, []int{0, 1, 2}, 0, 2},
	} {
		if a, b := pickPair(c.allow, func(cpu int) topology { return c.places[cpu] }); a != c.a || b != c.b {
			t.Errorf("%s: %d and %d, want %d and %d", name, a, b, c.a, c.b)
		}
	}
}

func TestPickPairNamesAllowedProcessors(t *testing.T) {
	a, b := PickPair()
	if !slices.Contains(CPUs(), a) || !slices.Contains(CPUs(), b) || a == b && len(CPUs()) > 1 {
		t.Errorf("%d and %d of %v", a, b, CPUs())
	}
	if runtime.GOOS == "linux" {
		t.Logf("processors %d %+v and %d %+v", a, readTopology(a), b, readTopology(b))
	}
}
