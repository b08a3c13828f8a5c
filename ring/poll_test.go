package ring

import "testing"

func TestPollOfTheConsumerSeesTheNextMessage(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 300 {
			// Another look may be in vain, but not for ever: what is taken
			// for news once is not the second time.
			for n := 0; ; n++ {
				r.nothing()
				if !r.c.Poll(3, 1) {
					break
				}
				if n > 0 {
					t.Fatalf("message %d: a poll of an empty ring sees something, again and again", i)
				}
			}
			r.send(i, i)
			if !r.c.Poll(3, 1) {
				t.Fatalf("message %d: a poll doesn't see it", i)
			}
			r.receive(i, i)
			if i%3 == 0 {
				r.giveBack()
			} else if r.c.Release() {
				r.c.Publish()
			}
		}
	})
}

func TestPollOfTheProducerSeesRoom(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		sent, received := 0, 0
		for range 200 {
			for r.p.TrySend(msgType(sent), payload(sent, 300)) == nil {
				sent++
			}
			if r.p.Poll(3, 1) {
				t.Fatal("a poll of a full ring sees room")
			}
			r.receive(received, 300)
			received++
			r.c.Release()
			if r.p.Poll(3, 1) {
				t.Fatal("a poll sees room that isn't published")
			}
			r.c.Publish()
			if !r.p.Poll(3, 1) {
				t.Fatal("a poll doesn't see the room that was published")
			}
		}
	})
}
