package sync

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func nothing() {}

func openGate() *Gate {
	g := new(Gate)
	g.Init()
	return g
}

func TestGateLetsInUntilItIsClosed(t *testing.T) {
	g := openGate()
	for range 3 {
		if !g.Enter() {
			t.Fatal("an open gate lets nobody in")
		}
		g.Exit()
	}
	if g.Closing() {
		t.Error("nobody called Close")
	}
	if !g.Close(nothing) {
		t.Error("the first Close says that it isn't")
	}
	if !g.Closing() {
		t.Error("Closing is false after Close")
	}
	for range 3 {
		if g.Enter() {
			t.Fatal("a closed gate lets somebody in")
		}
		if g.Close(nothing) {
			t.Fatal("a second Close says that it's the first")
		}
	}
}

func TestCloseOfAnEmptyGateInterruptsNobody(t *testing.T) {
	g := openGate()
	g.Enter()
	g.Exit()
	g.Close(func() { t.Error("interrupted") })
}

// bothWays runs a test with the barrier of the system and with fences.
func bothWays(t *testing.T, test func(t *testing.T, newGate func() *Gate)) {
	t.Run("as the system has it", func(t *testing.T) { test(t, openGate) })
	t.Run("fenced", func(t *testing.T) {
		test(t, func() *Gate { return &Gate{state: gateFenced} })
	})
}

func TestNobodyIsInsideAfterClose(t *testing.T) {
	bothWays(t, func(t *testing.T, newGate func() *Gate) {
		start := time.Now()
		for i := range rounds(1000) {
			if time.Since(start) > enough {
				break
			}
			g := newGate()
			used, closed := 0, false // under -race, who touches these is checked
			done := make(chan struct{})
			go func() {
				defer close(done)
				for g.Enter() {
					if closed {
						t.Error("inside after Close returned")
					}
					used++
					g.Exit()
				}
			}()
			for range i % 50 {
				runtime.Gosched()
			}
			g.Close(nothing)
			closed = true
			used = -1
			within(t, done, "the user")
			if used != -1 {
				t.Fatal("used after Close returned")
			}
		}
	})
}

func TestEnterAndCloseNeverMissEachOther(t *testing.T) {
	bothWays(t, func(t *testing.T, newGate func() *Gate) {
		var g *Gate
		var entered bool
		var interrupted, left atomic.Bool
		next := func() {
			g = newGate()
			entered = false
			interrupted.Store(false)
			left.Store(false)
		}
		next()
		slow := newBacklog()
		lockstep(t, 20_000,
			func(int) {
				g.Closing() // what it will look at is at hand
				slow.store()
				if entered = g.Enter(); entered {
					// Stay until Close is seen to wait, or to be over.
					for n := 0; !interrupted.Load(); n++ {
						if n > 1000 {
							runtime.Gosched()
						}
					}
					g.Exit()
				}
			},
			func(int) {
				defer slow.store()
				g.Close(func() { interrupted.Store(true) })
				// Close came through. Whoever is inside without having been
				// waited for was missed.
				if !interrupted.Load() {
					left.Store(true)
					interrupted.Store(true)
				}
			},
			func(i int) bool {
				if entered && left.Load() {
					t.Errorf("round %d: the user is inside and Close returned", i)
					return false
				}
				next()
				return true
			})
	})
}

func TestOnlyOneCloseIsTheFirst(t *testing.T) {
	bothWays(t, func(t *testing.T, newGate func() *Gate) {
		for range 200 {
			g := newGate()
			var first atomic.Int32
			var wg WaitGroup
			for range 4 {
				wg.Go(func() {
					if g.Close(nothing) {
						first.Add(1)
					}
				})
			}
			wg.Wait()
			if n := first.Load(); n != 1 {
				t.Fatalf("%d of 4 closers were the first", n)
			}
		}
	})
}

func TestCloseEndsTheSleepOfAUserInside(t *testing.T) {
	withoutNet(t)
	bothWays(t, func(t *testing.T, newGate func() *Gate) {
		for range 50 {
			g := newGate()
			b := newBell(t, shared(1), "b")
			inside, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				if !g.Enter() {
					t.Error("the gate is closed")
					return
				}
				close(inside)
				for {
					b.Announce()
					if err := b.Sleep(context.Background()); err != nil {
						t.Error(err)
					}
					if g.Closing() {
						break
					}
				}
				g.Exit()
			}()
			within(t, inside, "Enter")
			g.Close(b.Interrupt)
			within(t, done, "the user")
		}
	})
}

func TestEnterAndExitAllocateNothing(t *testing.T) {
	g := openGate()
	if n := testing.AllocsPerRun(1000, func() { g.Enter(); g.Exit() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
