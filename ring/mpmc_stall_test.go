package ring

import "testing"

func stallRing(t *testing.T, parts int) *testMPMC {
	t.Helper()
	return newMPMCRing(t, Geometry{Kind: MPMC, Capacity: 8192, CellSize: 128}, StartCell+60, parts, MPMCOptions{SkipStalled: true})
}

func TestMPMCSkipStalledGoesPastAClaimAndKeepsEachProducersOrder(t *testing.T) {
	r := stallRing(t, 4)
	if _, err := r.p[0].Claim(20); err != nil {
		t.Fatal(err)
	}
	r.send(1, 1, 30)
	r.send(1, 2, 30)
	r.receive(2, 1, 30, false)
	head := r.c[2].Position()
	if head != StartCell+60 {
		t.Errorf("the head is at %#x, past the stalled claim", head)
	}
	copy(r.p[0].data.Bytes(60*128+8, 20), payload(5, 20))
	r.p[0].Commit(msgType(5), 20)
	r.send(0, 6, 20)
	// Now the oldest comes first again, for both consumers.
	r.receive(2, 5, 20, false)
	r.receive(3, 2, 30, false)
	r.receive(2, 6, 20, false)
	r.none(3, ErrEmpty)
	r.c[2].Release()
	r.c[3].Release()
	r.whole(0, 3)
}

func TestMPMCSkipStalledPassesSixteenClaimsAndNoMore(t *testing.T) {
	r := stallRing(t, 20)
	for i := range 17 {
		if _, err := r.p[i].Claim(1); err != nil {
			t.Fatal(err)
		}
		r.send(18, i, 1)
	}
	for i := range 16 {
		r.receive(19, i, 1, false)
		r.c[19].Release()
	}
	r.none(19, ErrEmpty)
	r.p[3].Abort()
	r.receive(19, 16, 1, false)
	r.none(19, ErrEmpty)
	r.c[19].Release()
	for i := range 17 {
		r.p[i].Abort()
	}
	r.whole(18, 19)
}

func TestMPMCStalledClaimKeepsTheRingFromGoingAround(t *testing.T) {
	r := stallRing(t, 3)
	if _, err := r.p[0].Claim(1); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for ; r.p[1].TrySend(msgType(sent), payload(sent, 1)) == nil; sent++ {
		r.receive(2, sent, 1, false)
		r.c[2].Release()
		if r.word(offHead) > StartCell+60 || r.word(offFree) > StartCell+60 {
			t.Fatalf("hints went past the stalled claim: %s", r.dump())
		}
	}
	if sent != 63 {
		t.Errorf("%d messages past a stalled claim in a ring of 64", sent)
	}
	r.die(0)
	r.none(2, ErrEmpty)
	r.send(1, sent, 1)
	r.receive(2, sent, 1, false)
	r.c[2].Release()
	r.whole(1, 2)
}

func TestMPMCWithoutSkipStalledAClaimIsAwaited(t *testing.T) {
	r := smallMPMC(t, 3)
	if _, err := r.p[0].Claim(1); err != nil {
		t.Fatal(err)
	}
	r.send(1, 1, 1)
	r.none(2, ErrEmpty)
	if r.c[2].Poll(1, 1) {
		t.Error("something new")
	}
	r.p[0].Abort()
	if !r.c[2].Poll(1, 1) {
		t.Error("nothing new")
	}
	r.receive(2, 1, 1, false)
}
