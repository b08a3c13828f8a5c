package inspect_test

import (
	"testing"

	"github.com/ringway/ringway/inspect"
)

// BenchmarkLook looks at one ring that two are attached to.
func BenchmarkLook(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.String(), func(b *testing.B) {
			dir := b.TempDir()
			attach(b, create(b, dir, "ticks", kind))
			v, err := inspect.Open("ticks", dir)
			if err != nil {
				b.Fatal(err)
			}
			defer v.Close()
			b.ReportAllocs()
			var s inspect.Section
			for b.Loop() {
				if v.Look(&s); s.Living() != 2 {
					b.Fatal(s)
				}
			}
		})
	}
}
