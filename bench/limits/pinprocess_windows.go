package limits

import (
	"fmt"
	"math/bits"

	"golang.org/x/sys/windows"
)

var procSetProcessAffinity = kernel32.NewProc("SetProcessAffinityMask")

// PinProcess pins all threads of this process to a processor, without locking
// goroutines to them. It returns an error when the system refuses.
func PinProcess(cpu int) error {
	if cpu < 0 || cpu >= bits.UintSize {
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, windows.ERROR_INVALID_PARAMETER)
	}
	if ok, _, err := procSetProcessAffinity.Call(uintptr(windows.CurrentProcess()), 1<<cpu); ok == 0 {
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
	}
	return nil
}
