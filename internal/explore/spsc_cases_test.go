//go:build shmtest

package explore

import (
	"fmt"
	"slices"
)

// spscCases are the worlds of a single-producer single-consumer ring. In all of
// them what earlier laps left in the ring looks like frames of this one.
func spscCases() (all []*spsc) {
	one := func(n int) []send { return []send{{how: "send", sizes: []int{n}}} }
	for deaths := range 3 {
		add := func(t *spsc) {
			t.name = fmt.Sprintf("spsc %s, %d deaths", t.name, deaths)
			t.deaths = deaths
			t.large = deaths > 1
			all = append(all, t)
		}
		// The second one doesn't fit before the ring's end: a pad.
		add(&spsc{name: "wrap", before: 64, sends: []send{
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{40}}, {how: "claim", sizes: []int{16}}},
			heirs: one(24), heirs2: one(32)})
		// Frames of one and two cache lines each: the word behind is one
		// that the producer doesn't write unless it must.
		add(&spsc{name: "lines", before: 1024, sends: []send{
			{how: "send", sizes: []int{56}}, {how: "abort", sizes: []int{30}}, {how: "claim", sizes: []int{120}}, {how: "send", sizes: []int{56}}},
			heirs: one(56), heirs2: one(60)})
		// Several messages in one frame, taken and released one by one.
		add(&spsc{name: "alike", before: 192, hold: 2, sends: []send{
			{how: "batch", sizes: []int{24, 24, 24}}, {how: "batch", sizes: []int{9, 9}}},
			heirs: []send{{how: "batch", sizes: []int{40, 40}}}, heirs2: one(3)})
		add(&spsc{name: "batch", before: 128, sends: []send{
			{how: "batch", sizes: []int{1, 50, 17}}, {how: "batch", sizes: []int{2, 9}}},
			heirs: one(3), heirs2: []send{{how: "batch", sizes: []int{4, 56}}}})
		// One small message after the other, up to a line's end and beyond.
		add(&spsc{name: "straight", before: 64, sends: []send{
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{8}}, {how: "send", sizes: []int{20}},
			{how: "send", sizes: []int{56}}, {how: "send", sizes: []int{56}}, {how: "send", sizes: []int{100}},
			{how: "claim", sizes: []int{8}}, {how: "send", sizes: []int{8}}},
			heirs: one(8), heirs2: one(56)})
		// Of one kind, so that they go and come the straight way, over a line's
		// end; with something else in between.
		add(&spsc{name: "again", before: 128, take: true, sends: []send{
			{how: "again", sizes: []int{8}}, {how: "again", sizes: []int{8}}, {how: "again", sizes: []int{8}},
			{how: "again", sizes: []int{8}}, {how: "again", sizes: []int{8}}},
			heirs: []send{{how: "again", sizes: []int{8}}, {how: "again", sizes: []int{8}}}, heirs2: one(56)})
		add(&spsc{name: "again wide", before: 512, take: true, hold: 1, sends: []send{
			{how: "again", sizes: []int{72}}, {how: "again", sizes: []int{72}}, {how: "again", sizes: []int{72}},
			{how: "claim", sizes: []int{16}}, {how: "again", sizes: []int{72}}},
			heirs: []send{{how: "again", sizes: []int{8}}, {how: "again", sizes: []int{8}}}, heirs2: one(56)})
		// Arrays, one like the other, over the ring's end; and such as don't end
		// where a line does.
		array := func(n, k int) send { return send{how: "packed", sizes: slices.Repeat([]int{n}, k)} }
		add(&spsc{name: "arrays", before: 128, take: true, packed: true, sends: []send{
			array(8, 3), array(8, 3), array(8, 3), {how: "again", sizes: []int{8}}},
			heirs: []send{array(8, 2)}, heirs2: one(56)})
		add(&spsc{name: "arrays wide", before: 512, take: true, packed: true, sends: []send{
			array(24, 3), array(24, 3), array(24, 3), {how: "claim", sizes: []int{16}}},
			heirs: []send{array(24, 2)}, heirs2: one(56)})
		// Received in the shortest way, and many at once.
		add(&spsc{name: "taken", before: 64, take: true, sends: []send{
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{8}}, {how: "send", sizes: []int{40}},
			{how: "batch", sizes: []int{9, 56}}, {how: "send", sizes: []int{8}}},
			heirs: one(8), heirs2: one(56)})
		add(&spsc{name: "taken full", before: 2048, take: true, sends: []send{
			{how: "send", sizes: []int{2024}}, {how: "send", sizes: []int{1992}}, {how: "send", sizes: []int{8}},
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{8}}, {how: "send", sizes: []int{9}}},
			heirs: one(8), heirs2: one(56)})
		add(&spsc{name: "in batches", before: 128, batch: true, hold: 3, sends: []send{
			{how: "batch", sizes: []int{1, 50, 17}}, {how: "send", sizes: []int{8}}, {how: "batch", sizes: []int{2, 9}}},
			heirs: one(3), heirs2: []send{{how: "batch", sizes: []int{4, 56}}}})
		// Such that fill the ring.
		add(&spsc{name: "straight full", before: 2048, hold: 2, sends: []send{
			{how: "send", sizes: []int{2024}}, {how: "send", sizes: []int{1992}}, {how: "send", sizes: []int{8}},
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{8}}, {how: "send", sizes: []int{8}}},
			heirs: one(8), heirs2: one(56)})
		add(&spsc{name: "checksums", before: 64, checksum: true, sends: []send{
			{how: "send", sizes: []int{9}}, {how: "claim", sizes: []int{20}}, {how: "batch", sizes: []int{1, 33}}},
			heirs: one(8), heirs2: one(7)})
		// Three of them fit.
		add(&spsc{name: "full", before: 2048, hold: 2, sends: []send{
			{how: "send", sizes: []int{1300}}, {how: "send", sizes: []int{1240}}, {how: "send", sizes: []int{1310}},
			{how: "send", sizes: []int{1350}}},
			heirs: one(1400), heirs2: one(1401)})
		// Four of them fill the ring to the last byte.
		add(&spsc{name: "brimful", before: 2048, hold: 2, sends: []send{
			{how: "send", sizes: []int{1016}}, {how: "send", sizes: []int{1015}}, {how: "send", sizes: []int{1014}},
			{how: "send", sizes: []int{1013}}, {how: "send", sizes: []int{1012}}},
			heirs: one(1011), heirs2: one(1010)})
		add(&spsc{name: "tso", before: 64, buffers: 4, sends: []send{
			{how: "send", sizes: []int{8}}, {how: "send", sizes: []int{40}}, {how: "batch", sizes: []int{1, 20}}},
			heirs: one(24), heirs2: one(32)})
		// Brimful, with frames that end within a line.
		add(&spsc{name: "brimful odd", before: 4096 - 16, hold: 2, sends: []send{
			{how: "send", sizes: []int{1016}}, {how: "send", sizes: []int{1015}}, {how: "send", sizes: []int{1014}},
			{how: "send", sizes: []int{1000}}, {how: "send", sizes: []int{8}}, {how: "send", sizes: []int{999}}},
			heirs: one(998), heirs2: one(997)})
	}
	// Lines that were looked at, then written over, then looked at again.
	all = append(all, &spsc{name: "spsc laps, 0 deaths", before: 4096, sends: []send{
		{how: "send", sizes: []int{56}}, {how: "send", sizes: []int{1992}}, {how: "send", sizes: []int{2024}},
		{how: "send", sizes: []int{1000}}, {how: "send", sizes: []int{2023}}, {how: "send", sizes: []int{1048}},
		{how: "send", sizes: []int{55}}, {how: "send", sizes: []int{40}}}})
	return all
}
