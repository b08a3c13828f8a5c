package inspect_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

func TestEventsAndSemaphoresAreToldAndTheirStateIsRead(t *testing.T) {
	dir := t.TempDir()
	e, err := sync.CreateEvent("go", sync.EventOptions{ManualReset: true, Set: true, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := sync.CreateSemaphore("slots", sync.SemaphoreOptions{Initial: 2, Max: 5, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	state := func(name string) sync.ObjectState {
		t.Helper()
		got := inspect.Look(name, dir)
		if got.Status != inspect.Good || got.Object == nil || got.Kind != got.Object.Kind || got.IsRing() || got.Stale() {
			t.Fatalf("%+v", got)
		}
		return *got.Object
	}
	if got, want := state("go"), (sync.ObjectState{Kind: "event", Manual: true, Count: 1, Most: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := e.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := state("go"); got.Count != 0 {
		t.Errorf("%+v", got)
	}
	if got, want := state("slots"), (sync.ObjectState{Kind: "semaphore", Count: 2, Most: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// Who waits is seen.
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error)
	go func() { waits <- e.Wait(ctx) }()
	for state("go").Waiters != 1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-waits
	if got := state("go"); got.Waiters != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAnObjectThatCantBeTrueIsCorrupt(t *testing.T) {
	dir := t.TempDir()
	s, err := sync.CreateSemaphore("slots", sync.SemaphoreOptions{Initial: 2, Max: 5, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := os.OpenFile(filepath.Join(dir, "ringway.slots"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	section, err := shm.Open("slots", shm.OpenOptions{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	at := section.Descriptor().BodyOffset
	_ = section.Close()
	if _, err := f.WriteAt([]byte{77}, at); err != nil {
		t.Fatal(err)
	}
	if got := inspect.Look("slots", dir); got.Status != inspect.Corrupt || got.Kind != "semaphore" {
		t.Errorf("%+v", got)
	}
	// Parameters that no version of this program writes.
	for i, params := range [][8]uint64{{}, {1 << 31}, {5, 1}, {5, 0, 1}} {
		s, err := shm.Create("odd", shm.Options{Kind: sync.KindSemaphore, Params: params, Body: 128, Participants: 1, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if got := inspect.Look("odd", dir); got.Status != inspect.Corrupt {
			t.Errorf("%d: %+v", i, got)
		}
		_ = s.Close()
		_ = shm.Remove("odd", dir)
	}
	short, err := shm.Create("short", shm.Options{Kind: sync.KindEvent, Params: [8]uint64{1}, Body: 8, Participants: 1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	if got := inspect.Look("short", dir); got.Status != inspect.Corrupt {
		t.Errorf("%+v", got)
	}
}
