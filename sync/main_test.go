package sync

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// childVar names, in a child's environment, the function that it runs.
const childVar = "RINGWAY_SYNC_TEST_CHILD"

// children are what a child process can run; the result is its exit code.
var children = map[string]func() int{}

func TestMain(m *testing.M) {
	if f, ok := children[os.Getenv(childVar)]; ok {
		os.Exit(f())
	}
	os.Exit(m.Run())
}

// patience bounds a test that waits for what never comes. It is no measure of
// anything.
const patience = 30 * time.Second

// shared returns memory for bells and words: n cache line pairs.
func shared(n int) mem.Region { return mem.Of(make([]byte, n*mem.Line)) }

// bellName is a name that no other bell on the machine has.
func bellName(t testing.TB, what string) string {
	return "ringway-test-" + strconv.Itoa(os.Getpid()) + "-" + strings.NewReplacer("/", "-", `\`, "-").Replace(t.Name()) + "-" + what
}

// overslept reports whether a sleep on b that began at start ended by the safety
// net alone.
func (b *Bell) overslept(start time.Time) bool {
	return b.mem.Load32(offSeq) == b.seq && time.Since(start) >= SafetyNet*9/10
}

// newBell returns a handle that is closed when the test ends.
func newBell(t testing.TB, r mem.Region, what string) *Bell {
	t.Helper()
	b, err := NewBell(r, bellName(t, what), false)
	if err != nil {
		if kind, ok := err.(*errs.Error); ok && kind.Err == errs.Unsupported {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// within fails the test when done is not closed before long.
func within(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: nothing happened in %v", what, patience)
	}
}
