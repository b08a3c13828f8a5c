package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
)

func TestSectionsThatComeAndGoDuringALookSpoilNothing(t *testing.T) {
	dir := t.TempDir()
	closed(t, dir, "stays", ringway.SPSC)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for k := range 2 {
		group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("comes-%d-%d", k, i%3)
				r, err := ringway.CreateRing(name, ringway.SPSC, ringway.Dir(dir), ringway.Capacity(4096))
				if err != nil {
					t.Error(err)
					return
				}
				_ = r.Close()
				if err := ringway.RemoveRing(name, ringway.Dir(dir)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	w := watch(t, dir)
	for range 200 {
		for name, s := range seen(t, w) {
			if s.Status != inspect.Good && (s.Status != inspect.Vanished || name == "stays") {
				t.Errorf("%+v", s)
			}
		}
		if s := inspect.Look("stays", dir); s.Status != inspect.Good {
			t.Errorf("%+v", s)
		}
	}
	close(stop)
	group.Wait()
	seen(t, w)
	if n := mapped(t, "comes-"); n != 0 {
		t.Errorf("%d of those that have gone are mapped", n)
	}
}

func TestAnotherUsersSectionIsNotLookedInto(t *testing.T) {
	dir := t.TempDir()
	file := rest(t, dir, "theirs")
	if err := os.Chown(file, 12345, 12345); err != nil {
		t.Skip("only root gives files away: ", err)
	}
	for range 2 {
		if s := seen(t, watch(t, dir))["theirs"]; s.Status != inspect.Insecure || s.Kind != "" || s.Region != "" {
			t.Errorf("%+v", s)
		}
	}
}

func TestWhatACreatorHasNotFinishedIsNoSectionYet(t *testing.T) {
	dir := t.TempDir()
	closed(t, dir, "done", ringway.SPSC)
	if err := os.WriteFile(filepath.Join(dir, ".ringway.half.0123456789abcdef"), make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	// And one without its magic, under the name already.
	if err := os.WriteFile(filepath.Join(dir, "ringway.half"), make([]byte, 16384), 0o600); err != nil {
		t.Fatal(err)
	}
	got := seen(t, watch(t, dir))
	if len(got) != 2 || got["half"].Status != inspect.NotRingway || got["done"].Status != inspect.Good {
		t.Errorf("%+v", got)
	}
}
