package ring

import (
	"encoding/binary"
	"testing"
)

// counterLine returns a line of memory at a multiple of its size.
func counterLine() []byte { return make([]byte, 1<<17)[:CountersSize] }

func TestCountersStandWhereTheirPictureSays(t *testing.T) {
	line := counterLine()
	c := CountersOf(line)
	for k := range NumCounters {
		c.Add(k, 1)
		c.Add(k, uint64(k)<<32)
		if got := binary.LittleEndian.Uint64(line[8*k:]); got != uint64(k)<<32+1 {
			t.Errorf("%v: offset %d holds %#x", k, 8*k, got)
		}
	}
	for i, b := range line[8*NumCounters:] {
		if b != 0 {
			t.Errorf("reserved byte %d is %d", i, b)
		}
	}
	var total Totals
	c.AddTo(&total)
	c.AddTo(&total)
	for k := range NumCounters {
		if total[k] != 2*c.Load(k) {
			t.Errorf("%v: twice %d is %d", k, c.Load(k), total[k])
		}
	}
}

func TestTheFirstCountersKeepTheirPlaces(t *testing.T) {
	// The layout is read by other versions of the program.
	line := counterLine()
	c := CountersOf(line)
	c.Sent(3, 300)
	c.Received(2, 200)
	for off, want := range map[int]uint64{0: 3, 8: 300, 24: 2, 32: 200} {
		if got := binary.LittleEndian.Uint64(line[off:]); got != want {
			t.Errorf("offset %d holds %d, want %d", off, got, want)
		}
	}
}

func TestEveryCounterHasANameOfItsOwn(t *testing.T) {
	names := make(map[string]bool)
	for k := range NumCounters + 1 {
		if names[k.String()] || k.String() == "" {
			t.Errorf("counter %d is called %q", k, k)
		}
		names[k.String()] = true
	}
}

func TestASubscribersPlaceMovesAlongWithWhatItCounts(t *testing.T) {
	line := counterLine()
	c := CountersOf(line)
	if next, ok := c.Place(); ok {
		t.Errorf("who has said nothing is at %d", next)
	}
	// Its predecessors have counted more than it will ever receive.
	c.Received(1000, 0)
	c.Add(MissedMessages, 1<<63+5)
	for _, first := range []uint64{1, 500, 1<<63 - 10} {
		c.SetPlace(first)
		c.Received(3, 30)
		c.Add(MissedMessages, 4)
		c.Sent(7, 70)
		if next, ok := c.Place(); !ok || next != first+7 {
			t.Errorf("at %d, %t; want %d", next, ok, first+7)
		}
	}
	if got := binary.LittleEndian.Uint64(line[120:]); got&1 != 1 {
		t.Errorf("the word is %#x", got)
	}
	var total Totals
	if c.AddTo(&total); total[Corruptions] != 0 || total[Evictions] != 0 {
		t.Errorf("%v", total)
	}
}
