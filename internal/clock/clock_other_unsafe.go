//go:build !windows

package clock

import _ "unsafe" // for the link

// now is the runtime's own clock. Package time has it only as a difference to the
// program's start; the system call that package unix has for it takes several
// times as long.
//
//go:linkname now runtime.nanotime
func now() int64
