package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const capacity = 65536

type options struct {
	engine               string
	producers, consumers int
	batch, messages      int
	duration             time.Duration
	cpus                 []int
}

// result is what is printed.
type result struct {
	Engine       string  `json:"engine"`
	MessageBytes int     `json:"message_bytes"`
	Producers    int     `json:"producers"`
	Consumers    int     `json:"consumers"`
	Batch        int     `json:"batch"`
	Messages     uint64  `json:"messages"`
	Seconds      float64 `json:"seconds"`
	PerSecond    float64 `json:"msgs_per_sec"`
}

func main() {
	o, timeout, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	time.AfterFunc(timeout, func() {
		fmt.Fprintln(os.Stderr, "peers: not done after", timeout)
		os.Exit(3)
	})
	r, err := run(o)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// parse reads the flags, which are those of cpp/mpmc.cpp in package rivals, and
// --engine.
func parse(args []string) (o options, timeout time.Duration, err error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&o.engine, "engine", "", "xsync or channel")
	f.IntVar(&o.producers, "producers", 1, "threads that send")
	f.IntVar(&o.consumers, "consumers", 1, "threads that receive")
	f.IntVar(&o.batch, "batch", 1, "messages at a time")
	f.IntVar(&o.messages, "messages", 0, "send so many in all instead of for --duration")
	ms := f.Int("duration", 1000, "milliseconds for which is sent")
	cpus := f.String("cpus", "0,1", "processors; producers, then consumers are pinned to them in turn")
	seconds := f.Int("timeout", 60, "seconds after which the program ends")
	if err := f.Parse(args); err != nil {
		return o, 0, err
	}
	for _, s := range strings.Split(*cpus, ",") {
		cpu, err := strconv.Atoi(s)
		if err != nil || cpu < 0 || cpu >= 1024 {
			return o, 0, errors.New("--cpus wants numbers with commas between them")
		}
		o.cpus = append(o.cpus, cpu)
	}
	switch o.duration = time.Duration(*ms) * time.Millisecond; {
	case f.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", f.Arg(0))
	case o.engine != "xsync" && o.engine != "channel":
		err = fmt.Errorf("engine %q: there are xsync and channel", o.engine)
	case o.producers < 1 || o.producers > 1024 || o.consumers < 1 || o.consumers > 1024 || o.batch < 1 || o.batch > 1024:
		err = errors.New("--producers, --consumers and --batch want 1 to 1024")
	case o.messages < 0 || *ms < 1 || *seconds < 1:
		err = errors.New("--messages wants at least 0, --duration and --timeout at least 1")
	}
	return o, time.Duration(*seconds) * time.Second, err
}

// tally is what a thread sent or received.
type tally struct {
	n, sum uint64
	end    time.Time
	err    error
	_      [64]byte
}

// run measures an engine.
func run(o options) (result, error) {
	var e engine
	switch o.engine {
	case "xsync":
		e = newXsync()
	case "channel":
		e = newChannel()
	}
	threads := o.producers + o.consumers
	runtime.GOMAXPROCS(threads + 1)

	var stop atomic.Bool
	var ready, producing, all sync.WaitGroup
	ready.Add(threads)
	all.Add(threads)
	producing.Add(o.producers)
	var start time.Time
	begin := make(chan struct{})
	tallies := make([]tally, threads)
	for i := range threads {
		go func() {
			defer all.Done()
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			t := &tallies[i]
			t.err = pin(o.cpus[i%len(o.cpus)])
			ready.Done()
			<-begin
			if i >= o.producers {
				e.consume(t)
				t.end = time.Now()
				return
			}
			defer producing.Done()
			if quota := o.quota(i); t.err == nil {
				e.produce(t, uint64(i)<<48+1, quota, &stop)
			}
		}()
	}
	ready.Wait()
	start = time.Now()
	close(begin)
	if o.messages == 0 {
		time.AfterFunc(o.duration, func() { stop.Store(true) })
	}
	producing.Wait()
	var sent, got tally
	for _, t := range tallies[:o.producers] {
		sent.add(t)
	}
	e.close(sent.n)
	all.Wait()
	for _, t := range tallies[o.producers:] {
		got.add(t)
	}
	if err := errors.Join(sent.err, got.err); err != nil {
		return result{}, fmt.Errorf("pin: %w", err)
	}
	if sent.n != got.n || sent.sum != got.sum {
		return result{}, fmt.Errorf("sent %d, received %d, their sums are %d and %d", sent.n, got.n, sent.sum, got.sum)
	}
	seconds := got.end.Sub(start).Seconds()
	return result{
		Engine: e.name(), MessageBytes: 8, Producers: o.producers, Consumers: o.consumers, Batch: o.batch,
		Messages: got.n, Seconds: seconds, PerSecond: float64(got.n) / seconds,
	}, nil
}

// quota is how many messages a producer sends.
func (o options) quota(producer int) uint64 {
	if o.messages == 0 {
		return 1 << 63
	}
	n := o.messages / o.producers
	if producer < o.messages%o.producers {
		n++
	}
	return uint64(n)
}

func (t *tally) add(u tally) {
	t.n += u.n
	t.sum += u.sum
	t.err = errors.Join(t.err, u.err)
	if u.end.After(t.end) {
		t.end = u.end
	}
}
