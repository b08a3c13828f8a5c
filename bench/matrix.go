package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"text/tabwriter"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/sync"
)

// RoadOptions say what Roads measures.
type RoadOptions struct {
	Transports []ringway.Transport
	Size       int
	Duration   time.Duration
	Wait       ringway.WaitStrategy

	// Progress, if not nil, is called after each transport.
	Progress func(done, all int)
}

// roadOrders are what the two processes of one transport get.
type roadOrders struct {
	Transport ringway.Transport
	Addr      string // of who listens; a prefix of two mailslots
	Dir       string
	Size      int
	Duration  time.Duration
	Wait      string
	CPU, Peer int
}

// typeOver is the type of the message that ends a measurement.
const typeOver = 0xffff

// Roads measures the round trip of a message over each transport, between two
// processes. What can't be measured has the reason in its result's Missing.
func Roads(ctx context.Context, o RoadOptions) ([]Result, error) {
	if o.Size < 8 || o.Size > fallback.MaxMail {
		return nil, fmt.Errorf("size %d: every transport takes messages of 8 to %d bytes", o.Size, fallback.MaxMail)
	}
	if o.Duration <= 0 {
		return nil, fmt.Errorf("duration %v", o.Duration)
	}
	var results []Result
	for i, t := range o.Transports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		results = append(results, road(ctx, t, o))
		if o.Progress != nil {
			o.Progress(i+1, len(o.Transports))
		}
	}
	return results, nil
}

// road measures one transport.
func road(ctx context.Context, t ringway.Transport, o RoadOptions) Result {
	res := Result{Engine: Ringway, Topology: "connection", Transport: t.String(), Mode: Latency, Wait: o.Wait.String(),
		Producers: 1, Consumers: 1, MessageBytes: o.Size, Batch: 1, Missing: t.Missing()}
	if t == ringway.Bridge {
		res.Missing = "between a Linux and a Wine process only; see the tests of package fallback"
	}
	if res.Missing != "" {
		return res
	}
	dir, err := os.MkdirTemp("", "shmbench")
	if err != nil {
		res.Missing = err.Error()
		return res
	}
	defer os.RemoveAll(dir)
	cpu, peer := limits.PickPair()
	orders := roadOrders{Transport: t, Dir: dir, Size: o.Size, Duration: o.Duration, Wait: o.Wait.String(), CPU: cpu, Peer: peer}
	switch t {
	case ringway.TCP:
		orders.Addr = "tcp://127.0.0.1:0"
	case ringway.UDP:
		orders.Addr = "udp://127.0.0.1:0"
	case ringway.FIFO:
		orders.Addr = "fifo://" + filepath.ToSlash(filepath.Join(dir, "fifo"))
	default:
		orders.Addr = fmt.Sprintf("shmbench-%d", os.Getpid())
	}
	ctx, cancel := context.WithTimeout(ctx, o.Duration+30*time.Second)
	defer cancel()
	var times limits.Histogram
	c, err := start(ctx, "road", orders)
	if err == nil {
		defer c.kill()
		err = c.hear(&times)
	}
	if err != nil {
		res.Missing = err.Error()
		return res
	}
	s := times.Stats()
	res.Histogram, res.Messages = &times, 2*int64(s.N)
	res.Seconds = float64(s.N) * s.Mean.Seconds()
	if res.Seconds > 0 {
		res.MsgsPerSec = float64(res.Messages) / res.Seconds
	}
	res.Bytes, res.BytesPerSec = res.Messages*int64(o.Size), res.MsgsPerSec*float64(o.Size)
	res.RTT = &RTT{
		Min: s.Min.Nanoseconds(), P50: s.P50.Nanoseconds(), P90: s.P90.Nanoseconds(), P99: s.P99.Nanoseconds(),
		P999: s.P999.Nanoseconds(), P9999: s.P9999.Nanoseconds(), Max: s.Max.Nanoseconds(),
	}
	return res
}

// way is a connection, or a pair of mailslots, as far as a round trip needs it.
type way interface {
	send(ctx context.Context, typ uint16, b []byte) error
	recv(ctx context.Context) (ringway.Message, error)
	Close() error
}

type connWay struct{ *ringway.Conn }

func (w connWay) send(ctx context.Context, typ uint16, b []byte) error {
	return w.SendTyped(ctx, typ, b)
}
func (w connWay) recv(ctx context.Context) (ringway.Message, error) { return w.Recv(ctx) }

type mailWay struct {
	in  *fallback.MailSlot
	out *fallback.MailClient
}

func (w mailWay) send(ctx context.Context, typ uint16, b []byte) error {
	return w.out.Send(ctx, typ, b)
}
func (w mailWay) recv(ctx context.Context) (ringway.Message, error) { return w.in.Recv(ctx) }
func (w mailWay) Close() error                                      { return errors.Join(w.in.Close(), w.out.Close()) }

// roadLead is the child that listens and measures; it starts the other one.
func roadLead(ctx context.Context, p *pipe) error {
	var o roadOrders
	if err := p.take(&o); err != nil {
		return err
	}
	// What fails while nobody else can tell is the parent's to know.
	if err := limits.Pin(o.CPU); err != nil {
		return err
	}
	w, end, err := o.meet(ctx)
	if err != nil {
		return err
	}
	defer end()
	defer w.Close()
	times, err := o.ping(ctx, w)
	if err != nil {
		return err
	}
	return p.tell(times)
}

func (o *roadOrders) options() ([]ringway.Option, error) {
	wait, err := sync.ParseStrategy(o.Wait)
	return []ringway.Option{ringway.Transports(o.Transport), ringway.Wait(wait), ringway.Dir(o.Dir)}, err
}

// meet starts the other process and makes a connection to it.
func (o *roadOrders) meet(ctx context.Context) (w way, end func(), err error) {
	opts, err := o.options()
	if err != nil {
		return nil, nil, err
	}
	follower := *o
	follower.CPU = o.Peer
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Stderr = os.Stderr
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	run := func(start func() error) error {
		text, err := json.Marshal(follower)
		if err != nil {
			return err
		}
		cmd.Env = append(os.Environ(), childEnv+"=road-follower", "RINGWAY_BENCH_ROAD="+string(text))
		// It ends with its standard input.
		if _, err := cmd.StdinPipe(); err != nil {
			return err
		}
		return start()
	}
	switch o.Transport {
	case ringway.Child:
		var c *ringway.Conn
		err = run(func() (err error) {
			c, err = ringway.StartChild(ctx, cmd, opts...)
			return err
		})
		return connWay{c}, end, err
	case ringway.Mailslot:
		lo := fallback.Options{Dir: o.Dir}
		in, err := fallback.ListenMail(o.Addr+"-lead", lo)
		if err != nil {
			return nil, nil, err
		}
		if err := run(cmd.Start); err != nil {
			return nil, nil, err
		}
		// The first message says that the other one's is there.
		if _, err := in.Recv(ctx); err != nil {
			return nil, end, err
		}
		out, err := fallback.DialMail(o.Addr+"-follower", lo)
		return mailWay{in, out}, end, err
	}
	l, err := ringway.Listen(o.Addr, opts...)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	follower.Addr = l.Addr()
	if err := run(cmd.Start); err != nil {
		return nil, nil, err
	}
	c, err := l.Accept(ctx)
	if err != nil {
		return nil, end, err
	}
	if c.Transport() != o.Transport {
		return nil, end, fmt.Errorf("%v was agreed on instead of %v", c.Transport(), o.Transport)
	}
	return connWay{c}, end, nil
}

// roadFollower is the child that sends back what comes.
func roadFollower(ctx context.Context, _ *pipe) error {
	var o roadOrders
	if err := json.Unmarshal([]byte(os.Getenv("RINGWAY_BENCH_ROAD")), &o); err != nil {
		return err
	}
	opts, err := o.options()
	if err == nil {
		err = limits.Pin(o.CPU)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var w way
	switch o.Transport {
	case ringway.Child:
		c, err := ringway.Parent(ctx, opts...)
		if err != nil {
			return err
		}
		w = connWay{c}
	case ringway.Mailslot:
		lo := fallback.Options{Dir: o.Dir}
		in, err := fallback.ListenMail(o.Addr+"-follower", lo)
		if err != nil {
			return err
		}
		out, err := fallback.DialMail(o.Addr+"-lead", lo)
		if err != nil {
			return err
		}
		w = mailWay{in, out}
		if err := w.send(ctx, 0, nil); err != nil {
			return err
		}
	default:
		c, err := ringway.Dial(ctx, o.Addr, opts...)
		if err != nil {
			return err
		}
		w = connWay{c}
	}
	defer w.Close()
	for {
		m, err := w.recv(ctx)
		if err != nil || m.Type == typeOver {
			return nil // the other one says what was wrong
		}
		if err := w.send(ctx, m.Type, m.Payload); err != nil {
			return nil
		}
	}
}

// ping measures round trips.
func (o *roadOrders) ping(ctx context.Context, w way) (*limits.Histogram, error) {
	clock := limits.Calibrate()
	times := limits.NewHistogram(clock.StepNs)
	buf := make([]byte, o.Size)
	const warm = 200
	var stop uint64
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(buf, i)
		began := clock.Now()
		if err := w.send(ctx, 1, buf); err != nil {
			return nil, err
		}
		m, err := w.recv(ctx)
		for errors.Is(err, ringway.ErrLost) {
			m, err = w.recv(ctx)
		}
		if err != nil {
			return nil, err
		}
		now := clock.Now()
		if !bytes.Equal(m.Payload, buf) {
			return nil, fmt.Errorf("round trip %d came back with another payload", i)
		}
		switch {
		case i == warm:
			stop = now + uint64(float64(o.Duration)*clock.TicksPerNs)
		case i > warm:
			times.Record(float64(clock.Ns(now - began)))
			if now > stop {
				return times, w.send(ctx, typeOver, buf)
			}
		}
	}
}

// RoadsOf has another program, shmbench built for another system, measure the
// same, and returns its system and results.
func RoadsOf(ctx context.Context, command []string, o RoadOptions) (system string, results []Result, err error) {
	args := append(append([]string{}, command[1:]...), "run", "--mode", Latency, "--transport", "all",
		"--size", fmt.Sprint(o.Size), "--duration", o.Duration.String(), "--wait", o.Wait.String(), "--json", "-")
	cmd := exec.CommandContext(ctx, command[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w\n%s", command[0], err, stderr.Bytes())
	}
	var doc Document
	if err := json.Unmarshal(out, &doc); err != nil {
		return "", nil, fmt.Errorf("%s: %w", command[0], err)
	}
	return doc.Machine.OS, doc.Results, nil
}

// WriteRoads prints the matrix of transports and systems: the median round trip,
// or in words why there is none.
func WriteRoads(w io.Writer, columns map[string][]Result) error {
	systems := make([]string, 0, len(columns))
	for s := range columns {
		systems = append(systems, s)
	}
	sort.Strings(systems)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "round trip")
	for _, s := range systems {
		fmt.Fprintf(t, "\t%s p50\tp99", s)
	}
	fmt.Fprintln(t)
	var words []string
	for _, tr := range ringway.AllTransports() {
		row, any := tr.String(), false
		for _, s := range systems {
			cell := "\t-\t-"
			for _, r := range columns[s] {
				switch {
				case r.Transport != tr.String():
				case r.Missing != "":
					any = true
					words = append(words, fmt.Sprintf("%s on %s: %s", r.Transport, s, r.Missing))
				case r.RTT != nil:
					any = true
					cell = fmt.Sprintf("\t%s\t%s", microseconds(r.RTT.P50), microseconds(r.RTT.P99))
				}
			}
			row += cell
		}
		if any {
			fmt.Fprintln(t, row)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range words {
		fmt.Fprintln(w, line)
	}
	return nil
}

func microseconds(ns int64) string { return fmt.Sprintf("%.2f µs", float64(ns)/1000) }

// ThisSystem is this system's name in the matrix.
func ThisSystem() string { return runtime.GOOS }
