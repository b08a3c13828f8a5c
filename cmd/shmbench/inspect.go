package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// frame is a frame as it is printed.
type frame struct {
	Position uint64 `json:"position"`
	Offset   uint64 `json:"offset"`
	Size     uint64 `json:"size_bytes"`
	State    string `json:"state"`
	Owner    *int   `json:"slot,omitempty"` // of the participant that has it
	Times    int    `json:"given_back,omitempty"`
	Type     uint16 `json:"type"`
	Len      uint64 `json:"length"`
	Payload  []byte `json:"payload,omitempty"` // in JSON base64; perhaps not all of it
	Skipped  uint64 `json:"skipped_bytes,omitempty"`
	About    uint64 `json:"skipped_messages,omitempty"` // about so many messages those were
	Sequence uint64 `json:"sequence,omitempty"`
	Missed   uint64 `json:"missed_messages,omitempty"`
}

func frameOf(f ring.Frame) frame {
	g := frame{Position: f.Position, Offset: f.Offset, Size: f.Size, State: f.State.String(), Times: f.Times, Type: f.Type,
		Len: f.Len, Payload: f.Payload, Skipped: f.Skipped, Sequence: f.Sequence, Missed: f.Missed}
	if f.Owner >= 0 {
		g.Owner = &f.Owner
	}
	return g
}

// head is the frame's line.
func (f frame) head() string {
	text := fmt.Sprintf("%#x  type %d  %d bytes  %s", f.Position, f.Type, f.Len, f.State)
	if f.Sequence > 0 {
		text += fmt.Sprintf("  number %d", f.Sequence)
	}
	if f.Owner != nil {
		text += fmt.Sprintf(" by slot %d", *f.Owner)
	}
	if f.Times > 0 {
		text += fmt.Sprintf(", given back %d times", f.Times)
	}
	return text
}

func inspectCommand() *cobra.Command {
	var (
		dir, jsonTo   string
		frames, bytes int
	)
	cmd := &cobra.Command{
		Use:   "inspect NAME",
		Short: "Show all there is to know of a section, alive or dead, frame by frame",
		Long: `inspect shows a section's descriptor, its positions, its participants and what
they have counted, and the frames that wait in the ring, with their bytes. The
section may belong to running programs or to dead ones; it is mapped read-only
and no byte is changed. Of one that is damaged it shows the beginning.`,
		Example: `  shmbench inspect ticks
  shmbench inspect ticks --frames 100 --bytes 64
  shmbench inspect ticks --json -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if frames < 0 || bytes < 0 {
				return errors.New("--frames and --bytes can't be negative")
			}
			v, err := inspect.Open(args[0], dir)
			if err != nil {
				return errors.Join(peek(cmd, args[0], dir, jsonTo, bytes), err)
			}
			defer v.Close()
			doc := struct {
				inspect.Section
				Frames      []frame `json:"frames,omitempty"`
				FramesError string  `json:"frames_error,omitempty"`
			}{Section: v.Section()}
			if doc.Object == nil {
				if doc.Frames, err = readFrames(v, frames, bytes); err != nil {
					doc.FramesError = err.Error()
				}
			}
			return emit(cmd, jsonTo, doc, func(w io.Writer) error {
				if err := writeSection(w, &doc.Section); err != nil {
					return err
				}
				return writeFrames(w, doc.Frames, doc.FramesError, frames)
			})
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&frames, "frames", 20, "show so many frames, the oldest first")
	flags.IntVar(&bytes, "bytes", 256, "show so many bytes of each payload")
	dirFlag(cmd, &dir)
	jsonFlag(cmd, &jsonTo)
	return cmd
}

// peek shows the beginning of a section that can't be opened, as far as it may
// be read.
func peek(cmd *cobra.Command, name, dir, jsonTo string, most int) error {
	start, size, err := shm.Peek(name, dir)
	if err != nil {
		return nil // which says no more than why it can't be opened
	}
	start = start[:min(len(start), most)]
	return emit(cmd, jsonTo, struct {
		inspect.Section
		Start []byte `json:"start"` // base64
	}{inspect.Look(name, dir), start}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "section %s can't be opened; it has %d bytes and begins with\n%s\n", inspect.Printable(name, 0), size, hex.Dump(start))
		return err
	})
}

// readFrames reads up to n frames. The error is that of a ring that can't be
// read on.
func readFrames(v *inspect.View, n, bytes int) (frames []frame, err error) {
	o, err := v.Frames()
	if err != nil {
		return nil, err
	}
	o.Claims, o.MaxPayload = true, bytes
	for len(frames) < n {
		f, err := o.Next(nil)
		if v.Faulted() {
			return frames, errors.New("the section was truncated")
		}
		if err == ring.ErrEmpty || err == io.EOF {
			break
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, frameOf(f))
	}
	return frames, nil
}

func writeSection(w io.Writer, s *inspect.Section) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, a...)) }
	row("section", "%s", inspect.Printable(s.Name, 0))
	row("status", "%s", s.Status)
	if s.Error != "" {
		row("", "%s", s.Error)
	}
	row("kind", "%s", s.Kind)
	row("size", "%s", size(uint64(s.Size)))
	row("created", "%s by process %d", moment(s.Created), s.CreatorPID)
	row("region", "%s", s.Region)
	if s.Capacity > 0 {
		row("capacity", "%s", size(s.Capacity))
	}
	if s.CellSize > 0 {
		row("cells", "%s", size(s.CellSize))
	}
	if s.Object != nil {
		row("state", "%s", objectCount(s.Object))
		row("waiters", "%s; those that died at it are among them", objectWaiters(s.Object))
		return t.Flush()
	}
	row("checksums", "%t", s.Checksums)
	row("head, tail", "%#x, %#x", s.Ring.Head, s.Ring.Tail)
	if waits(s) {
		row("depth", "%s", depth(s))
	} else {
		row("lag", "%s", depth(s))
	}
	row("moved", "%s", size(s.Ring.Moved))
	if s.Ring.Dropped > 0 {
		row("dropped", "%d messages", s.Ring.Dropped)
	}
	if s.Ring.Sequence > 0 {
		row("next number", "%d", s.Ring.Sequence)
		row("lossless", "%t, %d subscribers evicted", s.Lossless, s.Counts[ring.Evictions])
	}
	if s.SampleEvery > 0 {
		row("one way", "%v, one of %d", s.OneWay, s.SampleEvery)
		row("awake", "%v", s.WakeUp)
	}
	row("participants", "%d of %d", len(s.Participants), s.Slots)
	writeCounts(t, "all, ever", s.Counts)
	for _, p := range s.Participants {
		row(fmt.Sprintf("slot %d", p.Slot), "%s, process %d, %s%s%s", p.Role, p.PID, p.State, since(&p), behind(&p))
		writeCounts(t, "", p.Counts)
	}
	return t.Flush()
}

// writeCounts writes the counters that are not zero, a row each.
func writeCounts(w io.Writer, title string, c inspect.Counts) {
	for k, n := range c {
		if n != 0 {
			fmt.Fprintf(w, "%s\t%d %s\n", title, n, ring.Counter(k))
			title = ""
		}
	}
}

func writeFrames(w io.Writer, frames []frame, problem string, most int) error {
	for _, f := range frames {
		fmt.Fprintf(w, "\n%s\n%s", f.head(), hex.Dump(f.Payload))
		if n := f.Len - uint64(len(f.Payload)); n > 0 && f.Payload != nil {
			fmt.Fprintf(w, "… %d bytes more\n", n)
		}
	}
	var err error
	switch {
	case problem != "":
		_, err = fmt.Fprintln(w, "\n"+problem)
	case len(frames) == most:
		_, err = fmt.Fprintf(w, "\n%d frames shown; --frames shows more\n", most)
	}
	return err
}
