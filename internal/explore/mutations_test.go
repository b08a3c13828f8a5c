//go:build shmtest

package explore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutation is one way to break the shipping code, which must be found. They
// are in testdata/mutations.txt:
//
//	== what is broken
//	file: ring/mpmc_producer.go
//	case: the case that finds it
//	-- old
//	text that occurs once in the file
//	-- new
//	what replaces it
//
// With a line "sound: yes" it must not be found. Several files or places may be changed: the last three repeat.
type mutation struct {
	name, world string
	sound       bool // it must not be found
	edits       []edit
}

type edit struct{ file, old, new string }

// mutations parses the list.
func mutations(text string) (all []mutation, err error) {
	var into *string
	for n, line := range strings.Split(text, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		last := len(all) - 1
		switch {
		case strings.HasPrefix(line, "== "):
			all, into = append(all, mutation{name: line[3:]}), nil
		case last < 0:
		case key == "case" && into == nil && value != "":
			all[last].world, into = value, nil
		case key == "file" && value != "" && strings.HasSuffix(value, ".go"):
			all[last].edits, into = append(all[last].edits, edit{file: value}), nil
		case key == "sound" && into == nil:
			all[last].sound = true
		case line == "-- old" || line == "-- new":
			if len(all[last].edits) == 0 {
				return nil, fmt.Errorf("line %d: no file", n+1)
			}
			if e := &all[last].edits[len(all[last].edits)-1]; line == "-- old" {
				into = &e.old
			} else {
				into = &e.new
			}
		case into != nil && !strings.HasPrefix(line, "# "):
			*into += line + "\n"
		}
	}
	return all, nil
}

// A mutation is looked for in many short explorations. That there is none takes
// a complete one.
func (m mutation) limit() string {
	if m.sound {
		return "0"
	}
	return "5000"
}

func (m mutation) seeds() string {
	if m.sound {
		return "1"
	}
	return "2000"
}

// overlay writes the mutated files and a description for go -overlay to dir.
func (m mutation) overlay(root, dir string) (string, error) {
	replace := make(map[string]string)
	texts := make(map[string]string)
	for _, e := range m.edits {
		full := filepath.Join(root, filepath.FromSlash(e.file))
		text, ok := texts[full]
		if !ok {
			b, err := os.ReadFile(full)
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		old, new := strings.TrimSpace(e.old), strings.TrimSpace(e.new)
		if n := strings.Count(text, old); n != 1 {
			return "", fmt.Errorf("%s has %d times\n%s", e.file, n, old)
		}
		texts[full] = strings.Replace(text, old, new, 1)
		replace[full] = filepath.Join(dir, filepath.Base(e.file))
	}
	for full, text := range texts {
		if err := os.WriteFile(replace[full], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, b, 0o600)
}

var found = regexp.MustCompile(`VIOLATION after (\d+) states: (.*)`)

func TestEveryMutationOfTheShippingCodeIsFound(t *testing.T) {
	text, err := os.ReadFile("testdata/mutations.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := mutations(string(text))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			overlay, err := m.overlay(root, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if !*flagMutations {
				return // that the texts are there is checked always
			}
			cmd := exec.Command("go", "test", "-tags", "shmtest", "-count", "1", "-overlay", overlay,
				"-run", "^TestCase$", ".", "-explore.case", m.world, "-explore.limit", m.limit(), "-explore.seeds", m.seeds())
			out, err := cmd.CombinedOutput()
			hit := found.FindSubmatch(out)
			switch {
			case m.sound && (hit != nil || err != nil):
				t.Errorf("%s: %v\n%s", m.name, err, tail(out))
			case m.sound:
				t.Logf("%-60s holds", m.name)
			case hit == nil:
				t.Errorf("%s: not found by %q (%v)\n%s", m.name, m.world, err, tail(out))
			default:
				t.Logf("%-60s %8s states: %s", m.name, hit[1], hit[2])
				if testing.Verbose() && *flagTraces {
					t.Logf("%s", out)
				}
			}
		})
	}
}

// tail returns the end of a long text.
func tail(b []byte) []byte {
	lines := bytes.Split(b, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-30):], []byte("\n"))
}
