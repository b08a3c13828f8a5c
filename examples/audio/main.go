// Audio streams a WAV file to another process in real time, 64 frames at a time, as
// a sound card would take them. The other process counts the periods that came too
// late to be played, and writes what it received: an identical file. The ring is
// lossless, so others could listen in, read-only, without being waited for.
//
//	go run ./examples/audio                        # two seconds of two tones
//	go run ./examples/audio song.wav copy.wav
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/feed"
)

// Types of messages in the ring.
const (
	typePeriod = 0 // samples
	typeOther  = 1 // the parts of the file before and behind them
	typeFormat = 2 // how long a period takes, in ns
)

// childEnv makes the program the receiver of the ring that it names.
const childEnv = "AUDIO_RING"

const frames = 64 // of a period

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if ring := os.Getenv(childEnv); ring != "" {
		err = receive(ctx, ring, flag.Arg(0), os.Stdout)
	} else {
		err = stream(ctx, flag.Arg(0), flag.Arg(1), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "audio:", err)
		os.Exit(1)
	}
}

// stream starts the receiver, sends it the file in real time, and compares what
// it wrote.
func stream(ctx context.Context, from, to string, out io.Writer) error {
	file, name := tones(2), "two tones"
	if from != "" {
		var err error
		if file, err = os.ReadFile(from); err != nil {
			return err
		}
		name = from
	}
	if to == "" {
		dir, err := os.MkdirTemp("", "audio")
		if err != nil {
			return err
		}
		to = filepath.Join(dir, "copy.wav")
		defer os.Remove(dir)
		defer os.Remove(to)
	}
	ring := fmt.Sprintf("audio-%d", os.Getpid())
	r, err := ringway.CreateRing(ring, ringway.Broadcast, ringway.Lossless(), ringway.Capacity(256<<10))
	if err != nil {
		return err
	}
	defer r.Close()
	defer ringway.RemoveRing(ring)
	p, err := r.Publisher()
	if err != nil {
		return err
	}
	defer p.Close()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the child too
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, self, to)
	child.Env = append(os.Environ(), childEnv+"="+ring)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	// The first period sets the receiver's clock: it has to be there by then.
	said := bufio.NewReader(stdout)
	if line, err := said.ReadString('\n'); err != nil {
		return fmt.Errorf("the receiver says %q: %w", line, errors.Join(err, child.Wait()))
	}
	if err = send(ctx, p, file, name, out); err != nil {
		cancel()
	}
	_, _ = said.WriteTo(out)
	if werr := child.Wait(); err == nil {
		err = werr
	}
	if err != nil {
		return err
	}
	copied, err := os.ReadFile(to)
	if err != nil {
		return err
	}
	if !bytes.Equal(copied, file) {
		return errors.New("what was received differs from what was sent")
	}
	fmt.Fprintf(out, "%d bytes sent, %s is identical\n", len(file), to)
	return nil
}

// send sends the samples of a WAV file in real time, and all else that is in it.
func send(ctx context.Context, p *ringway.Publisher, file []byte, name string, out io.Writer) error {
	f, err := feed.NewFeed(file, name, feed.Options{Format: feed.WAV, Period: frames})
	if err != nil {
		return err
	}
	period, err := periodOf(f.Header())
	if err != nil {
		return err
	}
	count, size, _, err := f.Count()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "sending %s: %d periods of %d frames, %v each\n", name, count, frames, period)
	if err := p.SendTyped(ctx, typeFormat, binary.LittleEndian.AppendUint64(nil, uint64(period))); err != nil {
		return err
	}
	if err := sendPieces(ctx, p, f.Header()); err != nil {
		return err
	}
	began := time.Now()
	n := 0
	for samples, err := range f.Records() {
		if err != nil {
			return err
		}
		// The schedule counts from the beginning: what is late once is not
		// late for ever.
		time.Sleep(time.Until(began.Add(time.Duration(n) * period)))
		if err := p.SendTyped(ctx, typePeriod, samples); err != nil {
			return err
		}
		n++
	}
	if err := sendPieces(ctx, p, file[len(f.Header())+int(size):]); err != nil {
		return err
	}
	return p.End()
}

// sendPieces sends what may be longer than a message.
func sendPieces(ctx context.Context, p *ringway.Publisher, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), 32<<10)
		if err := p.SendTyped(ctx, typeOther, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// periodOf returns how long a period takes, by the format that a WAV header
// gives.
func periodOf(header []byte) (time.Duration, error) {
	for at := 12; at+8 <= len(header); {
		size := int(binary.LittleEndian.Uint32(header[at+4:]))
		if string(header[at:at+4]) == "fmt " && at+16 <= len(header) {
			if rate := binary.LittleEndian.Uint32(header[at+12:]); rate > 0 {
				return frames * time.Second / time.Duration(rate), nil
			}
			break
		}
		at += 8 + size + size%2
	}
	return 0, errors.New("the file doesn't say how many samples a second it has")
}

// receive writes what it receives to a file, and says which periods came late.
// The first period sets the clock. Period n is late if it is not there when n-1
// has been played, which begins a period after it came.
func receive(ctx context.Context, ring, to string, out io.Writer) error {
	r, err := ringway.OpenRing(ring)
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
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	defer file.Close()
	// How long the disk takes is no business of the clock's.
	copied := bufio.NewWriterSize(file, 1<<20)
	var began time.Time
	var period, worst time.Duration
	n, late := 0, 0
	for m, err := range s.Messages(ctx) {
		if err != nil {
			return err
		}
		switch m.Type {
		case typeFormat:
			period = time.Duration(binary.LittleEndian.Uint64(m.Payload))
			continue
		case typePeriod:
			now := time.Now()
			if n == 0 {
				began = now
			}
			after := now.Sub(began.Add(time.Duration(n) * period))
			if worst = max(worst, after); after > period {
				late++
			}
			n++
		}
		if _, err := copied.Write(m.Payload); err != nil {
			return err
		}
	}
	if err := copied.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "received %d periods, %d late; the latest came %v after its time\n", n, late, worst.Round(time.Microsecond))
	return file.Close()
}

// tones returns so many seconds of 440 and 660 Hz, as a WAV file in stereo of 16
// bits and 48 kHz.
func tones(seconds float64) []byte {
	const rate, channels = 48_000, 2
	count := int(seconds * rate)
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+4*count))...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, rate*channels*2)
	b = le.AppendUint16(b, channels*2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(4*count))
	for i := range count {
		for _, hz := range []float64{440, 660} {
			v := 8000 * math.Sin(2*math.Pi*hz*float64(i)/rate)
			b = le.AppendUint16(b, uint16(int16(v)))
		}
	}
	return b
}
