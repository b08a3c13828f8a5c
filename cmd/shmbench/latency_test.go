package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

func TestLatenciesOfASampledRingAreShown(t *testing.T) {
	dir := t.TempDir()
	r, err := ringway.CreateRing("ticks", ringway.SPSC, ringway.Dir(dir), ringway.Capacity(8192), ringway.SampleLatency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer ringway.RemoveRing("ticks", ringway.Dir(dir))
	defer r.Close()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pass := func() {
		t.Helper()
		send(t, p, "one", "two", "three")
		for range 3 {
			if _, err := c.RecvAppend(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	var table strings.Builder
	top := &top{dir: dir}
	for range 2 {
		pass()
		lines, err := top.next(time.Now())
		if err == nil {
			err = top.write(&table, lines, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !regexp.MustCompile(`(?s)P50 +P99.*DEAD.*P99 *\nticks.*s  \S+ [µnm]?s *\n$`).MatchString(table.String()) {
		t.Errorf("no latencies in\n%s", table.String())
	}
	newRing(t, dir, "plain", ringway.SPSC)
	out, err := shmbench(t, "inspect", "ticks", "--dir", dir)
	if err != nil || !regexp.MustCompile(`one way +6 timed, p50 .*, one of 1\nawake +0 timed\n`).MatchString(out) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = shmbench(t, "inspect", "plain", "--dir", dir)
	if err != nil || strings.Contains(out, "one way") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"inspect", "ticks", "--json", "-"}, {"top", "--json", "--count", "1"}, {"ls", "--json", "-"}} {
		out, err := shmbench(t, append(args, "--dir", dir)...)
		var doc any
		if err == nil {
			err = json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&doc)
		}
		if err != nil || !strings.Contains(out, `"one_way"`) {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}
