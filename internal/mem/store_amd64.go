//go:build amd64 && !race

package mem

const raceEnabled = false

// StoreRelease stores v in a word of this process with the order of
// [Region.StoreRelease64]. It is a plain MOV: x86-64 makes stores visible in
// program order (total store order) and the compiler keeps them in source
// order, so everything stored before is visible to whoever loads v.
func StoreRelease(p *uint64, v uint64) { *p = v }
