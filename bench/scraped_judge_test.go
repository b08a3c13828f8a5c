package bench

import "testing"

func TestAChangeIsJudgedByAllThatIsUncertainAboutIt(t *testing.T) {
	for _, c := range []struct {
		m         Metric
		low, high float64
		rounds    int
		want      string
	}{
		{Rate, 0.995, 1.01, 50, Reached},
		{Rate, 0.99, 0.992, 50, Reached},
		{Rate, 0.98, 1.01, 50, Undecided},
		{Rate, 0.95, 0.98, 50, Missed},
		{Rate, 0.995, 1.01, minRounds - 1, Undecided},
		{P999, 0.9, 1.01, 50, Reached},
		{P999, 0.9, 1.05, 50, Undecided},
		{P999, 1.03, 1.05, 50, Missed},
		{P50, 1.0, 1.02, 50, Reached},
	} {
		change := ScrapeRatio{Low: c.low, High: c.high}
		if change.judge(c.m, c.rounds); change.Reached != c.want {
			t.Errorf("%s from %v to %v after %d rounds: %s, want %s", c.m, c.low, c.high, c.rounds, change.Reached, c.want)
		}
	}
}
