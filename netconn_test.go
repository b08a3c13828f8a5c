package ringway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"strings"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/ringway/ringway"
)

func testNetConn(t *testing.T, tr ringway.Transport, addr string, opts ...ringway.Option) {
	if why := tr.Missing(); why != "" {
		t.Skip(why)
	}
	opts = append(opts, ringway.Transports(tr))
	nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
		l, err := ringway.Listen(addr, opts...)
		if err != nil {
			return nil, nil, nil, err
		}
		dialed := make(chan *ringway.Conn, 1)
		go func() {
			c, err := ringway.Dial(context.Background(), l.Addr(), opts...)
			if err != nil {
				t.Error(err)
			}
			dialed <- c
		}()
		y, err := l.Accept(context.Background())
		if err != nil {
			return nil, nil, nil, err
		}
		a, b = (<-dialed).NetConn(), y.NetConn()
		return a, b, func() {
			a.Close()
			b.Close()
			l.Close()
		}, nil
	})
}

func TestARingIsANetConn(t *testing.T) {
	testNetConn(t, ringway.SharedMemory, newAddress())
}

func TestASmallRingIsANetConn(t *testing.T) {
	testNetConn(t, ringway.SharedMemory, newAddress(), ringway.Capacity(4096), ringway.Wait(ringway.Park))
}

func TestTCPIsANetConn(t *testing.T) { testNetConn(t, ringway.TCP, "tcp://127.0.0.1:0") }

func TestUnixIsANetConn(t *testing.T) { testNetConn(t, ringway.Unix, newAddress()) }

func TestPipeIsANetConn(t *testing.T) { testNetConn(t, ringway.Pipe, newAddress()) }

// Words is what net/rpc serves.
type Words struct{}

// Upper answers with capitals.
func (Words) Upper(in string, out *string) error { *out = strings.ToUpper(in); return nil }

func TestNetRPCRunsOverARing(t *testing.T) {
	l := listen(t, newAddress())
	s := rpc.NewServer()
	if err := s.Register(Words{}); err != nil {
		t.Fatal(err)
	}
	go s.Accept(l.NetListener())
	c, err := ringway.Dial(t.Context(), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	client := rpc.NewClient(c.NetConn())
	defer client.Close()
	for _, word := range []string{"ring", "way", strings.Repeat("long", 100_000)} {
		var out string
		if err := client.Call("Words.Upper", word, &out); err != nil || out != strings.ToUpper(word) {
			t.Fatalf("%v, %.20q", err, out)
		}
	}
}

func TestHTTPRunsOverARing(t *testing.T) {
	l := listen(t, newAddress())
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(bytes.ToUpper(body))
	})}
	go s.Serve(l.NetListener())
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := ringway.Dial(ctx, l.Addr())
			if err != nil {
				return nil, err
			}
			return c.NetConn(), nil
		},
	}}
	defer client.CloseIdleConnections()
	for _, body := range []string{"", "hello", strings.Repeat("large", 200_000)} {
		resp, err := client.Post("http://ring/", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != strings.ToUpper(body) {
			t.Fatalf("%v, %d bytes of %d", err, len(got), len(body))
		}
	}
}

func TestWriteToOneWhoHasClosedIsABrokenPipe(t *testing.T) {
	l := listen(t, newAddress())
	a, b := connect(t, l)
	n := a.NetConn()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := n.Write([]byte("anybody?"))
		if err == nil {
			continue
		}
		var op *net.OpError
		if !errors.Is(err, ringway.ErrPeerDead) || !errors.As(err, &op) {
			t.Error(err)
		}
		return
	}
}
