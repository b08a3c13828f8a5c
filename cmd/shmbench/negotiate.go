package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
)

func negotiateCommand() *cobra.Command {
	var (
		r          fallback.Requirements
		explain    bool
		transports string
		dir        string
		times      int
	)
	cmd := &cobra.Command{
		Use:   "negotiate [ADDRESS]",
		Short: "Make a connection and say what both sides agreed on, and why",
		Long: `negotiate dials an address, or without one a listener of its own, and says what
both sides agreed on, what was tried before, who is on the other side, and how
long it took.

With --explain it first says of each transport what speaks for it or against it,
given the flags that describe what the connection is for.`,
		Example: `  # what two programs of this machine would use
  shmbench negotiate --explain

  # what there is for a Linux and a Wine program
  shmbench negotiate --explain --wine

  # a listener of your own, without shared memory
  shmbench negotiate orders --transport unix`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			var opts []ringway.Option
			if transports != "" {
				ts, err := parseTransports(transports)
				if err != nil {
					return err
				}
				r.Allowed, opts = ts, append(opts, ringway.Transports(ts...))
			}
			if dir != "" {
				opts = append(opts, ringway.Dir(dir))
			}
			addr := fmt.Sprintf("shmbench-%d", os.Getpid())
			if explain {
				choice := fallback.Choose(r)
				fmt.Fprint(w, choice)
				fmt.Fprintln(w)
				if len(args) == 0 && (len(choice.Transports) == 0 || !overName(choice.Transports[0])) {
					return nil // nothing that could be tried with a name
				}
			}
			if len(args) > 0 {
				addr = args[0]
			} else {
				l, err := ringway.Listen(addr, opts...)
				if err != nil {
					return err
				}
				defer l.Close()
				go acceptAll(cmd.Context(), l)
			}
			return negotiate(cmd.Context(), w, addr, times, opts)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&explain, "explain", false, "say of each transport what speaks for or against it")
	flags.StringVar(&transports, "transport", "", "only these `TRANSPORTS`, with commas between, in order of preference")
	flags.StringVar(&dir, "dir", "", "the directory of names")
	flags.IntVar(&times, "times", 100, "make so many connections, to say how long one takes")
	flags.BoolVar(&r.Network, "network", false, "explain: the other side may be on another machine")
	flags.BoolVar(&r.Wine, "wine", false, "explain: one side is a Windows program under Wine")
	flags.BoolVar(&r.OtherUser, "other-user", false, "explain: the two sides are different users")
	flags.BoolVar(&r.Child, "child", false, "explain: the other side is started by this one")
	flags.BoolVar(&r.Foreign, "foreign", false, "explain: the other side can only open files or sockets")
	flags.BoolVar(&r.Unknown, "unknown", false, "explain: the partner is to be found")
	flags.BoolVar(&r.OneWay, "one-way", false, "explain: nothing comes back")
	flags.BoolVar(&r.ManySenders, "many-senders", false, "explain: many send to one, without connections")
	flags.BoolVar(&r.Lossy, "lossy", false, "explain: better lost than late")
	flags.IntVar(&r.MessageBytes, "size", 0, "explain: `BYTES` of the largest message")
	return cmd
}

// overName reports whether a transport can be had over a name.
func overName(t ringway.Transport) bool {
	return t == ringway.SharedMemory || t == ringway.Unix || t == ringway.Pipe
}

// acceptAll accepts connections and waits for their ends.
func acceptAll(ctx context.Context, l *ringway.Listener) {
	for {
		c, err := l.Accept(ctx)
		if err != nil {
			return
		}
		go func() {
			_, _ = c.Recv(ctx)
			_ = c.Close()
		}()
	}
}

func negotiate(ctx context.Context, w io.Writer, addr string, times int, opts []ringway.Option) error {
	var took []time.Duration
	for i := range max(times, 1) {
		began := time.Now()
		c, err := ringway.Dial(ctx, addr, opts...)
		if err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if i == 0 {
			for _, step := range c.Trail() {
				fmt.Fprintf(w, "tried     %v\n", step)
			}
			fmt.Fprintf(w, "agreed    %v\npeer      %v\nmessages  up to %d bytes\n", c.Transport(), c.PeerIdentity(), c.MaxMessage())
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	slices.Sort(took)
	_, err := fmt.Fprintf(w, "took      p50 %v, p99 %v of %d\n", took[len(took)/2], took[len(took)*99/100], len(took))
	return err
}
