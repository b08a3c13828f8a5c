package ring

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

// table is what the payloads of the concurrent tests are cut from.
var table = payload(1, 4096)

func piece(seq int) []byte {
	n := seq * 7919 % 150
	if seq%97 == 0 {
		n = seq * 31 % 1900
	}
	return table[seq%251:][:n]
}

// produceAll sends messages 0 to n-1 in all the ways there are, then ends the
// stream. The error says what went wrong.
func produceAll(r *testRing, n int) error {
	p := r.p
	for seq := 0; seq < n; {
		var err error
		sent := 1
		switch seq % 4 {
		case 0, 1:
			err = p.TrySend(msgType(seq), piece(seq))
		case 2:
			b := piece(seq)
			var buf []byte
			if buf, err = p.Claim(len(b) + seq%9); err == nil {
				copy(buf, b)
				p.Commit(msgType(seq), len(b))
			}
		case 3:
			// The messages of a batch share a type; the consumer knows.
			if sent, err = p.TrySendBatch(msgType(seq), [][]byte{piece(seq), piece(seq + 1), piece(seq + 2), piece(seq + 3)}); sent > 0 {
				err = nil
			}
		}
		switch err {
		case nil:
			seq += sent
		case ErrFull:
			runtime.Gosched()
			if seq%5 == 0 {
				// One after the other, as after a death.
				if p, err = NewSPSCProducer(r.g, r.body); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("message %d: %w", seq, err)
		}
	}
	r.p = p
	p.End()
	return nil
}

func testConcurrent(t *testing.T, sum bool, n int) {
	r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, StartPosition)
	failed := make(chan error, 1)
	go func() { failed <- produceAll(r, n) }()

	c, seq, published := r.c, 0, 0
	start := time.Now()
	publish := func() {
		if c.Publish() {
			published = seq
		}
	}
	for calls := 1; ; calls++ {
		m, err := c.Next()
		if err == io.EOF {
			break
		}
		switch err {
		case nil:
			if want := piece(seq); !bytes.Equal(m.Payload, want) {
				t.Fatalf("message %d: %d bytes, want %d: %x", seq, len(m.Payload), len(want), m.Payload)
			}
			if m.Type != msgType(seq) && (seq%4 == 3 || m.Type != msgType(seq&^3-1)) {
				t.Fatalf("message %d has type %#x", seq, m.Type)
			}
			seq++
			if seq%3 == 0 && c.Release() {
				publish()
			}
		case ErrEmpty:
			c.Release()
			publish()
			if calls%4096 == 0 && time.Since(start) > 3*time.Minute {
				t.Fatalf("message %d doesn't come", seq)
			}
			select {
			case err := <-failed:
				if err != nil {
					t.Fatal(err)
				}
				failed <- nil
			default:
			}
			runtime.Gosched()
		default:
			t.Fatalf("message %d: %v", seq, err)
		}
		if calls%1000 == 0 {
			// A new consumer gets again what was not given back.
			if c, err = NewSPSCConsumer(r.g, r.body); err != nil {
				t.Fatal(err)
			}
			seq = published
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if seq < n {
		t.Errorf("io.EOF after %d of %d messages", seq, n)
	}
	r.c = c
}

func TestOneGoroutineReceivesWhatAnotherSends(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testConcurrent(t, false, some(70_000)) })
	t.Run("checksum", func(t *testing.T) { testConcurrent(t, true, some(30_000)) })
}
