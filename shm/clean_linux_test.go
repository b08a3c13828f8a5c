package shm

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCleanTakesWhatTheDeadLeftAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	s, err := Create("ticks", Options{Body: 100, Participants: 1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	held, err := s.Doorbell("data", true)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseDoorbell(held)
	// Killed: what it had open is closed by the kernel alone.
	left, err := s.Doorbell("space", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	// A creator that was killed: nobody has a lock on its file.
	temp := filepath.Join(dir, "."+filePrefix+"half.0123456789abcdef")
	if _, ok := tempOf(filepath.Base(temp)); !ok {
		t.Fatalf("%s is no creator's file", temp)
	}
	for _, path := range []string{temp, filepath.Join(dir, "notes"), filepath.Join(dir, bellPrefix+"file")} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, bellPrefix+"shared"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, bellPrefix+"shared"), 0o666); err != nil {
		t.Fatal(err)
	}
	n, err := Clean(dir)
	if err != nil || n != 2 {
		t.Errorf("%d removed, %v; want the doorbell and the creator's file", n, err)
	}
	for path, want := range map[string]bool{held.Name(): true, left.Name(): false, temp: false,
		filepath.Join(dir, "ringway.ticks"): true, filepath.Join(dir, "notes"): true,
		filepath.Join(dir, bellPrefix+"file"): true, filepath.Join(dir, bellPrefix+"shared"): true} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", path, err == nil, want)
		}
	}
	if _, err := Clean(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there was cleaned")
	}
}
