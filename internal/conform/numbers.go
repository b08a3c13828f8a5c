package conform

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
)

// Messages with a number in front.
var numberedCases = []test{
	{name: "ANumberArrivesBeforeThePayload", run: func(p *pair) {
		p.must(p.a.SendCorrelated(p.ctx, 7, 1<<63|5, []byte("question")))
		m := p.recv(p.b)
		if !m.Correlated || m.Type != 7 || len(m.Payload) != 16 ||
			binary.LittleEndian.Uint64(m.Payload) != 1<<63|5 || string(m.Payload[8:]) != "question" {
			p.Fatalf("%+v", m)
		}
	}},
	{name: "NumberedAndPlainMessagesMix", run: func(p *pair) {
		for i := range 100 {
			if i%3 == 0 {
				p.must(p.a.SendCorrelated(p.ctx, 1, uint64(i), nil))
			} else {
				p.must(p.a.Send(p.ctx, 2, []byte{byte(i)}))
			}
			m := p.recv(p.b)
			if m.Correlated != (i%3 == 0) || m.Payload[0] != byte(i) {
				p.Fatalf("%d: %+v", i, m)
			}
		}
	}},
	{name: "QuestionAndAnswerAlternate", run: func(p *pair) {
		wait := async(func() error {
			for range 1000 {
				m, err := p.b.Recv(p.ctx)
				if err == nil {
					err = p.b.Send(p.ctx, m.Type+1, m.Payload)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		for i := range 1000 {
			p.must(p.a.Send(p.ctx, uint16(i), fmt.Appendf(nil, "question %d", i)))
			if m := p.recv(p.a); m.Type != uint16(i)+1 || string(m.Payload) != fmt.Sprintf("question %d", i) {
				p.Fatalf("%d: %+v", i, m)
			}
		}
		p.must(wait(p))
	}},
	{name: "ANumberNeedsNoPayload", run: func(p *pair) {
		for _, n := range []uint64{0, 1, 1<<64 - 1} {
			p.must(p.a.SendCorrelated(p.ctx, 9, n, nil))
			if m := p.recv(p.b); !m.Correlated || m.Type != 9 || len(m.Payload) != 8 || binary.LittleEndian.Uint64(m.Payload) != n {
				p.Fatalf("%+v", m)
			}
		}
	}},
	{name: "TheLargestMessageWithANumberArrives", run: func(p *pair) {
		want := pattern(p.a.MaxMessage()-8, 7)
		wait := async(func() error { return p.a.SendCorrelated(p.ctx, 1, 42, want) })
		if m := p.recv(p.b); !m.Correlated || !bytes.Equal(m.Payload[8:], want) {
			p.Fatal("it differs")
		}
		p.must(wait(p))
	}},
	{name: "AMessageWithANumberThatIsTooLargeIsRefused", run: func(p *pair) {
		err := p.a.SendCorrelated(p.ctx, 1, 42, make([]byte, p.a.MaxMessage()+1))
		if !errors.Is(err, errs.TooLarge) {
			p.Fatal(err)
		}
		p.send(p.a, "small")
		p.expect(p.b, "small")
	}},
	{name: "QuestionsAndAnswersOfBothSidesMix", not: datagrams, run: func(p *pair) {
		const n = 1000
		side := func(l Link, mine uint64) func() error {
			return func() error {
				for i := range uint64(n) {
					if err := l.SendCorrelated(p.ctx, 0, mine|i, nil); err != nil {
						return err
					}
				}
				return nil
			}
		}
		heard := func(l Link, theirs uint64) func() error {
			return func() error {
				for i := range uint64(n) {
					m, err := l.Recv(p.ctx)
					if err != nil {
						return err
					}
					if got := binary.LittleEndian.Uint64(m.Payload); got != theirs|i {
						return fmt.Errorf("heard %x, want %x", got, theirs|i)
					}
				}
				return nil
			}
		}
		for _, wait := range []func(*pair) error{async(side(p.a, 1<<60)), async(side(p.b, 1<<61)), async(heard(p.a, 1<<61)), async(heard(p.b, 1<<60))} {
			p.must(wait(p))
		}
	}},
}
