//go:build !windows

package bench

import (
	"os"
	"strings"
)

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func machineNote() string { return "" }
