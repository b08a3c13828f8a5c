package shm

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

func TestADoorbellLastsAsLongAsItsUsersAndIsOurs(t *testing.T) {
	dir := t.TempDir()
	s, err := Create("x", Options{Kind: 1, Body: 1, Participants: 1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Doorbell("data", false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a doorbell that nobody made: %v", err)
	}
	if _, err := s.Doorbell("../x", true); !errors.Is(err, errs.BadArgument) {
		t.Fatalf("a doorbell of another kind: %v", err)
	}
	a, err := s.Doorbell("data", true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Doorbell("data", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var got [2]byte
	if n, err := b.Read(got[:]); n != 1 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	path := a.Name()
	if err := CloseDoorbell(a); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the doorbell of a user who is still there: %v", err)
	}
	if err := CloseDoorbell(b); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the doorbell outlives its users: %v", err)
	}

	for what, plant := range map[string]func() error{
		"a file":      func() error { return os.WriteFile(path, nil, 0o600) },
		"a link":      func() error { return os.Symlink("/dev/null", path) },
		"open rights": func() error { return errors.Join(unix.Mkfifo(path, 0o600), os.Chmod(path, 0o622)) },
	} {
		if err := plant(); err != nil {
			t.Fatal(err)
		}
		for _, create := range []bool{false, true} {
			if _, err := s.Doorbell("data", create); !errors.Is(err, errs.Insecure) {
				t.Errorf("%s in the doorbell's place: %v", what, err)
			}
		}
		_ = os.Remove(path)
	}
}

func TestTheNextCreatorRemovesDoorbellsThatNobodyCanFindAnyMore(t *testing.T) {
	dir := t.TempDir()
	create := func(name string) *Section {
		s, err := Create(name, Options{Kind: 1, Body: 1, Participants: 1, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	left := func(f *os.File) bool {
		_, err := os.Lstat(f.Name())
		return err == nil
	}
	open := func(s *Section) *os.File {
		f, err := s.Doorbell("data", true)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b, c := create("a"), create("b"), create("c")
	used, killed, named := open(a), open(b), open(c)
	defer CloseDoorbell(used)
	// A killed one has its descriptors closed, and does nothing else.
	_, _ = killed.Close(), named.Close()
	for _, name := range []string{"a", "b"} {
		if err := os.Remove(dir + "/" + filePrefix + name); err != nil {
			t.Fatal(err)
		}
	}
	create("d")
	if !left(used) {
		t.Error("a doorbell that is in use is gone")
	}
	if left(killed) {
		t.Error("the doorbell of a section without a name, that nobody uses, is left")
	}
	if !left(named) {
		t.Error("a doorbell whose section can be found is gone")
	}
}
