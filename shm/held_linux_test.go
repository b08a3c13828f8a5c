package shm

import (
	"errors"
	"os"
	"testing"

	"github.com/ringway/ringway/internal/errs"
)

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestTheFirstHolderOfAnEntryTakesNoDescriptorOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	s := create(t, "held", Options{Body: 100, Participants: 3, Dir: dir})
	other := open(t, "held", OpenOptions{Dir: dir})
	want := func(what string, states ...State) {
		t.Helper()
		for _, h := range []*Section{s, other} {
			for slot, want := range states {
				if peer, err := h.Peer(slot); err != nil || peer.State != want {
					t.Errorf("%s: slot %d is %v, %v; want %v", what, slot, peer.State, err, want)
				}
			}
		}
	}
	detach := func(p *Participant) {
		t.Helper()
		if err := p.Detach(); err != nil {
			t.Fatal(err)
		}
	}
	before := descriptors(t)
	for range 3 {
		first := attach(t, s, 1, 0)
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors, there were %d", n, before)
		}
		second := attach(t, s, 2, 0)
		third := attach(t, other, 0, 0)
		if n := descriptors(t); n != before+1 {
			t.Errorf("%d descriptors, there were %d", n, before)
		}
		want("all are held", Alive, Alive, Alive)
		for _, h := range []*Section{s, other} {
			for slot := range 3 {
				if _, err := h.Attach(slot, 0); !errors.Is(err, errs.Busy) {
					t.Errorf("slot %d, which is held, was given away: %v", slot, err)
				}
			}
		}
		detach(first)
		want("the first has left", Alive, Absent, Alive)
		first = attach(t, other, 1, 0)
		want("in another's hand", Alive, Alive, Alive)
		detach(third)
		third = attach(t, s, 0, 0)
		detach(second)
		want("the second has left", Alive, Alive, Absent)
		detach(first)
		detach(third)
		want("all have left", Absent, Absent, Absent)
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors, there were %d", n, before)
		}
	}
	// Who is attached when the section is closed is so no more.
	attach(t, other, 2, 0)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if peer, err := s.Peer(2); err != nil || peer.State != Absent {
		t.Errorf("after Close: %v, %v", peer.State, err)
	}
}
