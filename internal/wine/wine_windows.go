package wine

import (
	"sync"
	"syscall"
)

// running looks for the function that Wine's ntdll.dll exports to be recognized
// by, and that the ntdll.dll of Windows does not have.
var running = sync.OnceValue(func() bool {
	return syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
})
