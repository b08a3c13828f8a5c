package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/shm"
)

// removal is what became of a section that was to be removed.
type removal struct {
	Name    string `json:"name"`
	Removed bool   `json:"removed"`
	Reason  string `json:"reason,omitempty"` // why not
}

type removals struct {
	Sections []removal `json:"sections"`
	Remains  int       `json:"remains"` // files of dead programs that are no sections

	// Idle are rings that --stale left: nobody is attached, and nobody died.
	Idle []string `json:"idle,omitempty"`
}

func rmCommand() *cobra.Command {
	var (
		dir, jsonTo  string
		stale, force bool
	)
	cmd := &cobra.Command{
		Use:   "rm [NAME …]",
		Short: "Remove sections that nobody uses, or all that dead programs left",
		Long: `rm takes the names of sections away and gives their memory back. It refuses
while a participant lives, and, without --force, when that can't be known: of a
damaged section, or of an event or a semaphore. With --stale it removes every
section in which somebody died and nobody lives, and files that dead programs
left beside sections.

Rings that all have left in good order, or that nobody was ever attached to, stay
with --stale, and are named. They may be waiting for the next: whoever created
one may have made it for others, and that he is dead proves nothing. If you know
better, name them. Who has a ring open and takes no part in it is not seen by rm,
and goes on undisturbed.`,
		Example: `  shmbench rm ticks
  shmbench rm --stale`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if stale == (len(names) > 0) || stale && force {
				return errors.New("rm takes names, or --stale alone")
			}
			var doc removals
			var err error
			if stale {
				names, doc.Idle, err = staleOnes(dir)
			}
			if err == nil {
				doc.Sections, err = remove(names, dir, stale, force)
			}
			if stale {
				var cleanErr error
				doc.Remains, cleanErr = shm.Clean(dir)
				err = errors.Join(err, cleanErr)
			}
			return errors.Join(emit(cmd, jsonTo, doc, doc.write), err)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&stale, "stale", false, "remove all sections that dead programs left")
	flags.BoolVar(&force, "force", false, "also remove what can't be looked into; never what living programs use")
	dirFlag(cmd, &dir)
	jsonFlag(cmd, &jsonTo)
	return cmd
}

// staleOnes returns the sections that dead programs left, and the rings that
// nobody is attached to for other reasons.
func staleOnes(dir string) (names, idle []string, err error) {
	all, err := inspect.All(dir)
	for _, s := range all {
		switch {
		case s.Stale():
			names = append(names, s.Name)
		case s.IsRing() && len(s.Participants) == 0:
			idle = append(idle, s.Name)
		}
	}
	return names, idle, err
}

// remove removes sections. It goes on after one that stays, and then returns an
// error.
func remove(names []string, dir string, stale, force bool) (done []removal, err error) {
	for _, name := range names {
		r := removal{Name: name}
		if why := removeOne(name, dir, stale, force); why != nil {
			r.Reason = why.Error()
			err = errors.New("not everything was removed")
		} else {
			r.Removed = true
		}
		done = append(done, r)
	}
	return done, err
}

func removeOne(name, dir string, stale, force bool) error {
	v, err := inspect.Open(name, dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || !force {
			return err
		}
		return shm.Remove(name, dir)
	}
	defer v.Close()
	s := v.Section()
	switch {
	case s.Living() > 0:
		return fmt.Errorf("section %s is in use: %s", inspect.Printable(name, nameWidth), attached(&s))
	case stale && !s.Stale():
		return fmt.Errorf("section %s is not stale any more", inspect.Printable(name, nameWidth))
	case s.Object != nil && !force:
		return fmt.Errorf("section %s (%s, %s): who has it open can't be known; --force removes it", inspect.Printable(name, nameWidth),
			s.Kind, objectWaiters(s.Object))
	case s.Status != inspect.Good && !force && s.Dead() == 0:
		return fmt.Errorf("section %s: %s; --force removes it", inspect.Printable(name, nameWidth), s.Error)
	}
	// Not one of the same name that was created meanwhile.
	if same, err := v.SameName(); err != nil || !same {
		return errors.Join(err, os.ErrNotExist)
	}
	return shm.Remove(name, dir)
}

// write writes what was removed, for people.
func (d removals) write(w io.Writer) (err error) {
	if len(d.Sections) == 0 && d.Remains == 0 {
		_, err = fmt.Fprintln(w, "nothing to remove")
	}
	for _, r := range d.Sections {
		if r.Removed {
			_, err = fmt.Fprintf(w, "removed %s\n", inspect.Printable(r.Name, nameWidth))
		} else {
			_, err = fmt.Fprintln(w, r.Reason)
		}
	}
	const most = 10
	for i, name := range d.Idle {
		if i == most {
			_, err = fmt.Fprintf(w, "kept %d more\n", len(d.Idle)-most)
			break
		}
		_, err = fmt.Fprintf(w, "kept %s: nobody is attached, and nobody died\n", inspect.Printable(name, nameWidth))
	}
	if d.Remains > 0 {
		_, err = fmt.Fprintf(w, "removed %d files that dead programs left\n", d.Remains)
	}
	return err
}
