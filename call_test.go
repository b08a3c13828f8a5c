package ringway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

// upper answers with capitals, or with an error if there is nothing to do.
func upper(_ context.Context, _ uint16, request, dst []byte) ([]byte, error) {
	if len(request) == 0 {
		return dst, errors.New("nothing to do")
	}
	return append(dst, bytes.ToUpper(request)...), nil
}

// served makes a connection whose accepted end serves until the test ends.
func served(t testing.TB, workers int, h ringway.Handler, opts ...ringway.Option) *ringway.Conn {
	t.Helper()
	a, b := connect(t, listen(t, newAddress(), opts...), opts...)
	ended := make(chan error, 1)
	go func() { ended <- b.Serve(context.Background(), workers, h) }()
	t.Cleanup(func() {
		_ = a.Close()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return a
}

func eachRoad(t *testing.T, f func(t *testing.T, opts ...ringway.Option)) {
	t.Run("shm", func(t *testing.T) { f(t, ringway.Transports(ringway.SharedMemory)) })
	t.Run("shm small", func(t *testing.T) {
		f(t, ringway.Transports(ringway.SharedMemory), ringway.Capacity(4096), ringway.Wait(ringway.Park))
	})
	t.Run("stream", func(t *testing.T) { f(t, ringway.Transports(ringway.Unix, ringway.Pipe)) })
}

func TestACallReturnsItsAnswer(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		c := served(t, 1, upper, opts...)
		for i := range 1000 {
			q := fmt.Sprintf("question %d", i)
			a, err := c.Call(t.Context(), 7, []byte(q), []byte("> "))
			if err != nil || string(a) != "> "+string(bytes.ToUpper([]byte(q))) {
				t.Fatalf("%q, %v", a, err)
			}
		}
	})
}

func TestTheHandlersErrorComesBackAsItsText(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		c := served(t, 1, upper, opts...)
		_, err := c.Call(t.Context(), 0, nil, nil)
		if err != ringway.RemoteError("nothing to do") {
			t.Error(err)
		}
		if a, err := c.Call(t.Context(), 0, []byte("x"), nil); string(a) != "X" || err != nil {
			t.Errorf("%q, %v", a, err)
		}
	})
}

func TestManyCallsAreUnderWayAtTheSameTime(t *testing.T) {
	for _, workers := range []int{1, 8} {
		eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
			c := served(t, workers, upper, opts...)
			var wg sync.WaitGroup
			for g := range 32 {
				wg.Go(func() {
					for i := range 200 {
						q := fmt.Appendf(nil, "%d from %d%s", i, g, bytes.Repeat([]byte("x"), i))
						a, err := c.Call(t.Context(), 1, q, nil)
						if err != nil || !bytes.Equal(a, bytes.ToUpper(q)) {
							t.Errorf("%q, %v", a, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAnswersMayComeInAnyOrder(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		release := make(chan struct{})
		c := served(t, 2, func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error) {
			if typ == 1 {
				<-release
			}
			return append(dst, request...), nil
		}, opts...)
		first := make(chan error, 1)
		go func() {
			a, err := c.Call(t.Context(), 1, []byte("slow"), nil)
			if err == nil && string(a) != "slow" {
				err = fmt.Errorf("%q", a)
			}
			first <- err
		}()
		for range 100 {
			if a, err := c.Call(t.Context(), 0, []byte("fast"), nil); string(a) != "fast" || err != nil {
				t.Fatalf("%q, %v", a, err)
			}
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

func TestACallThatIsGivenUpHarmsNoOther(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		var held atomic.Bool
		held.Store(true)
		c := served(t, 1, func(ctx context.Context, typ uint16, request, dst []byte) ([]byte, error) {
			for typ == 1 && held.Load() {
				time.Sleep(time.Millisecond)
			}
			return append(dst, request...), nil
		}, opts...)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				if _, err := c.Call(ctx, 1, bytes.Repeat([]byte("late"), 100), nil); err != context.DeadlineExceeded {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		held.Store(false)
		for i := range 100 {
			q := fmt.Sprint(i)
			if a, err := c.Call(t.Context(), 0, []byte(q), nil); string(a) != q || err != nil {
				t.Fatalf("%q, %v", a, err)
			}
		}
	})
}

func TestBothSidesMayCallAndServe(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		a, b := connect(t, listen(t, newAddress(), opts...), opts...)
		ctx, cancel := context.WithCancel(t.Context())
		var serving, calling sync.WaitGroup
		for _, c := range []*ringway.Conn{a, b} {
			serving.Go(func() {
				if err := c.Serve(ctx, 4, upper); err != context.Canceled {
					t.Error(err)
				}
			})
			for range 4 {
				calling.Go(func() {
					for i := range 200 {
						q := fmt.Sprint("q", i)
						r, err := c.Call(t.Context(), 0, []byte(q), nil)
						if err != nil || string(r) != fmt.Sprint("Q", i) {
							t.Errorf("%q, %v", r, err)
							return
						}
					}
				})
			}
		}
		calling.Wait()
		cancel()
		serving.Wait()
	})
}

func TestCallsEndWhenTheOtherSideIsGone(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		a, b := connect(t, listen(t, newAddress(), opts...), opts...)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := a.Call(t.Context(), 0, []byte("x"), nil); !errors.Is(err, ringway.ErrPeerDead) {
					t.Error(err)
				}
			})
		}
		if _, err := b.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if _, err := a.Call(t.Context(), 0, []byte("x"), nil); !errors.Is(err, ringway.ErrPeerDead) {
			t.Error(err)
		}
	})
}

func TestACallThatIsAloneMayBeJoinedOrGivenUp(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		for range 20 {
			asked, answer := make(chan struct{}), make(chan struct{})
			c := served(t, 1, func(_ context.Context, typ uint16, request, dst []byte) ([]byte, error) {
				if typ == 1 {
					asked <- struct{}{}
					<-answer
				}
				return append(dst, request...), nil
			}, opts...)
			slow := func(ctx context.Context) chan error {
				done := make(chan error, 1)
				go func() {
					a, err := c.Call(ctx, 1, []byte("slow"), nil)
					if err == nil && string(a) != "slow" {
						err = fmt.Errorf("%q", a)
					}
					done <- err
				}()
				<-asked
				return done
			}
			quick := func() chan error {
				done := make(chan error, 1)
				go func() {
					a, err := c.Call(t.Context(), 0, []byte("quick"), nil)
					if err == nil && string(a) != "quick" {
						err = fmt.Errorf("%q", a)
					}
					done <- err
				}()
				return done
			}
			// Another one comes while it waits.
			first, second := slow(t.Context()), quick()
			answer <- struct{}{}
			if err := errors.Join(<-first, <-second); err != nil {
				t.Fatal(err)
			}
			// It is given up, and its answer comes while another one is alone.
			ctx, cancel := context.WithCancel(t.Context())
			first = slow(ctx)
			cancel()
			if err := <-first; err != context.Canceled {
				t.Fatal(err)
			}
			answer <- struct{}{}
			if err := <-quick(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCloseEndsACallThatIsAlone(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		l := listen(t, newAddress(), opts...)
		for range 20 {
			a, b := connect(t, l, opts...)
			done := make(chan error, 1)
			go func() {
				_, err := a.Call(t.Context(), 0, []byte("x"), nil)
				done <- err
			}()
			if _, err := b.Recv(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; !errors.Is(err, ringway.ErrClosed) {
				t.Fatal(err)
			}
		}
	})
}

func TestAQuestionThatComesDuringACallIsKeptForServe(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		a, b := connect(t, listen(t, newAddress(), opts...), opts...)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var answered sync.WaitGroup
		answered.Add(2)
		// It can only be answered after the call has read it.
		wg.Go(func() {
			got, err := b.Call(t.Context(), 0, []byte("from b"), nil)
			if err != nil || string(got) != "FROM B" {
				t.Errorf("%q, %v", got, err)
			}
			answered.Done()
			if err := b.Serve(ctx, 1, upper); err != context.Canceled {
				t.Error(err)
			}
		})
		wg.Go(func() {
			got, err := a.Call(t.Context(), 0, []byte("from a"), nil)
			if err != nil || string(got) != "FROM A" {
				t.Errorf("%q, %v", got, err)
			}
			answered.Done()
		})
		wg.Go(func() {
			if err := a.Serve(ctx, 1, upper); err != context.Canceled {
				t.Error(err)
			}
		})
		answered.Wait()
		cancel()
		wg.Wait()
	})
}

func TestAForgedAnswerIsDropped(t *testing.T) {
	a, b := connect(t, listen(t, newAddress()))
	go func() {
		m, err := b.Recv(t.Context())
		if err != nil {
			return
		}
		word := uint64(m.Payload[0]) | uint64(m.Payload[3])<<24
		for _, w := range []uint64{0, 1 << 63, 1<<63 | word + 1<<24, 1<<63 | 0xffffff, 1<<63 | word} {
			_ = b.SendCorrelated(t.Context(), 0, w, fmt.Appendf(nil, "%x", w))
			_ = b.Send(t.Context(), []byte("plain"))
		}
	}()
	got, err := a.Call(t.Context(), 0, []byte("x"), nil)
	if err != nil || string(got) == "" || string(got) != fmt.Sprintf("%x", uint64(1<<63|1<<24|1<<24)) && got[0] != '8' {
		t.Errorf("%q, %v", got, err)
	}
}

func TestACallOverARingAllocatesNothing(t *testing.T) {
	// Sleeping may allocate on Windows.
	c := served(t, 1, upper, ringway.Wait(ringway.Yield))
	q, into := []byte("0123456789012345678901234567890123456789012345678901234567890123"), make([]byte, 0, 100)
	once := func() {
		if a, err := c.Call(t.Context(), 0, q, into); len(a) != len(q) || err != nil {
			t.Fatal(err)
		}
	}
	once()
	least := testing.AllocsPerRun(200, once)
	for range 4 {
		least = min(least, testing.AllocsPerRun(200, once))
	}
	if least > 1 { // ToUpper's
		t.Errorf("%v allocations a call", least)
	}
}
