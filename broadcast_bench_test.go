package ringway_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/ringway/ringway"
)

// What a message costs the publisher, with so many subscribers attached that
// read nothing in the meantime.
func BenchmarkPublish8(b *testing.B) {
	ctx := context.Background()
	for _, subs := range []int{0, 8} {
		b.Run(fmt.Sprintf("read-only=%d", subs), func(b *testing.B) {
			r := newRingOf(b, ringway.Broadcast, ringway.Prefault())
			for range subs {
				subscriber(b, readOnly(b, r))
			}
			p, msg := publisher(b, r), make([]byte, 8)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Send(ctx, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
