// Command shmbench measures Ringway, and replays real records through it. Run
// it without arguments for the two-minute tour, or see shmbench --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/ringway/ringway/bench"
)

func main() {
	bench.Main() // the program is its own child
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "shmbench:", err)
		stop()
		os.Exit(1)
	}
}
