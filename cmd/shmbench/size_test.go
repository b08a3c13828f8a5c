package main

import (
	"strings"
	"testing"
)

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]int{
		"65536": 65536, "0": 0, "64KiB": 64 << 10, "1MiB": 1 << 20, "1 mib": 1 << 20, "0.5GiB": 1 << 29, "64k": 64 << 10, "1M": 1 << 20,
		"1kB": 1000, "1MB": 1e6, "1.5MB": 1.5e6, "0.5KiB": 512, "12b": 12, " 8 ": 8, "1e3": 1000,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, words := range map[string]string{
		"": "KiB", "big": "KiB", "1TB": "KiB", "MiB": "KiB", "-1": "whole", "0.3": "whole", "1e300": "whole", "NaN": "KiB", "1.0001KiB": "whole",
	} {
		if got, err := parseSize(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestTheCapacityOfARunAndAReplayHasAUnit(t *testing.T) {
	for _, command := range []string{"run", "replay"} {
		cmd, _, err := root().Find([]string{command})
		if err != nil {
			t.Fatal(err)
		}
		flag := cmd.Flags().Lookup("capacity")
		if err := cmd.Flags().Set("capacity", "1MiB"); err != nil || flag.Value.String() != "1048576" {
			t.Errorf("%s: %v, %v", command, flag.Value, err)
		}
		if err := cmd.Flags().Set("capacity", "much"); err == nil || !strings.Contains(err.Error(), "64KiB") {
			t.Errorf("%s: %v", command, err)
		}
	}
}
