package shm

// onStep, if a test sets it, is called at each step of Create, Attach and Peer.
var onStep func(string)

// step marks a point at which a process may die or be overtaken.
func step(name string) {
	if onStep != nil {
		onStep(name)
	}
}
