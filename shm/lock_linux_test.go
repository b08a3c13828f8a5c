package shm

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lockedBytes is how much memory this process has locked.
func lockedBytes(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmLck:"))
	n, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

func TestLockedMemoryStaysInRAMUntilClose(t *testing.T) {
	s, err := Create("x", Options{Kind: 1, Body: 1 << 16, Participants: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	before := lockedBytes(t)
	err = s.Lock()
	if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EPERM) {
		if !strings.Contains(err.Error(), "RLIMIT_MEMLOCK") {
			t.Error(err)
		}
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := lockedBytes(t) - before; got < 1<<16 {
		t.Errorf("%d bytes are locked", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := lockedBytes(t); got != before {
		t.Errorf("%d bytes are locked after Close, %d before", got, before)
	}
	if err := s.Lock(); !errors.Is(err, ErrClosed) {
		t.Errorf("Lock after Close: %v", err)
	}
}
