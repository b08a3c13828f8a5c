// Marketdata sends a day of NASDAQ ITCH 5.0 to three subscribers in processes of
// their own. Each keeps the best bid and ask of every symbol, and in the end all
// print the same. One of them is slow on purpose: it is lapped, says what it missed,
// and from then on goes by the snapshots that the publisher sends now and then.
// Nobody waits for it.
//
//	go run ./examples/marketdata             # a generated day
//	go run ./examples/marketdata feed.itch
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/feed"
)

// Types of messages in the ring.
const (
	typeITCH     = 0
	typeSnapshot = 1 // the top of one book
)

// childEnv makes the program a subscriber of the ring that it names.
const childEnv = "MARKETDATA_RING"

var (
	messages = flag.Int("messages", 300_000, "messages of the day that is generated when no file is given")
	rate     = flag.Float64("rate", 300_000, "messages a second; 0 is as fast as it goes")
	capacity = flag.Int("capacity", 2<<20, "bytes of the ring")
	slow     = flag.Bool("slow", false, "a subscriber sleeps now and then")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if ring := os.Getenv(childEnv); ring != "" {
		err = subscribe(ctx, ring, os.Stdout)
	} else {
		err = publishToThree(ctx, flag.Arg(0), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "marketdata:", err)
		os.Exit(1)
	}
}

// publishToThree starts the subscribers and publishes the file to them.
func publishToThree(ctx context.Context, path string, out io.Writer) error {
	f, err := openFeed(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the children too
	ring := fmt.Sprintf("marketdata-%d", os.Getpid())
	r, err := ringway.CreateRing(ring, ringway.Broadcast, ringway.Capacity(*capacity))
	if err != nil {
		return err
	}
	defer r.Close()
	defer ringway.RemoveRing(ring)
	var team []*exec.Cmd
	var reading sync.WaitGroup
	var printing sync.Mutex
	for _, who := range []string{"first", "second", "slow"} {
		child, lines, err := start(ctx, ring, "-slow="+fmt.Sprint(who == "slow"))
		if err != nil {
			return err
		}
		team = append(team, child)
		reading.Go(func() {
			for lines.Scan() {
				printing.Lock()
				fmt.Fprintf(out, "%-7s %s\n", who, lines.Text())
				printing.Unlock()
			}
		})
	}
	if err = publish(ctx, r, f, out, &printing); err != nil {
		cancel() // there will be no end for them to wait for
	}
	reading.Wait()
	for _, child := range team {
		if werr := child.Wait(); err == nil {
			err = werr
		}
	}
	return err
}

// start starts a subscriber and waits until it has attached.
func start(ctx context.Context, ring string, args ...string) (*exec.Cmd, *bufio.Scanner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	child := exec.CommandContext(ctx, self, args...)
	child.Env = append(os.Environ(), childEnv+"="+ring)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := child.Start(); err != nil {
		return nil, nil, err
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return nil, nil, fmt.Errorf("a subscriber didn't start: %w", child.Wait())
	}
	return child, lines, nil
}

func openFeed(path string) (*feed.Feed, error) {
	if path != "" {
		return feed.Open(path, feed.Options{Format: feed.ITCH})
	}
	var day bytes.Buffer
	if err := feed.GenerateITCH(&day, feed.GenerateOptions{Seed: 1, Messages: *messages}); err != nil {
		return nil, err
	}
	return feed.NewFeed(day.Bytes(), "generated", feed.Options{Format: feed.ITCH})
}

// publish sends every message of the feed, and the state of all books now and
// then, for those who lost the thread.
func publish(ctx context.Context, r *ringway.Ring, f *feed.Feed, out io.Writer, printing *sync.Mutex) error {
	const snapshotEvery = 50_000
	p, err := r.Publisher()
	if err != nil {
		return err
	}
	defer p.Close()
	books := newBooks()
	began := time.Now()
	sent := 0
	for m, err := range f.Records() {
		if err != nil {
			return err
		}
		if *rate > 0 && sent%64 == 0 {
			due := began.Add(time.Duration(float64(sent) / *rate * 1e9))
			time.Sleep(time.Until(due))
		}
		if err := p.SendTyped(ctx, typeITCH, m); err != nil {
			return err
		}
		books.apply(m)
		if sent++; sent%snapshotEvery == 0 {
			if err := sendSnapshot(ctx, p, books); err != nil {
				return err
			}
		}
	}
	if err := sendSnapshot(ctx, p, books); err != nil {
		return err
	}
	printing.Lock()
	fmt.Fprintf(out, "%-7s %d messages in %v\n", "sent", sent, time.Since(began).Round(time.Millisecond))
	printing.Unlock()
	return p.End()
}

func sendSnapshot(ctx context.Context, p *ringway.Publisher, books *books) error {
	for _, t := range books.tops() {
		if err := p.SendTyped(ctx, typeSnapshot, t.encode()); err != nil {
			return err
		}
	}
	return nil
}

// subscribe receives until the end of the day and prints the books.
func subscribe(ctx context.Context, ring string, out io.Writer) error {
	// It needs no right to write.
	r, err := ringway.OpenRing(ring, ringway.ReadOnly())
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := r.Subscribe(ringway.FromOldest())
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, "attached")
	books := newBooks()
	received, lapped := 0, 0
	for m, err := range s.Messages(ctx) {
		switch {
		case errors.Is(err, ringway.ErrLapped):
			// What it knows of orders is worth nothing any more.
			lapped++
			books.lost = true
			continue
		case err != nil:
			return err
		}
		if received++; *slow && received%32 == 0 {
			time.Sleep(time.Millisecond)
		}
		switch m.Type {
		case typeITCH:
			books.apply(m.Payload)
		case typeSnapshot:
			books.correct(decodeTop(m.Payload))
		}
	}
	if lapped > 0 {
		fmt.Fprintf(out, "received %d messages, missed %d, in %d pieces\n", received, s.Missed(), lapped)
	} else {
		fmt.Fprintf(out, "received %d messages, missed none\n", received)
	}
	for _, t := range books.tops() {
		fmt.Fprintln(out, t)
	}
	return nil
}
