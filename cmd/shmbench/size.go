package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// units are those in which sizes are told, the longer names first.
var units = []struct {
	name  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30},
	{"b", 1}, {"", 1},
}

// parseSize reads a number of bytes: 65536, 64KiB, 1.5MB.
func parseSize(text string) (int, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(word, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		n *= u.bytes
		switch {
		case err != nil || math.IsNaN(n):
		case n < 0 || n > math.MaxInt>>1 || n != math.Trunc(n):
			return 0, fmt.Errorf("%q is %g bytes: it takes a whole number of them, from 0 to %d", text, n, math.MaxInt>>1)
		default:
			return int(n), nil
		}
		break
	}
	return 0, fmt.Errorf("%q is no size: say bytes, as in 65536, or KiB, MiB, GiB (1024 of the one before) or kB, MB, GB (1000), as in 64KiB", text)
}

// capacityFlag adds --capacity.
func capacityFlag(flags *pflag.FlagSet, to *int, otherwise int, more string) {
	*to = otherwise
	flags.Var((*sizeValue)(to), "capacity", "`SIZE` of the ring, a power of two: 65536, 64KiB, 1MiB"+more)
}

// sizeValue is a flag that holds a number of bytes.
type sizeValue int

func (v *sizeValue) String() string { return strconv.Itoa(int(*v)) }
func (v *sizeValue) Type() string   { return "SIZE" }
func (v *sizeValue) Set(text string) error {
	n, err := parseSize(text)
	if err == nil {
		*v = sizeValue(n)
	}
	return err
}
