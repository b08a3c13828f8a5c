package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/metrics"
)

func serveCommand() *cobra.Command {
	var (
		listen, dir string
		limit       int
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the figures of all rings of this machine to Prometheus",
		Long: `serve answers Prometheus: at /metrics it shows all sections of the machine, as
ls does, with what their participants have counted. The programs that use the
rings need not know of it, and may be hung or dead. It maps sections read-only,
and on Linux never takes a processor away from those it watches when it wakes up:
it waits some milliseconds for one when all are busy.

The rings of other users can't be seen: run one for each user.`,
		Example: `  shmbench serve
  shmbench serve --listen 127.0.0.1:9464
  curl -s http://127.0.0.1:9464/metrics | grep ringway_ring_depth_bytes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return errors.New("--limit must be at least 1")
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			_ = limits.GiveWay() // where there is such a thing
			fmt.Fprintf(cmd.OutOrStdout(), "serving http://%s/metrics\n", l.Addr())
			return serve(cmd.Context(), l, metrics.Handler(metrics.NewMachine(dir, limit)))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:9464", "answer at this `ADDRESS`; there is no access control, so think before you open it to others")
	flags.IntVar(&limit, "limit", metrics.DefaultLimit, "report so many rings at most, the oldest first")
	dirFlag(cmd, &dir)
	return cmd
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "shmbench: the figures are at /metrics")
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 5 * time.Minute}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(last)
	})
	err := s.Serve(l)
	if !stop() {
		<-done // the last answers are out
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
