package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/bench/feed"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/shm"
)

func TestMain(m *testing.M) {
	bench.Main()
	os.Exit(m.Run())
}

func itch(t *testing.T, messages int) *feed.Feed {
	t.Helper()
	var b bytes.Buffer
	if err := feed.GenerateITCH(&b, feed.GenerateOptions{Seed: 7, Messages: messages}); err != nil {
		t.Fatal(err)
	}
	f, err := feed.NewFeed(b.Bytes(), "test.itch", feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReplayMovesEveryRecordToAnotherProcess(t *testing.T) {
	f := itch(t, 20_000)
	want := xxhash.New()
	n, size := int64(0), int64(0)
	for range 3 {
		for record, err := range f.Records() {
			if err != nil {
				t.Fatal(err)
			}
			_, _ = want.Write(record)
			n++
			size += int64(len(record))
		}
	}
	var last int64
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{
		Topology: "spsc", Repeat: 3, Capacity: 8192,
		Progress: func(sent, all int64) {
			if sent < last || all != n {
				t.Errorf("progress went from %d to %d of %d", last, sent, all)
			}
			last = sent
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%016x", want.Sum64())
	if r.Sent != sum || r.Received != sum || r.Messages != n || r.Bytes != size || last != n {
		t.Errorf("%+v; want %d messages, %d bytes, hash %s", r, n, size, sum)
	}
	if r.Seconds <= 0 || r.MsgsPerSec <= 0 || r.Mode != "replay" || r.Format != "itch" {
		t.Errorf("%+v", r)
	}
}

func TestReplayOverMPMCDeliversTheUnion(t *testing.T) {
	f := itch(t, 20_000)
	n, _, _, err := f.Count()
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "mpmc", Consumers: 3, Repeat: 4, Capacity: 16 << 10})
	if err != nil || r.Messages != int64(4*n) || r.Sent != r.Received || r.Consumers != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReplayTakesRecordsLargerThanTheUsualRing(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 3<<16)
	f, err := feed.NewFeed(data, "big.bin", feed.Options{Format: feed.Raw, Record: 3 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "spsc", Repeat: 2})
	if err != nil || r.Messages != 2 || r.Sent != r.Received {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReplayIsPaced(t *testing.T) {
	f := itch(t, 1000)
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "spsc", Repeat: 1, Rate: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	// It can be late on a busy machine, but never early.
	if r.Seconds < 999/20_000.0 {
		t.Errorf("1000 messages at 20,000 a second took %.6f s", r.Seconds)
	}
}

func TestReplayRefusesATornRecordBeforeItSendsAnything(t *testing.T) {
	f, err := feed.NewFeed(make([]byte, 1001), "torn.bin", feed.Options{Format: feed.Raw, Record: 100})
	if err != nil {
		t.Fatal(err)
	}
	_, err = bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "spsc", Repeat: 1})
	var fe *feed.Error
	if !errors.As(err, &fe) || !errors.Is(err, feed.ErrTorn) || fe.Offset != 1000 {
		t.Errorf("%v", err)
	}
}

func TestReplayRefusesWhatMakesNoSense(t *testing.T) {
	f := itch(t, 20)
	for _, o := range []bench.ReplayOptions{
		{Topology: "ring of fire", Repeat: 1},
		{Topology: "spsc"},
		{Topology: "spsc", Repeat: 1, Rate: -1},
		{Topology: "spsc", Repeat: 1, Capacity: 5000},
		{Topology: "spsc", Repeat: 1, Consumers: 2},
	} {
		if _, err := bench.Replay(t.Context(), f, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestACancelledReplayEndsAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := bench.Replay(ctx, itch(t, 1000), bench.ReplayOptions{Topology: "spsc", Repeat: 1, Rate: 10})
	if err == nil {
		t.Error("it went through")
	}
	noneLeft(t)
}

// noneLeft fails the test when a section of this package is still there.
func noneLeft(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // they go with the last process
	}
	list, err := shm.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if strings.HasPrefix(s.Name, "shmbench-") && strings.Contains(s.Name, fmt.Sprintf("-%d-", os.Getpid())) {
			t.Errorf("%s is left", s.Name)
		}
	}
}

func TestRunMeasuresBesideTheLimit(t *testing.T) {
	if a, b := limits.PickPair(); a == b {
		t.Skip("two processes that measure need two processors")
	}
	for _, o := range []bench.RunOptions{
		{Mode: bench.Latency, Size: 32, Batch: 1, Wait: ringway.Adaptive},
		{Mode: bench.Latency, Size: 10_000, Batch: 1, Wait: ringway.Park},
		{Mode: bench.Throughput, Size: 8, Batch: 1, Wait: ringway.Adaptive},
		{Mode: bench.Throughput, Size: 3, Batch: 32, Wait: ringway.Yield},
		{Topology: "mpmc", Mode: bench.Latency, Size: 32, Batch: 1, Wait: ringway.Adaptive},
		{Topology: "mpmc", Mode: bench.Throughput, Size: 8, Batch: 1, Producers: 2, Consumers: 2, Wait: ringway.Adaptive},
		{Topology: "mpmc", Mode: bench.Throughput, Size: 8, Batch: 32, Producers: 2, Consumers: 1, Wait: ringway.Yield},
		{Topology: "broadcast", Mode: bench.Latency, Size: 32, Batch: 1, Wait: ringway.Adaptive, ReadOnly: true},
		{Topology: "broadcast", Mode: bench.Throughput, Size: 8, Batch: 1, Consumers: 2, Wait: ringway.Adaptive},
		{Topology: "broadcast", Mode: bench.Throughput, Size: 64, Batch: 32, Consumers: 2, Wait: ringway.Yield, Lossless: true},
		{Topology: "broadcast", Mode: bench.Mixed, Size: 2000, Batch: 1, Wait: ringway.Adaptive, ReadOnly: true},
		{Topology: "broadcast", Mode: bench.Publish, Size: 8, Batch: 1, Consumers: 3, ReadOnly: true, Wait: ringway.Adaptive},
		{Topology: "broadcast", Mode: bench.Paced, Size: 16, Batch: 1, Rate: 10_000, Consumers: 2, Wait: ringway.Park},
		{Mode: bench.Throughput, Size: 4000, Batch: 1, Lease: true, Wait: ringway.Adaptive},
		{Topology: "conn", Mode: bench.Latency, Size: 64, Batch: 1, Wait: ringway.Adaptive},
		{Topology: "conn", Transport: "tcp", Mode: bench.Latency, Size: 64, Batch: 1, Wait: ringway.Adaptive},
		{Topology: "conn", Transport: "tcp", Mode: bench.Throughput, Size: 64, Batch: 1, Wait: ringway.Adaptive},
		{Topology: "conn", Mode: bench.Paced, Size: 64, Batch: 1, Rate: 10_000, Wait: ringway.Adaptive},
		{Mode: bench.Mixed, Size: 2000, Batch: 1, Wait: ringway.Adaptive},
		{Mode: bench.Paced, Size: 64, Batch: 1, Rate: 20_000, Burst: 10, Wait: ringway.Adaptive},
		{Topology: "mpmc", Mode: bench.Paced, Size: 16, Batch: 1, Rate: 10_000, Consumers: 2, Wait: ringway.Park},
	} {
		if o.Topology == "" {
			o.Topology = "spsc"
		}
		o.Capacity, o.Duration, o.Runs, o.KeepAll = 64<<10, 5*time.Millisecond, 1, true
		r, err := bench.Run(t.Context(), o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		if r.Messages <= 0 || r.Seconds <= 0 || r.MsgsPerSec <= 0 || r.Runs != 1 || r.MessageBytes > o.Size || r.Wait != o.Wait.String() {
			t.Errorf("%+v", r)
		}
		if c := r.Cast; (c != nil) != (o.Topology == "broadcast") {
			t.Errorf("of a broadcast ring: %+v", c)
		} else if c != nil && (c.Lossless != o.Lossless || c.ReadOnly != o.ReadOnly || o.Lossless && (c.Missed > 0 || c.Received == 0)) {
			t.Errorf("%+v", c)
		}
		if o.Mode == bench.Latency || o.Mode == bench.Paced {
			q := r.RTT
			if o.Mode == bench.Paced {
				q = r.OneWay
			}
			if q == nil || q.Min < 0 || q.Min > q.P50 || q.P50 > q.P99 || q.P99 > q.P9999 || q.P9999 > q.Max {
				t.Errorf("%+v", q)
			}
		}
		if o.Size < 4096 && o.Mode != bench.Paced && (r.Limit == nil || r.Limit.Value <= 0 || r.Limit.Ratio <= 0) {
			t.Errorf("no limit: %+v", r.Limit)
		}
	}
	noneLeft(t)
}

func TestRunRefusesWhatMakesNoSense(t *testing.T) {
	good := bench.RunOptions{Topology: "spsc", Mode: bench.Latency, Size: 8, Capacity: 4096, Duration: time.Millisecond, Runs: 1, Batch: 1}
	for what, change := range map[string]func(*bench.RunOptions){
		"topology": func(o *bench.RunOptions) { o.Topology = "star" },
		"mode":     func(o *bench.RunOptions) { o.Mode = "speed" },
		"size":     func(o *bench.RunOptions) { o.Size = -1 },
		"too big":  func(o *bench.RunOptions) { o.Size = 4096 },
		"capacity": func(o *bench.RunOptions) { o.Capacity = 4095 },
		"duration": func(o *bench.RunOptions) { o.Duration = 0 },
		"runs":     func(o *bench.RunOptions) { o.Runs = 0 },
		"batch":    func(o *bench.RunOptions) { o.Batch = 2 },
		"road":     func(o *bench.RunOptions) { o.Transport = "tcp" },
		"no road":  func(o *bench.RunOptions) { o.Topology, o.Transport = "conn", "pigeon" },
		"big conn": func(o *bench.RunOptions) { o.Topology, o.Mode, o.Size = "conn", bench.Throughput, 2049 },
		"conns":    func(o *bench.RunOptions) { o.Topology, o.Mode, o.Consumers = "conn", bench.Throughput, 2 },
		"casts":    func(o *bench.RunOptions) { o.Topology, o.Mode, o.Producers = "broadcast", bench.Throughput, 2 },
		"negative": func(o *bench.RunOptions) { o.Mode, o.Producers = bench.Throughput, -1 },
		"lease":    func(o *bench.RunOptions) { o.Lease = true },
		"rate":     func(o *bench.RunOptions) { o.Rate = 1 },
		"no rate":  func(o *bench.RunOptions) { o.Mode, o.Size = bench.Paced, 16 },
		"tiny":     func(o *bench.RunOptions) { o.Mode, o.Size, o.Rate = bench.Paced, 8, 1 },
		"pacers": func(o *bench.RunOptions) {
			o.Topology, o.Mode, o.Size, o.Rate, o.Producers = "mpmc", bench.Paced, 16, 1, 2
		},
		"casters":     func(o *bench.RunOptions) { o.Topology, o.Mode, o.Producers = "broadcast", bench.Throughput, 2 },
		"cast wakeup": func(o *bench.RunOptions) { o.Topology, o.Mode = "broadcast", bench.Wakeup },
		"publish":     func(o *bench.RunOptions) { o.Mode = bench.Publish },
		"waiting":     func(o *bench.RunOptions) { o.Topology, o.Mode, o.Lossless = "broadcast", bench.Publish, true },
		"lossless":    func(o *bench.RunOptions) { o.Lossless = true },
		"cast lease":  func(o *bench.RunOptions) { o.Topology, o.Mode, o.Lease = "broadcast", bench.Throughput, true },
		"unheard": func(o *bench.RunOptions) {
			o.Topology, o.Mode, o.Lossless, o.ReadOnly = "broadcast", bench.Throughput, true, true
		},
		"team":  func(o *bench.RunOptions) { o.Producers = 2 },
		"crowd": func(o *bench.RunOptions) { o.Topology, o.Mode, o.Consumers = "mpmc", bench.Throughput, 64 },
	} {
		o := good
		change(&o)
		if _, err := bench.Run(t.Context(), o); err == nil {
			t.Errorf("%s: %+v was accepted", what, o)
		}
	}
	noneLeft(t)
}

func TestAHoldUpShowsInAllMessagesThatItDelayed(t *testing.T) {
	if a, b := limits.PickPair(); a == b {
		t.Skip("two processes that measure need two processors")
	}
	// All 100 messages of a burst are due at once, and one after the other gets
	// there: with the schedule as the clock the last is later than the first. There
	// are many bursts: if the machine stands still before one, that comes as a whole,
	// and all of it as late as the histogram can tell.
	o := bench.RunOptions{Topology: "spsc", Mode: bench.Paced, Size: 16, Batch: 1, Rate: 10_000, Burst: 100,
		Capacity: 4096, Duration: 200 * time.Millisecond, Runs: 1, KeepAll: true, Wait: ringway.Adaptive}
	r, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if q := r.OneWay; q.P50 >= q.P99 || r.Messages < 100 || r.Histogram.Count() != r.Messages {
		t.Errorf("%+v, %d messages", q, r.Messages)
	}
}

func TestAFigureBetterThanItsLimitIsMarked(t *testing.T) {
	var b strings.Builder
	limit := &bench.Limit{Name: "memcpy in and out", Value: 1e9, Ratio: 1.5, Exceeded: true}
	if err := bench.WriteResult(&b, bench.Result{Limit: limit}); err != nil || !strings.Contains(b.String(), "two cores can copy more") {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := bench.WriteTable(&b, bench.Machine{}, []string{"x"}, []bench.Result{{Limit: limit}}); err != nil || !strings.Contains(b.String(), "1.50 × (!)") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestTheJSONHasTheNamesThatPeopleParse(t *testing.T) {
	doc := bench.Document{Machine: bench.ThisMachine(), Results: []bench.Result{{
		RTT: &bench.RTT{}, Limit: &bench.Limit{}, Sent: "x", Received: "y",
	}}}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine map[string]any
		Results []map[string]any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	has := func(m map[string]any, names ...string) {
		t.Helper()
		for _, name := range names {
			if _, ok := m[name]; !ok {
				t.Errorf("no %q in %v", name, m)
			}
		}
	}
	r := got.Results[0]
	has(r, "topology", "transport", "mode", "producers", "consumers", "message_bytes", "messages", "seconds", "msgs_per_sec",
		"bytes_per_sec", "rtt_ns", "allocs_per_op", "limit", "sent_xxhash64", "received_xxhash64")
	has(r["rtt_ns"].(map[string]any), "min", "p50", "p90", "p99", "p999", "p9999", "max")
	has(r["limit"].(map[string]any), "name", "value", "ratio")
	has(got.Machine, "os", "arch", "cpu", "cores")
}

func TestTheTableShowsFiguresLimitsAndRatios(t *testing.T) {
	var b strings.Builder
	err := bench.WriteTable(&b, bench.Machine{CPU: "Test CPU", Cores: 2}, []string{"round trip", "rate"}, []bench.Result{
		{RTT: &bench.RTT{P50: 111, P99: 222, P999: 333}, Limit: &bench.Limit{Name: "raw round trip", Value: 100, Ratio: 1.11}, Runs: 3},
		{MsgsPerSec: 123e6, BytesPerSec: 984e6},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Test CPU", "p50 111 ns", "raw round trip 100 ns", "1.11 ×", "123 Mmsg/s", "984 MB/s"} {
		if !strings.Contains(strings.ReplaceAll(b.String(), "M msg", "Mmsg"), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := bench.WriteResult(&b, bench.Result{File: "evil\x1b[31m.bin"}); err != nil || strings.Contains(b.String(), "\x1b") {
		t.Errorf("a file's name wrote to the terminal: %q, %v", b.String(), err)
	}
}

func TestTheSampleOfTheRepositoryIsReplayed(t *testing.T) {
	f, err := feed.Open(filepath.Join("..", "testdata", "feed", "sample.itch"), feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "spsc", Repeat: 1, Wait: ringway.Park})
	if err != nil || r.Messages != 1000 || r.Sent != r.Received {
		t.Errorf("%+v, %v", r, err)
	}
}
