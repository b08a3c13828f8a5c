package limits

import "time"

// Tolerance is how far two probes may lie apart, as a share of the lower one,
// and still be of one regime. Regimes lie a factor of two or more apart, probes
// within one scatter by less than a tenth.
const Tolerance = 0.20

// Regime is what the machine was like while something ran: the raw round
// trip just before and just after it, as Probe measures it.
//
// The host of a virtual machine moves the virtual cores about, every few
// seconds: to two cores that share a cache, to two that don't, to the two
// threads of one core. All that crosses cores then takes two or three times
// as long, or half as long, the raw round trip included. Figures can only be
// compared within one regime.
type Regime struct {
	Before, After time.Duration
}

// Same says whether the regime held; see SameRegime.
func (r Regime) Same() bool { return SameRegime(r.Before, r.After) }

// RTT is the mean of the two probes.
func (r Regime) RTT() time.Duration { return (r.Before + r.After) / 2 }

// SameRegime says whether two medians of the raw round trip are within
// Tolerance of each other. A median that isn't positive is in no regime.
func SameRegime(before, after time.Duration) bool {
	low, high := min(before, after), max(before, after)
	return low > 0 && float64(high) <= float64(low)*(1+Tolerance)
}

// Bracket runs measurements between two probes each and counts how many of
// them can be used. The zero value is ready, apart from Probe.
type Bracket struct {
	// Probe measures the raw round trip, like the function of this name.
	Probe func() (time.Duration, error)

	Kept, Discarded int // runs that ended in the regime they began in, or did not
}

// Run probes, runs measure, and probes again. kept says whether the two
// probes are of the same regime; if not, what measure found is to be thrown away.
// It returns the first error of Probe or measure, and then counts nothing.
func (b *Bracket) Run(measure func() error) (r Regime, kept bool, err error) {
	if r.Before, err = b.Probe(); err != nil {
		return r, false, err
	}
	if err = measure(); err != nil {
		return r, false, err
	}
	if r.After, err = b.Probe(); err != nil {
		return r, false, err
	}
	if kept = r.Same(); kept {
		b.Kept++
	} else {
		b.Discarded++
	}
	return r, kept, nil
}
