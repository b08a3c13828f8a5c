package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

func tailCommand() *cobra.Command {
	var (
		dir    string
		asJSON bool
		o      tailOptions
	)
	cmd := &cobra.Command{
		Use:   "tail NAME",
		Short: "Show the messages of a ring without consuming them",
		Long: `tail shows the messages that lie in a ring, a line each, and takes none of them:
its consumers get them all the same. With --follow it goes on with those that
come, until the ring's end, or until it is interrupted.

Nobody waits for tail. A queue's consumers release messages that it has not seen
yet: it looks every 50 µs while messages come, less often when none do, and then
says how many bytes of the ring went by, exactly, and how many messages that were,
by the mean size of those that went through meanwhile. Of a broadcast ring, where
messages are numbered, it says exactly how many were overwritten.`,
		Example: `  shmbench tail ticks
  shmbench tail ticks --follow --json | jq .type`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := inspect.Open(args[0], dir)
			if err != nil {
				return err
			}
			defer v.Close()
			w := cmd.OutOrStdout()
			o.show = func(f frame) error { return writeLine(w, f) }
			if asJSON {
				e := json.NewEncoder(w)
				o.show = func(f frame) error { return e.Encode(f) }
			}
			return tail(cmd, v, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on with the messages to come")
	flags.IntVar(&o.bytes, "bytes", 120, "show so many bytes of each payload")
	flags.BoolVar(&asJSON, "json", false, "print a JSON object for each message; the payload is in base64")
	dirFlag(cmd, &dir)
	return cmd
}

type tailOptions struct {
	follow bool
	bytes  int
	show   func(frame) error
}

// How long tail sleeps between two looks for new messages: at first so long, and
// twice that each time nothing has come, up to the longest.
const (
	shortestNap = 50 * time.Microsecond
	longestNap  = 5 * time.Millisecond
)

func tail(cmd *cobra.Command, v *inspect.View, opts tailOptions) error {
	if opts.bytes < 0 {
		return errors.New("--bytes can't be negative")
	}
	o, err := v.Frames()
	if err != nil {
		return err
	}
	o.MaxPayload = opts.bytes
	ctx := cmd.Context()
	wake := time.NewTimer(0)
	defer wake.Stop()
	buf := make([]byte, 0, opts.bytes)
	sizes := frameSizes{view: v}
	nap, gone := shortestNap, false
	for {
		f, err := o.Next(buf)
		if v.Faulted() {
			return errors.New("the section was truncated")
		}
		switch {
		case err == io.EOF || err == ring.ErrEmpty && (!opts.follow || gone):
			return nil
		case err == ring.ErrEmpty:
			wake.Reset(nap)
			select {
			case <-ctx.Done():
				return nil
			case <-wake.C:
			}
			if nap = min(2*nap, longestNap); nap < longestNap {
				continue
			}
			// Who has it open may go on with it for long, but most often
			// that is the end.
			same, err := v.SameName()
			if err != nil {
				return err
			}
			gone = !same
		case err != nil:
			return err
		case f.State == ring.FramePadding:
			sizes.skipped += f.Skipped
		default:
			nap = shortestNap
			line := frameOf(f)
			line.Skipped += sizes.skipped
			line.About, sizes.skipped = sizes.messages(line.Skipped), 0
			if err := opts.show(line); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

// frameSizes knows how many messages about so many bytes of a queue were: by what
// went through it, and was counted, since it was asked last. If all are of one size
// that is exact, but for those that were sent and not yet counted, or the other way
// round.
type frameSizes struct {
	view        *inspect.View
	moved, sent uint64
	skipped     uint64 // right before padding, which isn't shown
}

func (s *frameSizes) messages(bytes uint64) uint64 {
	if bytes == 0 {
		return 0
	}
	now := s.view.Section()
	moved, sent := now.Ring.Moved, now.Counts[ring.SentMessages]
	grown, counted := moved-s.moved, sent-s.sent
	s.moved, s.sent = moved, sent
	if int64(grown) <= 0 || int64(counted) <= 0 { // nonsense, or nothing
		return 0
	}
	return uint64(float64(bytes)/float64(grown)*float64(counted) + 0.5)
}

func writeLine(w io.Writer, f frame) error {
	if f.Skipped > 0 {
		fmt.Fprintf(w, "… about %d messages (%d bytes of the ring) were consumed unseen\n", f.About, f.Skipped)
	}
	if f.Missed > 0 {
		fmt.Fprintf(w, "… %d messages were overwritten unseen\n", f.Missed)
	}
	more := ""
	if f.Len > uint64(len(f.Payload)) {
		more = "…"
	}
	_, err := fmt.Fprintf(w, "%s  %s%s\n", f.head(), inspect.Printable(string(f.Payload), 0), more)
	return err
}
