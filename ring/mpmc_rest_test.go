package ring

import "testing"

func TestAConsumerRestsWhileNothingIsBegunAndNotEnded(t *testing.T) {
	r := smallMPMC(t, 3)
	p, other, c := r.p[0], r.p[1], r.c[2]
	rests := func(what string, want bool) {
		t.Helper()
		if got := c.Rests(); got != want {
			t.Errorf("%s: %t, want %t", what, got, want)
		}
	}
	rests("a new ring", true)
	for lap := range 5 { // once around and further, in frames of several cells
		if _, err := p.Claim(600); err != nil {
			t.Fatal(err)
		}
		rests("somebody is writing", false)
		p.Commit(0, 600)
		if err := other.TrySend(0, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		rests("messages are there", false)
		for range 2 {
			if _, err := r.c[1].Next(); err != nil {
				t.Fatal(err)
			}
		}
		rests("another one has them", false)
		r.c[1].Release()
		rests("all were released", true)
		if _, err := other.Claim(1); err != nil {
			t.Fatal(err)
		}
		other.Abort()
		rests("a claim was given back, which becomes padding", false)
		if _, err := c.Next(); err != ErrEmpty {
			t.Fatalf("lap %d: %v", lap, err)
		}
		rests("and was passed", true)
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	rests("the ring's end", false)
}
