package limits

// rdtsc reads the time stamp counter, unserialised.
func rdtsc() uint64

// cpuid answers two registers of CPUID for leaf, sub-leaf 0.
func cpuid(leaf uint32) (eax, edx uint32)

// readTSC reads the counter that invariantTSC vouches for.
func readTSC() uint64 { return rdtsc() }

// invariantTSC reports whether the time stamp counter runs at one constant
// speed in all power states: CPUID leaf 0x80000007, EDX bit 8.
func invariantTSC() bool {
	const leaf = 0x80000007
	if highest, _ := cpuid(0x80000000); highest < leaf {
		return false
	}
	_, edx := cpuid(leaf)
	return edx&(1<<8) != 0
}
