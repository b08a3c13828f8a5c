package limits

import (
	"slices"
	"testing"
	"time"
)

func TestMemcpyMeasuresAnySizeInARegion(t *testing.T) {
	for _, c := range []struct{ size, capacity int }{{1, 1}, {5, 64}, {8, 8}, {64, 4096}, {100, 4096}, {65536, 65536}, {4096, 1 << 20}} {
		got := Memcpy(c.size, c.capacity, time.Millisecond)
		if !(got.One > 0 && got.Two > 0) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestACopierFillsTheWholeRegionAtMultiplesOfEight(t *testing.T) {
	region := make([]byte, 3*stride(5))
	c := copiesIn(region, []byte("hello"), make([]byte, 5))
	c.two()
	want := []byte("hello\x00\x00\x00hello\x00\x00\x00hello\x00\x00\x00")
	if !slices.Equal(region, want) {
		t.Errorf("%q", region)
	}
}
