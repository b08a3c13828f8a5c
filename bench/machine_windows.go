package bench

import (
	"fmt"

	"golang.org/x/sys/windows"
)

func kernel() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("%d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}

// machineNote tells Wine, whose kernel objects cost ten times those of
// Windows, from Windows.
func machineNote() string {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		return "Under Wine: these figures mean nothing for Windows"
	}
	return ""
}
