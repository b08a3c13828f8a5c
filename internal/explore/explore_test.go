//go:build shmtest

package explore

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

var (
	flagFull      = flag.Bool("explore.full", false, "explore the large cases too: minutes")
	flagMutations = flag.Bool("explore.mutations", false, "break the shipping code in each known way and see that it's found")
	flagCase      = flag.String("explore.case", "", "the case that TestCase explores")
	flagLimit     = flag.Int("explore.limit", 0, "states after which an exploration gives up, 0: never")
	flagSeeds     = flag.Int("explore.seeds", 1, "orders in which TestCase goes through the states, each up to the limit")
	flagTraces    = flag.Bool("explore.traces", false, "show the traces of mutations")
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(1000) // little is alive at a time
	os.Exit(m.Run())
}

// cases are all worlds by name, the smaller ones first.
func cases() (all []Case) {
	for _, c := range spscCases() {
		all = append(all, c.build())
	}
	for _, c := range castCases() {
		all = append(all, c.build())
	}
	for _, c := range mpmcCases() {
		all = append(all, c.build())
	}
	all = append(all, bellCases()...)
	return all
}

// explores fails the test when a case has a violation.
func explores(t *testing.T, c Case) Report {
	t.Helper()
	var r Report
	if c.Samples > 0 {
		r = Sample(c)
	} else {
		r = Explore(c, *flagLimit, 0)
	}
	t.Log(r)
	if v := r.Violation; v != nil {
		t.Errorf("%s: %s\n%s", c.Name, v.Rule, strings.Join(v.Trace, "\n"))
	}
	return r
}

func TestEverySmallWorldKeepsTheRules(t *testing.T) {
	for _, c := range cases() {
		if c.Large {
			continue
		}
		t.Run(strings.ReplaceAll(c.Name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			explores(t, c)
		})
	}
}

func TestFullExplorationFindsNothing(t *testing.T) {
	if !*flagFull {
		t.Skip("takes minutes; needs -explore.full")
	}
	var mu sync.Mutex
	total := Report{Complete: true}
	cut := 0
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases() {
			t.Run(strings.ReplaceAll(c.Name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				r := explores(t, c)
				mu.Lock()
				defer mu.Unlock()
				fmt.Println(r)
				if !r.Complete && c.Samples == 0 {
					cut++
				}
				total.States += r.States
				total.Steps += r.Steps
				total.Deaths += r.Deaths
				total.Ends += r.Ends
				total.Depth = max(total.Depth, r.Depth)
				total.Time += r.Time
			})
		}
	})
	total.Case = "all"
	fmt.Println(total)
	fmt.Printf("%d of %d cases have more than %d states and were left there; some are samples\n", cut, len(cases()), *flagLimit)
}

// TestCase explores one case, for people and for the test of mutations.
func TestCase(t *testing.T) {
	if *flagCase == "" {
		t.Skip("needs -explore.case")
	}
	for _, c := range cases() {
		if c.Name == *flagCase {
			states := 0
			for seed := range *flagSeeds {
				r := Explore(c, *flagLimit, uint64(seed))
				t.Log(r)
				states += r.States
				if v := r.Violation; v != nil {
					t.Errorf("%s: %s\n%s", c.Name, v.Rule, strings.Join(v.Trace, "\n"))
					fmt.Printf("VIOLATION after %d states: %s\n", states, v.Rule)
				}
				if r.Violation != nil || r.Complete {
					return
				}
			}
			return
		}
	}
	t.Fatalf("there is no case %q", *flagCase)
}
