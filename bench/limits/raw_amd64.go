package limits

// pingAsm is the pinger's half of the loop; see rawState.
//
//go:noescape
func pingAsm(s *rawState)

// pongAsm is the ponger's half of the loop; see rawState.
//
//go:noescape
func pongAsm(s *rawState)

// native is the fastest pair of loops this machine can be timed with. The
// assembly stamps rounds with the time stamp counter; where that counter may
// change its speed or stop, the portable loops and their clock take over.
func native() engine {
	if Calibrate().TSC {
		return engine{name: "assembly", ping: pingAsm, pong: pongAsm}
	}
	return portable
}
