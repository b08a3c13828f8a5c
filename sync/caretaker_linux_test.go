package sync

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/proctest"
)

// caretakers returns how many goroutines look after doorbells.
func caretakers() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "caretaker).run(")
}

func TestWhoPollsIsLookedAfterAndThenWoken(t *testing.T) {
	sleeper, _, _ := polling(t, false)
	var looks atomic.Int32
	if !sleeper.Tend(func() { looks.Add(1) }) {
		t.Fatal("nobody looks after one who polls a doorbell alone")
	}
	for range 2 {
		before := looks.Load()
		sleeper.Announce()
		must(t, asleepAt(t, sleeper, t.Context()))
		if looks.Load() == before {
			t.Error("the sleep ended, and nobody had looked")
		}
	}
}

func TestADoorbellThatIsFullKeepsNoKnockAway(t *testing.T) {
	sleeper, _, find := polling(t, false)
	if !sleeper.Tend(func() {}) {
		t.Fatal("nobody looks after it")
	}
	sleeper.Announce()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = sleeper.Sleep(t.Context())
	}()
	f, err := find(false)
	must(t, err)
	defer f.Close()
	_ = f.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	for err == nil {
		_, err = f.Write(make([]byte, 1<<16))
	}
	within(t, done, "the sleep")
	sleeper.Announce()
	must(t, asleepAt(t, sleeper, t.Context()))
}

func TestNobodyLooksAfterThoseWhoSleepTogetherOrOtherwise(t *testing.T) {
	several, _, _ := polling(t, true)
	if several.Tend(func() {}) {
		t.Error("several on a doorbell would be woken by each other's knocks")
	}
	if newBell(t, shared(1), "b").Tend(func() {}) {
		t.Error("one who sleeps on the word has no doorbell to be woken by")
	}
}

func TestTheCaretakerComesWithTheFirstDoorbellAndGoesWithTheLast(t *testing.T) {
	for range 3 {
		one, _, _ := polling(t, false)
		other, _, _ := polling(t, false)
		if !one.Tend(func() {}) || !other.Tend(func() {}) {
			t.Fatal("nobody looks after them")
		}
		proctest.Until(t, "there is one caretaker", func() bool { return caretakers() == 1 })
		must(t, one.Close())
		if caretakers() != 1 {
			t.Fatal("the caretaker has gone, and there is a doorbell")
		}
		must(t, other.Close())
		proctest.Until(t, "the caretaker has gone", func() bool { return caretakers() == 0 })
	}
}

func TestTheCaretakerComesWhenTheNextOneIsDueAndWakesOnlyWhoSleeps(t *testing.T) {
	const net = uint64(LongNet)
	var c caretaker
	var ends, looked [3]int
	for i := range ends {
		var fds [2]int
		must(t, unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC))
		t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
		ends[i] = fds[0]
		c.list = append(c.list, &kept{fd: fds[1], at: i, look: func() { looked[i]++ }})
	}
	knocks := func(i int) (n int) {
		var b [8]byte
		for {
			if _, e := readNow(ends[i], b[:]); e != 0 {
				return n
			}
			n++
		}
	}
	start := net * 5
	c.list[0].due, c.list[1].due, c.list[2].due = start-1, start, start+net/2
	c.list[1].asleep.Store(true)
	c.list[2].asleep.Store(true)
	if next := c.visit(start); next != LongNet/2 {
		t.Errorf("the next visit is in %v, want half of %v", next, LongNet)
	}
	if looked != [3]int{1, 1, 0} {
		t.Errorf("looked %v times, want once after those who were due", looked)
	}
	if got := [3]int{knocks(0), knocks(1), knocks(2)}; got != [3]int{0, 1, 0} {
		t.Errorf("knocked %v times, want once for the one who is due and sleeps", got)
	}
	if next := c.visit(start + net/2 - 1); next != leastPause {
		t.Errorf("the next visit is in %v though one is due at once, want %v", next, leastPause)
	}
}

func TestTheCaretakerWakesNotAllAtOnce(t *testing.T) {
	var fds [2]int
	must(t, unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC))
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	var c caretaker
	looked := 0
	for range 2*atOnce + 1 {
		k := &kept{fd: fds[1], look: func() { looked++ }}
		k.asleep.Store(true)
		c.list = append(c.list, k)
	}
	now := uint64(time.Hour)
	for i, want := range []int{atOnce, 2 * atOnce, 2*atOnce + 1} {
		last := i == 2
		if next := c.visit(now); (next == shortly) == last {
			t.Errorf("visit %d: the next is in %v", i, next)
		}
		if looked != want {
			t.Errorf("after visit %d, %d were looked after, want %d", i, looked, want)
		}
	}
}
