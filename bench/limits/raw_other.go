//go:build !amd64

package limits

// native is the fastest pair of loops this machine has.
func native() engine { return portable }

// readTSC is never called: invariantTSC says no.
func readTSC() uint64 { return 0 }

// invariantTSC reports that there is no time stamp counter to use.
func invariantTSC() bool { return false }
