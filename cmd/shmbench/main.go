// Command shmbench measures Ringway, and replays real records through it. Run
// it without arguments for the two-minute tour, or see shmbench --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ringway/ringway/bench"
)

// exitInterrupted is the status after Ctrl-C, as shells have it, and after being
// told to end.
const exitInterrupted = 130

func main() {
	bench.Main() // the program is its own child
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
	case interrupted:
		fmt.Fprintln(os.Stderr, "shmbench: interrupted")
		os.Exit(exitInterrupted)
	default:
		fmt.Fprintln(os.Stderr, "shmbench:", err)
		os.Exit(1)
	}
}
