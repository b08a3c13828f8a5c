package ring

import "testing"

// claim reserves n bytes and checks what it got.
func (r *testRing) claim(n int) []byte {
	r.Helper()
	b, err := r.p.Claim(n)
	if err != nil {
		r.Fatalf("Claim(%d): %v", n, err)
	}
	if len(b) != n {
		r.Fatalf("Claim(%d) gives %d bytes", n, len(b))
	}
	r.inside(b)
	return b
}

func (r *testRing) panics(what string, f func()) {
	r.Helper()
	defer func() {
		r.Helper()
		if recover() == nil {
			r.Errorf("%s does not panic", what)
		}
	}()
	f()
}

func TestClaimedBytesAreTheMessage(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 500 {
			n := i * 13 % 700
			copy(r.claim(n), payload(i, n))
			r.nothing()
			r.p.Commit(msgType(i), n)
			r.receive(i, n)
			r.giveBack()
			r.check()
		}
	})
}

func TestCommitMayBeShorterThanTheClaim(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for n := 0; n <= 40; n++ {
			for k := 0; k <= n; k++ {
				// What's claimed and not committed may hold anything.
				b := r.claim(n)
				for i := range b {
					b[i] = 0xA7
				}
				copy(b, payload(k, k))
				pos := r.p.Position()
				r.p.Commit(msgType(k), k)
				if want := frameBytes(r.g, k); r.p.Position() != pos+want {
					t.Fatalf("%d of %d bytes took %d, want %d", k, n, r.p.Position()-pos, want)
				}
				r.receive(k, k)
				r.nothing()
				r.giveBack()
				r.check()
			}
		}
	})
}

func TestAbortedClaimIsNeverSeen(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 200 {
			for j := range r.claim(i) {
				r.claim(i)[j] = 0xA7
			}
			r.p.Abort()
			if got := r.p.Claimed(); got != -1 {
				t.Fatalf("after Abort %d bytes are claimed", got)
			}
			r.nothing()
			r.panics("Commit after Abort", func() { r.p.Commit(1, 0) })
			r.send(i, i)
			r.receive(i, i)
			r.giveBack()
		}
		r.p.Abort() // without a claim: nothing happens
		r.nothing()
	})
}

func TestClaimReplacesTheOneBefore(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 300 {
			r.claim(900)
			r.claim(3)
			n := i % 100
			copy(r.claim(n), payload(i, n))
			if got := r.p.Claimed(); got != n {
				t.Fatalf("%d bytes are claimed, want %d", got, n)
			}
			r.p.Commit(msgType(i), n)
			r.receive(i, n)
			r.nothing()
			r.giveBack()
		}
	})
}

func TestSendAbortsAnOpenClaim(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for name, send := range map[string]func(){
			"TrySend":                             func() { r.send(1, 20) },
			"TrySend that is too large":           func() { _ = r.p.TrySend(1, make([]byte, 4000)) },
			"TrySendBatch":                        func() { _, _ = r.p.TrySendBatch(msgType(1), [][]byte{payload(1, 20)}) },
			"TrySendBatch of nothing":             func() { _, _ = r.p.TrySendBatch(1, nil) },
			"TrySendBatch of one message too big": func() { _, _ = r.p.TrySendBatch(1, [][]byte{make([]byte, 4000)}) },
			"a claim that is too large":           func() { _, _ = r.p.Claim(4000) },
		} {
			r.claim(8)
			send()
			if r.p.Claimed() != -1 {
				t.Errorf("%s leaves the claim open", name)
			}
			r.panics("Commit after "+name, func() { r.p.Commit(9, 8) })
			for {
				if _, err := r.c.Next(); err != nil {
					break
				}
			}
			r.giveBack()
			r.check()
		}
	})
}

func TestSendThatFindsNoRoomAbortsAnOpenClaim(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.moveTo(0)
		for r.p.TrySend(1, payload(1, 1000)) == nil {
		}
		r.claim(8)
		if err := r.p.TrySend(1, payload(1, 1000)); err != ErrFull || r.p.Claimed() != -1 {
			t.Errorf("TrySend without room: %v, %d bytes are claimed", err, r.p.Claimed())
		}
		r.claim(8)
		if _, err := r.p.TrySendBatch(1, [][]byte{payload(1, 1000)}); err != ErrFull || r.p.Claimed() != -1 {
			t.Errorf("TrySendBatch without room: %v, %d bytes are claimed", err, r.p.Claimed())
		}
	})
}

func TestMisuseOfClaimsPanics(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.panics("Commit without a claim", func() { r.p.Commit(1, 0) })
		r.panics("Claim of a negative size", func() { _, _ = r.p.Claim(-1) })
		r.claim(10)
		r.panics("Commit of more than was claimed", func() { r.p.Commit(1, 11) })
		r.panics("Commit of a negative size", func() { r.p.Commit(1, -1) })
		r.nothing()
		if got := r.p.Claimed(); got != 10 {
			t.Errorf("after a panic %d bytes are claimed, want 10", got)
		}
		r.p.Commit(1, 10)
		r.panics("a second Commit", func() { r.p.Commit(1, 0) })
		if m, err := r.c.Next(); err != nil || len(m.Payload) != 10 {
			t.Errorf("received %d bytes, %v", len(m.Payload), err)
		}
	})
}

func TestClaimHoldsRoomForThePad(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.moveTo(r.g.Capacity - 64)
		b := r.claim(500)
		if &b[0] != &r.body[controlSize+r.p.payloadOffset()] {
			t.Error("a claim that would cross the end does not begin at the data's start")
		}
		copy(b, payload(1, 500))
		r.p.Commit(msgType(1), 500)
		r.receive(1, 500)
		r.nothing()
	})
}
