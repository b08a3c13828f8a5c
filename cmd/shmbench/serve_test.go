package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ringway/ringway"
)

func TestServeAnswersScrapesUntilItIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	_, p := newRing(t, dir, "ticks", ringway.SPSC)
	send(t, p, "one", "two")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := root()
	out, w := io.Pipe()
	cmd.SetOut(w)
	cmd.SetArgs([]string{"serve", "--listen", "127.0.0.1:0", "--dir", dir})
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		_ = w.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if err != nil || !ok {
		t.Fatal(line, err)
	}
	get := func(url string) (int, string) {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get(url); code != http.StatusOK || !strings.Contains(body, `ringway_ring_sent_messages_total{ring="ticks",topology="spsc",transport="shm"} 2`) {
		t.Errorf("%d\n%s", code, body)
	}
	if code, body := get(strings.TrimSuffix(url, "metrics")); code != http.StatusOK || !strings.Contains(body, "/metrics") {
		t.Errorf("%d\n%s", code, body)
	}
	if code, _ := get(url + "/else"); code != http.StatusNotFound {
		t.Error(code)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServeRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range []string{"serve --listen nowhere:99999999", "serve --limit 0"} {
		if _, err := shmbench(t, strings.Fields(args)...); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
}
