package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine says where figures come from.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Note is set where the figures mean little.
	Note string `json:"note,omitempty"`
}

// ThisMachine describes the machine that runs this program.
func ThisMachine() Machine {
	return Machine{
		OS:     runtime.GOOS,
		Arch:   runtime.GOARCH,
		CPU:    cpuModel(),
		Cores:  runtime.NumCPU(),
		Kernel: kernel(),
		Go:     runtime.Version(),
		Note:   machineNote(),
	}
}

// busyNote says that a machine does other things, too, when the load of its last
// minute, in the words of /proc/loadavg, says so.
func busyNote(loadavg string, cores int) string {
	first, _, _ := strings.Cut(loadavg, " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil || load <= 0.75*float64(cores) {
		return ""
	}
	return fmt.Sprintf("Other programs were running, some %.0f at a time on %d processors: these figures say little", load, cores)
}

// cpuModel reads the processor's name where a file says it.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return os.Getenv("PROCESSOR_IDENTIFIER") // Windows sets it
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
