package shm

import "golang.org/x/sys/windows"

// lock makes the process's working set larger by what is locked, as Windows
// wants it: by default it is some hundred kilobytes.
func (b *backing) lock() error {
	p, n := address(b.mem), uintptr(len(b.mem))
	err := windows.VirtualLock(p, n)
	if err == nil {
		return nil
	}
	var least, most uintptr
	var flags uint32
	process := windows.CurrentProcess()
	windows.GetProcessWorkingSetSizeEx(process, &least, &most, &flags)
	const slack = 1 << 20
	if grow := windows.SetProcessWorkingSetSizeEx(process, least+n+slack, max(most, least+n+2*slack), flags); grow != nil {
		return failf(grow, "%d bytes: the process's working set of %d bytes can't grow so far", n, least)
	}
	if err = windows.VirtualLock(p, n); err != nil {
		return failf(err, "%d bytes", n)
	}
	return nil
}
