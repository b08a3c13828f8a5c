package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// Whatever these commands print of a section somebody else has written:
// everything that is text goes through inspect.Printable.

func lsCommand() *cobra.Command {
	var dir, jsonTo string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the sections of this machine, and who is attached to them",
		Long: `ls lists every section: its kind, the ring's capacity and what waits in it, how
many messages went in and out since it was created, and who is attached since
when, alive or dead. Of a broadcast ring that waits for nobody, DEPTH is how many
messages the subscriber furthest behind has not received. Of events and
semaphores it shows their state and how many wait; who has them open isn't written
anywhere. Sections that are damaged, of another user, or no sections at all are
listed with the reason. It maps them read-only and changes no byte.

Not listed are the rings of connections, which have no names and are gone with
the last of their two programs, and broadcast subscribers that are read-only, which
write nothing: their own programs can show them to Prometheus, with package
metrics.`,
		Example: `  shmbench ls
  shmbench ls --json -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := inspect.All(dir)
			if err != nil {
				return err
			}
			return emit(cmd, jsonTo, struct {
				Sections []inspect.Section `json:"sections"`
			}{all}, func(w io.Writer) error { return writeList(w, all) })
		},
	}
	dirFlag(cmd, &dir)
	jsonFlag(cmd, &jsonTo)
	return cmd
}

// dirFlag adds --dir.
func dirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "look into this `DIRECTORY` for sections that are files, instead of the system's place for shared memory")
}

const nameWidth = 60 // of a name in a table

func writeList(w io.Writer, all []inspect.Section) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no sections")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tKIND\tCAPACITY\tDEPTH\tSENT\tRECEIVED\tCREATED\tATTACHED")
	for i := range all {
		s := &all[i]
		name := inspect.Printable(s.Name, nameWidth)
		if s.Status != inspect.Good {
			fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\t%s\n", name, s.Status, s.Error)
			continue
		}
		if s.Object != nil {
			fmt.Fprintf(t, "%s\t%s\t\t%s\t\t\t%s\t%s\n", name, s.Kind, objectCount(s.Object), moment(s.Created), objectWaiters(s.Object))
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", name, s.Kind, size(s.Capacity), depth(s),
			s.Counts[ring.SentMessages], s.Counts[ring.ReceivedMessages], moment(s.Created), attached(s))
	}
	return t.Flush()
}

// waits reports whether a ring's senders wait for its receivers.
func waits(s *inspect.Section) bool { return s.Kind != ring.Broadcast.String() || s.Lossless }

// depth says what waits in a ring: bytes, or, where nobody is waited for, how many
// messages the subscriber furthest behind has not received, if that is known.
func depth(s *inspect.Section) string {
	text := size(s.Ring.Depth)
	if !waits(s) {
		text = "-"
		if lag, ok := s.Lag(); ok {
			text = fmt.Sprintf("%d msgs", lag)
		}
	}
	if s.Ring.Ended {
		text += ", ended"
	}
	return text
}

// objectCount says whether an event is set, or what a semaphore has.
func objectCount(o *sync.ObjectState) string {
	switch {
	case o.Kind == "semaphore":
		return fmt.Sprintf("%d of %d", o.Count, o.Most)
	case o.Count != 0:
		return "set"
	}
	return "not set"
}

// objectWaiters says who waits for an event or a semaphore, of which nothing but
// the number is known.
func objectWaiters(o *sync.ObjectState) string {
	reset := ""
	if o.Manual {
		reset = "manual reset; "
	} else if o.Kind == "event" {
		reset = "reset by a wait; "
	}
	return fmt.Sprintf("%s%d wait", reset, o.Waiters)
}

// attached says who is attached to a section.
func attached(s *inspect.Section) string {
	const most = 4
	var who []string
	for i, p := range s.Participants {
		if i == most {
			who = append(who, fmt.Sprintf("and %d more", len(s.Participants)-most))
			break
		}
		who = append(who, fmt.Sprintf("%s %d %s%s%s", p.Role, p.PID, p.State, since(&p), behind(&p)))
	}
	if len(who) == 0 {
		return "nobody"
	}
	return strings.Join(who, "; ")
}

// since says when a participant attached. When a dead one died isn't written
// anywhere.
func since(p *inspect.Participant) string {
	if p.State == shm.Alive.String() {
		return " since " + moment(p.Since)
	}
	return ", had attached at " + moment(p.Since)
}

// behind says how far a subscriber is behind, if it is and that is known.
func behind(p *inspect.Participant) string {
	if p.Lag == nil || *p.Lag == 0 {
		return ""
	}
	return fmt.Sprintf(", %d messages behind", *p.Lag)
}

// moment is a time as people read it: without the date if that is today.
func moment(t time.Time) string {
	if now := time.Now(); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// size is a number of bytes as people read it.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f /= 1024
		u++
	}
	if u == 0 || f == float64(int(f)) {
		return fmt.Sprintf("%.0f %s", f, units[u])
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}
