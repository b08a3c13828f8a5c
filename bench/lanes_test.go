package bench

import "testing"

func TestALaneShowsWhereTheRatioLiesAndWhatIsAimedAt(t *testing.T) {
	doc := sampleDocument()
	list, ticks := doc.lanes()
	if len(list) != 2 || list[0].Against != "fast <queue>" || list[1].Against != "limit: raw round trip" {
		t.Fatalf("%+v", list)
	}
	one := -1.0
	for _, k := range ticks {
		if k.One {
			one = k.At
		}
	}
	// 1.4 to 1.7 times as good as the rival, 1.3 wanted; 2.48 times the limit, 1.15 wanted.
	if l := list[0]; !(one < l.Target && l.Target < l.From && l.From < l.At && l.At < l.From+l.To && l.From+l.To < 100) || l.Mood != "good" {
		t.Errorf("1 at %g: %+v", one, l)
	}
	if l := list[1]; !(0 < l.At && l.At < l.Target && l.Target < one) || l.Mood != "bad" {
		t.Errorf("1 at %g: %+v", one, l)
	}
	doc.Results[0].Against.Rounds, doc.Results[0].Against.Reached = minRounds-1, Undecided
	if list, _ := doc.lanes(); list[0].Mood != "open" || list[0].Word != TooFew {
		t.Errorf("%+v", list[0])
	}
	doc.Results[0].Against.High = 1e9
	if list, _ := doc.lanes(); list[0].From+list[0].To > 100 {
		t.Errorf("it leaves the axis: %+v", list[0])
	}
	if list, _ := (&Document{}).lanes(); list != nil {
		t.Errorf("%+v", list)
	}
}
