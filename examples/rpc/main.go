// Command rpc runs net/rpc and net/http over rings, without a line changed in
// either: a listener and connections of ringway are a net.Listener and net.Conns.
// It starts itself as the server.
//
//	go run ./examples/rpc
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"os/exec"
	"strings"

	"github.com/ringway/ringway"
)

// Words is what net/rpc serves.
type Words struct{}

// Upper answers with capitals.
func (Words) Upper(in string, out *string) error {
	*out = strings.ToUpper(in)
	return nil
}

func main() {
	var err error
	if len(os.Args) == 2 {
		err = server(os.Args[1])
	} else {
		err = client(fmt.Sprintf("example-rpc-%d", os.Getpid()))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func server(name string) error {
	calls, err := ringway.Listen(name)
	if err != nil {
		return err
	}
	pages, err := ringway.Listen(name + "-http")
	if err != nil {
		return err
	}
	if err := rpc.Register(Words{}); err != nil {
		return err
	}
	go rpc.Accept(calls.NetListener())
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "you asked for %s\n", r.URL.Path) })
	go http.Serve(pages.NetListener(), nil)
	fmt.Println("serving")
	_, err = io.Copy(io.Discard, os.Stdin) // until the client is gone
	return err
}

// dial is all that the client's side takes.
func dial(ctx context.Context, name string) (net.Conn, error) {
	c, err := ringway.Dial(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.NetConn(), nil
}

func client(name string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(), cmd.Wait()) }()
	if _, err := out.Read(make([]byte, 8)); err != nil {
		return fmt.Errorf("the server: %w", err)
	}

	c, err := dial(context.Background(), name)
	if err != nil {
		return err
	}
	r := rpc.NewClient(c)
	defer r.Close()
	var answer string
	if err := r.Call("Words.Upper", "net/rpc over a ring", &answer); err != nil {
		return err
	}
	fmt.Println(answer)

	web := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, name+"-http") },
	}}
	defer web.CloseIdleConnections()
	resp, err := web.Get("http://ring/net/http/over/a/ring")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}
