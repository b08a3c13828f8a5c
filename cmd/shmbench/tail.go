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
come, until the ring's end, or until it is interrupted. A queue's consumers may
be faster than tail; it then says how many bytes went by unseen.`,
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

// pollEvery is how often tail looks for new messages.
const pollEvery = 5 * time.Millisecond

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
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	buf := make([]byte, 0, opts.bytes)
	gone := false
	for {
		f, err := o.Next(buf)
		if v.Faulted() {
			return errors.New("the section was truncated")
		}
		switch {
		case err == io.EOF || err == ring.ErrEmpty && (!opts.follow || gone):
			return nil
		case err == ring.ErrEmpty:
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
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
		default:
			if err := opts.show(frameOf(f)); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

func writeLine(w io.Writer, f frame) error {
	if f.Skipped > 0 {
		fmt.Fprintf(w, "… %d bytes of the ring went by unseen\n", f.Skipped)
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
