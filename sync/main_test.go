package sync

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/proctest"
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

// patience bounds a test that waits for what never comes.
const patience = proctest.Patience

// withoutNet has all sleeps last until somebody ends them, so that a wake-up
// that is lost shows, however fast or slow the machine is: nobody ends the sleep.
func withoutNet(t testing.TB) {
	t.Helper()
	safety = time.Hour
	t.Cleanup(func() { safety = SafetyNet })
}

// asleepAt sleeps on b, and fails the test when nobody ends that.
func asleepAt(t testing.TB, b *Bell, ctx context.Context) (err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = b.Sleep(ctx)
	}()
	within(t, done, "the sleeper")
	return err
}

// shared returns memory for bells and words: n cache line pairs.
func shared(n int) mem.Region { return mem.Of(make([]byte, n*mem.Line)) }

// bellName is a name that no other bell on the machine has.
func bellName(t testing.TB, what string) string {
	return "ringway-test-" + strconv.Itoa(os.Getpid()) + "-" + strings.NewReplacer("/", "-", `\`, "-").Replace(t.Name()) + "-" + what
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
