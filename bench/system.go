package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/shm"
)

// System is the class of what the operating system does all by itself.
const System = "system"

// wireOrders tell a child to measure the round trip of a bare pipe, socket or
// futex with another one.
type wireOrders struct {
	Kind, Path, Section string
	First               bool
	Size, CPU           int
	Duration            time.Duration
}

// systemContenders are the round trips that the operating system allows.
func systemContenders(size int, duration time.Duration, kinds ...string) []Contender {
	var all []Contender
	for _, kind := range kinds {
		c := Contender{Engine: wireName(kind), Class: System, Between: "processes"}
		if runtime.GOOS != "linux" {
			c.Prepare = func(context.Context) error { return errors.New("measured on Linux only") }
		}
		c.Start = func(ctx context.Context) (Running, error) { return startWire(ctx, kind, size, duration) }
		all = append(all, c)
	}
	return all
}

// wireName is what a wire is called in reports.
func wireName(kind string) string {
	if kind == limits.GoSocket {
		return kind
	}
	return "bare " + kind
}

// runningWire is a pair of children with a wire between them.
type runningWire struct {
	ctx   context.Context
	first *child
	done  []func()
}

func startWire(ctx context.Context, kind string, size int, duration time.Duration) (_ *runningWire, err error) {
	w := &runningWire{ctx: ctx}
	defer func() {
		if err != nil {
			_ = w.Close()
		}
	}()
	dir, err := os.MkdirTemp("", "shmbench-")
	if err != nil {
		return nil, err
	}
	w.done = append(w.done, func() { _ = os.RemoveAll(dir) })
	orders := wireOrders{Kind: kind, Path: filepath.Join(dir, "w"), Section: uniqueName("wire"), Size: size, Duration: duration}
	section, err := shm.Create(orders.Section, shm.Options{Kind: rawKind, Body: rawBody, Participants: 1})
	if err != nil {
		return nil, err
	}
	w.done = append(w.done, func() { _ = section.Close() }, func() { _ = shm.Remove(orders.Section, "") })
	cpuA, cpuB := limits.PickPair()
	for _, orders.First = range []bool{true, false} {
		if orders.CPU = cpuA; !orders.First {
			orders.CPU = cpuB
		}
		c, err := start(ctx, "wire", orders)
		if err != nil {
			return nil, err
		}
		w.done = append(w.done, c.kill)
		if w.first == nil {
			w.first = c
		}
	}
	_, err = w.Slice() // to get warm
	return w, err
}

func (w *runningWire) Slice() (f Figure, err error) {
	var found part
	if err = w.first.send(turnRun); err == nil {
		err = w.first.hear(&found)
	}
	if err != nil {
		return f, cause(w.ctx, err)
	}
	return Figure{Messages: found.Messages, Ns: found.Ns, Times: found.Times, Stats: found.Stats}, nil
}

func (w *runningWire) Close() error {
	for i := len(w.done) - 1; i >= 0; i-- {
		w.done[i]()
	}
	return nil
}

// wire is the child that plays one end.
func wire(ctx context.Context, p *pipe) error {
	var o wireOrders
	if err := p.take(&o); err != nil {
		return err
	}
	pin := limits.Pin
	if o.Kind == limits.GoSocket {
		pin = limits.PinProcess
	}
	if err := pin(o.CPU); err != nil {
		return err
	}
	section, err := shm.Open(o.Section, shm.OpenOptions{Prefault: true})
	if err != nil {
		return err
	}
	defer section.Close()
	w, err := limits.OpenWire(o.Kind, o.Path, section.Body()[:256], o.First)
	if err != nil {
		return err
	}
	defer w.Close()
	b := make([]byte, max(o.Size, 8))
	if !o.First {
		for {
			switch err := w.Recv(b); {
			case errors.Is(err, limits.ErrPeerGone) && ctx.Err() == nil:
				continue // the other end has a rest between two slices
			case err != nil:
				return nil // it has what it wanted
			}
			if err := w.Send(b); err != nil {
				return err
			}
		}
	}
	clock := limits.Calibrate()
	for {
		if _, err := p.turn(ctx); err != nil {
			return err
		}
		found, err := wireTrips(w, b, clock, o.Duration)
		if err != nil {
			return err
		}
		if err := p.tell(found); err != nil {
			return err
		}
	}
}

// wireTrips times round trips over a wire.
func wireTrips(w limits.Wire, b []byte, clock limits.Clock, duration time.Duration) (found part, err error) {
	found.Times = limits.NewHistogram(clock.StepNs)
	began := limits.Now()
	var before uint64
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(b, i)
		if err := w.Send(b); err != nil {
			return found, err
		}
		if err := w.Recv(b); err != nil {
			return found, err
		}
		now := clock.Now()
		if got := binary.LittleEndian.Uint64(b); got != i {
			return found, fmt.Errorf("round trip %d came back as %d", i, got)
		}
		if spent := limits.Now() - began; spent > int64(duration)/5 && before != 0 {
			ns := clock.Ns(now - before)
			found.Times.Record(float64(ns))
			found.Ns += ns
			if spent > int64(duration)*6/5 {
				break
			}
		}
		before = now
	}
	found.Messages, found.Stats = 2*found.Times.Count(), found.Times.Stats()
	return found, nil
}
