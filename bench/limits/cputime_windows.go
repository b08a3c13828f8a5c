package limits

import (
	"time"

	"golang.org/x/sys/windows"
)

// CPUTime returns the processor time that this process has taken so far.
func CPUTime() time.Duration {
	var created, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &ended, &kernel, &user) != nil {
		return 0
	}
	units := func(f windows.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) }
	return time.Duration(100 * (units(kernel) + units(user)))
}
