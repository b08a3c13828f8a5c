package shm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestUseAfterCloseReturnsErrClosed(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "closed", small(dir))
	p, err := s.Attach(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, sameErr := s.SameName()
	_, attachErr := s.Attach(0, 0)
	_, peerErr := s.Peer(0)
	for i, err := range []error{s.Close(), p.Detach(), sameErr, attachErr, peerErr} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if s.Body() != nil || s.Table() != nil || s.Guard().Faulted() || s.Name() != "closed" || s.Descriptor().BodySize != 10000 {
		t.Error("a closed section has a body, or no descriptor")
	}
	// Close detached what was attached.
	if ps, err := open(t, "closed", OpenOptions{Dir: dir}).Peer(0); ps.State != Absent || err != nil {
		t.Error(ps, err)
	}
}

func TestSameNameSeesRemovalAndTheNextGeneration(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "gen", small(dir))
	check := func(want bool) {
		t.Helper()
		if same, err := s.SameName(); same != want || err != nil {
			t.Errorf("SameName: %t, %v", same, err)
		}
	}
	check(true)
	if err := Remove("gen", dir); err != nil {
		t.Fatal(err)
	}
	check(false)
	next := create(t, "gen", small(dir))
	check(false)
	if next.Descriptor().Region == s.Descriptor().Region {
		t.Error("two generations have the same region id")
	}
	// The old generation still works, and its table is its own.
	if _, err := s.Attach(1, 0); err != nil {
		t.Fatal(err)
	}
	if ps, _ := next.Peer(1); ps.State != Absent {
		t.Error("who attached to the old generation is in the new one:", ps)
	}
	if err := os.Remove(filepath.Join(dir, "ringway.gen")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("ringway.gen", filepath.Join(dir, "ringway.gen")); err != nil {
		t.Fatal(err)
	}
	check(false)
}
