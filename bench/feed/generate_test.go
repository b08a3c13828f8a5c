package feed_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

var update = flag.Bool("update", false, "write the golden sample anew")

const sampleFile = "../../testdata/feed/sample.itch"

func generate(t *testing.T, o feed.GenerateOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := feed.GenerateITCH(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheGoldenSampleIsWhatTheGeneratorWrites(t *testing.T) {
	got := generate(t, feed.GenerateOptions{Seed: 1, Messages: 1000})
	if *update {
		if err := os.WriteFile(sampleFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, golden) {
		t.Errorf("%d bytes generated, %d stored, and they differ", len(got), len(golden))
	}
	if len(golden) > 40<<10 {
		t.Errorf("the sample has %d bytes: keep it below 40 KiB", len(golden))
	}
}

func TestTheGoldenSampleCountsAsASeparateLoopCountsIt(t *testing.T) {
	data, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var messages, sum, longest int
	for i := 0; data[i] != 0 || data[i+1] != 0; messages++ {
		n := int(data[i])<<8 | int(data[i+1])
		sum += n
		longest = max(longest, n)
		i += 2 + n
	}
	f, err := feed.Open(sampleFile, feed.Options{})
	if err != nil || f.Format() != feed.ITCH {
		t.Fatalf("%v, %v", f, err)
	}
	n, size, largest, err := f.Count()
	if n != messages || size != int64(sum) || largest != longest || err != nil {
		t.Errorf("counted %d, %d, %d, %v; want %d, %d, %d", n, size, largest, err, messages, sum, longest)
	}
	if messages != 1000 {
		t.Errorf("%d messages, want 1000", messages)
	}
	if end := data[len(data)-5:]; string(end[2:]) != "C\x00\x00" {
		t.Errorf("the sample ends in %q, not with the end of messages and the zero length", end)
	}
}

func TestABookCanBeBuiltFromAGeneratedFeed(t *testing.T) {
	for seed := range uint64(8) {
		o := feed.GenerateOptions{Seed: seed, Messages: 5000, Symbols: []string{"ONE", "TWO", "THREE", "EIGHTEEN"}[:1+seed%4]}
		recs, err := read(t, generate(t, o), feed.Options{Format: feed.ITCH})
		if err != nil {
			t.Fatal(err)
		}
		b := newRebuilt(t)
		for _, m := range recs {
			b.apply(m)
		}
		if len(recs) != o.Messages || b.events != "OSQMEC" || len(b.stock) != len(o.Symbols) {
			t.Errorf("seed %d: %d messages, events %s, %d stocks", seed, len(recs), b.events, len(b.stock))
		}
		for _, kind := range "SRHAFECXDUP" {
			if b.types[byte(kind)] == 0 {
				t.Errorf("seed %d: no message of type %c", seed, kind)
			}
		}
		if a := b.types['A']; a < 1500 || a > 2500 {
			t.Errorf("seed %d: %d of 5000 messages add an order", seed, a)
		}
	}
}

func TestTheSameOptionsGiveTheSameFeedAndAnotherSeedAnother(t *testing.T) {
	a := generate(t, feed.GenerateOptions{Seed: 3, Messages: 200})
	if !bytes.Equal(a, generate(t, feed.GenerateOptions{Seed: 3, Messages: 200})) {
		t.Error("one seed, two feeds")
	}
	if bytes.Equal(a, generate(t, feed.GenerateOptions{Seed: 4, Messages: 200})) {
		t.Error("two seeds, one feed")
	}
}

func TestAFeedHasAThousandMessagesUnlessToldOtherwise(t *testing.T) {
	if recs, err := read(t, generate(t, feed.GenerateOptions{}), feed.Options{}); len(recs) != 1000 || err != nil {
		t.Errorf("%d messages, %v", len(recs), err)
	}
}

func TestTheSmallestFeedHasOnlyTheDaysFrame(t *testing.T) {
	recs, err := read(t, generate(t, feed.GenerateOptions{Messages: 8, Symbols: []string{"ONE"}}), feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var types []byte
	for _, m := range recs {
		types = append(types, m[0])
	}
	if string(types) != "SRHSSSSS" {
		t.Errorf("types %s", types)
	}
}

func TestGenerateOptionsThatCannotHoldAreRefused(t *testing.T) {
	for name, o := range map[string]feed.GenerateOptions{
		"too few messages":   {Messages: 7, Symbols: []string{"ONE"}},
		"negative messages":  {Messages: -1},
		"least messages":     {Messages: -int(^uint(0)>>1) - 1},
		"a long symbol":      {Symbols: []string{"NINECHARS"}},
		"an empty symbol":    {Symbols: []string{""}},
		"a space":            {Symbols: []string{"A B"}},
		"not ASCII":          {Symbols: []string{"Ä"}},
		"a symbol twice":     {Symbols: []string{"ONE", "TWO", "ONE"}},
		"too many to number": {Messages: 1 << 20, Symbols: make([]string, 1<<16)},
	} {
		var b bytes.Buffer
		if err := feed.GenerateITCH(&b, o); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes written", name, err, b.Len())
		}
	}
}

// full is a writer with room for so many bytes.
type full int

var errFull = errors.New("full")

func (w *full) Write(b []byte) (int, error) {
	if len(b) > int(*w) {
		return 0, errFull
	}
	*w -= full(len(b))
	return len(b), nil
}

func TestAFailedWriteEndsTheGenerator(t *testing.T) {
	for _, room := range []full{0, 100_000} {
		if err := feed.GenerateITCH(&room, feed.GenerateOptions{Messages: 10_000}); !errors.Is(err, errFull) {
			t.Errorf("error %v, want the writer's", err)
		}
	}
}
