package ring

import "testing"

func TestSmallMessagesFillTheRingToTheLastByteWhateverComesBetween(t *testing.T) {
	msg := payload(1, 8)
	between := map[string]func(p *SPSCProducer) error{
		"nothing": nil,
		"a claim": func(p *SPSCProducer) error {
			buf, err := p.Claim(8)
			if err == nil {
				copy(buf, msg)
				p.Commit(0, 8)
			}
			return err
		},
		"a claim given back": func(p *SPSCProducer) error {
			_, err := p.Claim(8)
			p.Abort()
			if err == nil {
				err = p.TrySend(0, msg)
			}
			return err
		},
		"a batch": func(p *SPSCProducer) error {
			_, err := p.TrySendBatch(0, [][]byte{msg})
			return err
		},
		"another type": func(p *SPSCProducer) error { return p.TrySend(7, msg) },
	}
	for name, other := range between {
		t.Run(name, func(t *testing.T) {
			g := Geometry{Kind: SPSC, Capacity: 4096}
			r := newRing(t, g, StartPosition)
			for lap := range 3 {
				n := 0
				for {
					err := r.p.TrySend(0, msg)
					if n%3 == 1 && other != nil && err == nil {
						n++
						err = other(r.p)
					}
					if err == ErrFull {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if n != 256 {
					t.Fatalf("lap %d: %d messages of 16 bytes in a ring of 4096", lap, n)
				}
				for i := range n {
					if m, err := r.c.Next(); err != nil || string(m.Payload) != string(msg) {
						t.Fatalf("message %d: %v, %v", i, m, err)
					}
				}
				if _, err := r.c.Next(); err != ErrEmpty {
					t.Fatal(err)
				}
				r.c.Release()
				r.c.Publish()
			}
		})
	}
}
