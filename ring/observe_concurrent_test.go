package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
)

// whole is a payload that tells whether it is torn: a number, and bytes that
// follow from it.
func whole(buf []byte, i uint64) []byte {
	n := 8 + int(i*37%150)
	binary.LittleEndian.PutUint64(buf, i)
	for k := 8; k < n; k++ {
		buf[k] = byte(i + uint64(k))
	}
	return buf[:n]
}

func isWhole(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	i := binary.LittleEndian.Uint64(b)
	if len(b) != 8+int(i*37%150) {
		return false
	}
	for k := 8; k < len(b); k++ {
		if b[k] != byte(i+uint64(k)) {
			return false
		}
	}
	return true
}

// lively makes a ring of any kind, whose participants are functions. There is
// nothing to receive by the one of a lossy broadcast ring.
func lively(t *testing.T, g Geometry) (body []byte, send func(b []byte) error, receive func() error) {
	t.Helper()
	switch g.Kind {
	case SPSC:
		r := newRing(t, g, StartPosition)
		r.hostile = true // only its guards are looked at in the end
		n := 0
		return r.body, func(b []byte) error {
				if n++; n%3 == 0 {
					if sent, err := r.p.TrySendBatch(0, [][]byte{b, b, b}); sent == 0 {
						return err
					}
					return nil
				}
				return r.p.TrySend(0, b)
			}, func() error {
				_, err := r.c.Next()
				if r.c.Release() || err != nil {
					r.c.Publish()
				}
				return err
			}
	case MPMC:
		r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
		return r.body, func(b []byte) error { return r.p[0].TrySend(0, b) }, func() error {
			_, err := r.c[1].Next()
			r.c[1].Release()
			return err
		}
	}
	r := newCast(t, g, StartPosition, StartSequence)
	return r.body, func(b []byte) error { return r.p.TrySend(0, b) }, func() error { return io.EOF }
}

// livelyGeometries are of every kind.
func livelyGeometries() []Geometry {
	return []Geometry{{Kind: SPSC, Capacity: 4096}, {Kind: SPSC, Capacity: 1 << 16, Checksum: true}, cells16,
		{Kind: MPMC, Capacity: 4096, CellSize: 16}, {Kind: MPMC, Capacity: 1 << 16, CellSize: 64}, lossy(), {Kind: Broadcast, Capacity: 1 << 16}}
}

// TestAnObserverOfALivingRingSeesNothingTornAndNothingWrong watches rings whose
// participants go on as fast as they can.
func TestAnObserverOfALivingRingSeesNothingTornAndNothingWrong(t *testing.T) {
	if raceEnabled {
		t.Skip("an observer loads headers that may be payloads by now, and finds out afterwards: a race by design")
	}
	messages := some(150_000)
	for _, g := range livelyGeometries() {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			body, send, receive := lively(t, g)
			var over atomic.Int32
			go func() {
				defer over.Add(1)
				buf := make([]byte, 200)
				for i := uint64(0); i < uint64(messages); {
					if err := send(whole(buf, i)); err == nil {
						i++
					} else if err != ErrFull {
						t.Error(err)
						return
					} else {
						runtime.Gosched()
					}
				}
			}()
			go func() {
				defer over.Add(1)
				for {
					all := over.Load() > 0
					switch err := receive(); {
					case err == nil:
					case err == io.EOF, err == ErrEmpty && all:
						return
					case err != ErrEmpty:
						t.Error(err)
						return
					default:
						runtime.Gosched()
					}
				}
			}()
			seen, depth := 0, uint64(0)
			var buf []byte
			o, err := NewObserver(g, body, 2)
			if err != nil {
				t.Fatal(err)
			}
			for over.Load() < 2 {
				s := o.Snapshot()
				if s.Problem != "" || s.Depth > g.Capacity {
					t.Fatalf("%+v", s)
				}
				depth = max(depth, s.Depth)
				for range 50 {
					f, err := o.Next(buf)
					if errors.Is(err, ErrCorrupt) {
						t.Fatal(err)
					}
					if err != nil {
						break
					}
					if f.State == FramePadding {
						continue
					}
					if !isWhole(f.Payload) {
						t.Fatalf("torn: %+v", f)
					}
					seen, buf = seen+1, f.Payload
				}
			}
			t.Logf("%d of %d messages seen, up to %d bytes deep", seen, messages, depth)
		})
	}
}
