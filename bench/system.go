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
		c.Measure = func(ctx context.Context) (Figure, error) { return measureWire(ctx, kind, size, duration) }
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

func measureWire(ctx context.Context, kind string, size int, duration time.Duration) (f Figure, err error) {
	dir, err := os.MkdirTemp("", "shmbench-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	orders := wireOrders{Kind: kind, Path: filepath.Join(dir, "w"), Section: uniqueName("wire"), Size: size, Duration: duration}
	section, err := shm.Create(orders.Section, shm.Options{Kind: rawKind, Body: rawBody, Participants: 1})
	if err != nil {
		return f, err
	}
	defer section.Close()
	defer shm.Remove(orders.Section, "")
	cpuA, cpuB := limits.PickPair()
	var first *child
	for _, orders.First = range []bool{true, false} {
		if orders.CPU = cpuA; !orders.First {
			orders.CPU = cpuB
		}
		c, err := start(ctx, "wire", orders)
		if err != nil {
			return f, err
		}
		defer c.kill()
		if first == nil {
			first = c
		}
	}
	var found part
	if err := first.hear(&found); err != nil {
		return f, cause(ctx, err)
	}
	return Figure{Messages: found.Messages, Ns: found.Ns, Times: found.Times, Stats: found.Stats}, nil
}

// wire is the child that plays one end.
func wire(_ context.Context, p *pipe) error {
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
			if err := w.Recv(b); err != nil {
				return nil // the other end has what it wanted
			}
			if err := w.Send(b); err != nil {
				return err
			}
		}
	}
	clock := limits.Calibrate()
	found := part{Times: limits.NewHistogram(clock.StepNs)}
	began := limits.Now()
	var before uint64
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(b, i)
		if err := w.Send(b); err != nil {
			return err
		}
		if err := w.Recv(b); err != nil {
			return err
		}
		now := clock.Now()
		if got := binary.LittleEndian.Uint64(b); got != i {
			return fmt.Errorf("round trip %d came back as %d", i, got)
		}
		if spent := limits.Now() - began; spent > int64(o.Duration)/5 && before != 0 {
			ns := clock.Ns(now - before)
			found.Times.Record(float64(ns))
			found.Ns += ns
			if spent > int64(o.Duration)*6/5 {
				break
			}
		}
		before = now
	}
	found.Messages, found.Stats = 2*found.Times.Count(), found.Times.Stats()
	return p.tell(found)
}
