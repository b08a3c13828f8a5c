// Command grpc runs gRPC over a ring, without a line changed in gRPC: the server
// listens on a ringway listener, and the client dials one. It starts itself as
// the server, calls a unary method as often as it can for a while, over a ring
// and then over a unix socket, and prints both rates.
//
//	cd examples/grpc && go run .
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/sync"
)

// strategy is how both sides of the ring wait.
type strategy struct{ s ringway.WaitStrategy }

func (w *strategy) String() string { return w.s.String() }
func (w *strategy) Set(name string) (err error) {
	w.s, err = sync.ParseStrategy(name)
	return err
}

var wait strategy

func main() {
	serve := flag.String("serve", "", "be the server under this name (the program starts itself so)")
	socket := flag.String("socket", "", "and at this unix socket")
	flag.Var(&wait, "wait", "how both sides wait: busy-spin, yield, adaptive, park or poll")
	duration := flag.Duration("duration", 2*time.Second, "measure each for so long")
	flag.Parse()
	var err error
	if *serve != "" {
		err = server(*serve, *socket)
	} else {
		err = client(*duration)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// server serves gRPC's own health service over a ring, and over a unix socket.
func server(name, socket string) error {
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())

	l, err := ringway.Listen(name, ringway.Wait(wait.s))
	if err != nil {
		return err
	}
	u, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go s.Serve(u)
	fmt.Println("serving")
	return s.Serve(l.NetListener()) // that's all
}

// overRing is how a client gets to a ring.
func overRing(ctx context.Context, name string) (net.Conn, error) {
	c, err := ringway.Dial(ctx, name, ringway.Wait(wait.s))
	if err != nil {
		return nil, err
	}
	return c.NetConn(), nil
}

func overUnix(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

func client(duration time.Duration) error {
	dir, err := os.MkdirTemp("", "ringway-grpc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name, socket := fmt.Sprintf("example-grpc-%d", os.Getpid()), filepath.Join(dir, "s")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-serve", name, "-socket", socket, "-wait", wait.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	if _, err := out.Read(make([]byte, 8)); err != nil {
		return fmt.Errorf("the server: %w", err)
	}
	ring, err := dial(name, overRing)
	if err != nil {
		return err
	}
	defer ring.Close()
	unix, err := dial(socket, overUnix)
	if err != nil {
		return err
	}
	defer unix.Close()
	for _, flight := range []int{1, 16} {
		if err := compare(ring, unix, flight, duration); err != nil {
			return err
		}
	}
	return nil
}

// dial returns a client, which connects with its first call.
func dial(target string, connect func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(connect))
}

// compare measures both by turns, since machines have their moods, and prints the
// medians of the rates, and of their ratios.
func compare(ring, unix *grpc.ClientConn, flight int, duration time.Duration) error {
	const turns = 11
	var rings, unixes, ratios []float64
	for range turns {
		r, err := measure(ring, flight, duration/turns)
		if err != nil {
			return fmt.Errorf("over a ring: %w", err)
		}
		u, err := measure(unix, flight, duration/turns)
		if err != nil {
			return fmt.Errorf("over a unix socket: %w", err)
		}
		rings, unixes, ratios = append(rings, r), append(unixes, u), append(ratios, r/u)
	}
	fmt.Printf("unary calls a second, %d at a time: %.0f over a ring, %.0f over a unix socket, %.2f times as many\n",
		flight, median(rings), median(unixes), median(ratios))
	return nil
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// measure returns how many calls a second there are, so many at a time.
func measure(c *grpc.ClientConn, flight int, duration time.Duration) (float64, error) {
	h := grpc_health_v1.NewHealthClient(c)
	ctx, cancel := context.WithTimeout(context.Background(), duration+time.Minute)
	defer cancel()
	results := make(chan error, flight)
	var calls atomic.Int64
	began := time.Now()
	for range flight {
		go func() {
			var err error
			for err == nil && time.Since(began) < duration {
				var r *grpc_health_v1.HealthCheckResponse
				if r, err = h.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err == nil {
					calls.Add(1)
					if r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
						err = fmt.Errorf("status %v", r.Status)
					}
				}
			}
			results <- err
		}()
	}
	var err error
	for range flight {
		err = errors.Join(err, <-results)
	}
	return float64(calls.Load()) / time.Since(began).Seconds(), err
}
