package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ringway/ringway"
)

func TestTailSaysHowManyMessagesOfAQueueWentByUnseen(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			r, p := newRing(t, dir, "ticks", kind)
			c, err := r.Consumer()
			if err != nil {
				t.Fatal(err)
			}
			cmd := root()
			out, w := io.Pipe()
			cmd.SetOut(w)
			cmd.SetArgs([]string{"tail", "ticks", "--follow", "--dir", dir})
			ended := make(chan error, 1)
			go func() {
				err := cmd.ExecuteContext(t.Context())
				_ = w.Close()
				ended <- err
			}()
			// As long as nobody has read all of what it prints it stays where it
			// is: a pipe's Write ends then. Meanwhile as many go by as the ring
			// holds several times.
			send(t, p, "the first")
			head := make([]byte, 1)
			if _, err := out.Read(head); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(io.MultiReader(bytes.NewReader(head), out))
			const n = 3000
			pass := func() {
				t.Helper()
				send(t, p, "the others")
				if _, err := c.RecvAppend(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			for range n {
				pass()
			}
			unseen, seen := 0, 0
			saw := make(chan bool)
			read := func() bool {
				line, err := lines.ReadString('\n')
				if err != nil {
					return false
				}
				if m := regexp.MustCompile(`^… about (\d+) messages \(\d+ bytes of the ring\) were consumed unseen\n$`).FindStringSubmatch(line); m != nil {
					k, _ := strconv.Atoi(m[1])
					unseen += k
				} else {
					seen++
				}
				return true
			}
			go func() {
				defer close(saw)
				for read() {
				}
			}()
			send(t, p, "the last")
			if err := p.End(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			<-saw
			_ = c.Close()
			// All of one size and counted: nothing but padding, and where the
			// first one stood, makes it inexact.
			if total := unseen + seen; unseen == 0 || total < n*9/10 || total > n*11/10 {
				t.Errorf("%d seen and %d unseen of %d", seen, unseen, n+2)
			}
		})
	}
}

func TestInspectAndTailShowEachMessageOfABroadcastRingAndChangeNoByte(t *testing.T) {
	dir := t.TempDir()
	_, p := newFeed(t, dir, "feed", ringway.Capacity(4096))
	msgs := [][]byte{[]byte("first"), []byte("other"), []byte("third"), []byte(evil)}
	if n, err := p.SendBatch(t.Context(), msgs); n != len(msgs) || err != nil {
		t.Fatal(n, err)
	}
	file := filepath.Join(dir, "ringway.feed")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for verb, wants := range map[string][]string{
		"inspect feed":          {"|first|", "|other|", "|third|", "1b 5b 32 4a", "number 4"},
		"inspect feed --json -": {`"Zmlyc3Q="`, `"b3RoZXI="`, `"dGhpcmQ="`, `"sequence": 4`},
		"tail feed":             {"number 1  first\n", "number 2  other\n", "number 3  third\n", "number 4  \"\\x1b"},
		"tail feed --json":      {`"Zmlyc3Q="`, `"b3RoZXI="`, `"dGhpcmQ="`, `"sequence":4`},
	} {
		out, err := shmbench(t, append(strings.Fields(verb), "--dir", dir)...)
		if err != nil {
			t.Fatal(verb, err)
		}
		harmless(t, out)
		for _, want := range wants {
			if strings.Count(out, want) != 1 {
				t.Errorf("%s: not one %q in\n%s", verb, want, out)
			}
		}
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, or %v", err)
	}
}
