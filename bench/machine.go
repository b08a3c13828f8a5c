package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
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

// taken is how much time of processors programs have taken so far: all of them, and
// this one with its children that have ended, in the hundredths of a second that the
// system counts in.
type taken struct{ all, ours uint64 }

// takenSoFar reads it from the first line of /proc/stat and from /proc/self/stat.
func takenSoFar(stat, self string) (t taken, ok bool) {
	line, _, _ := strings.Cut(stat, "\n")
	_, behind, named := strings.Cut(self[max(strings.LastIndexByte(self, ')'), 0):], " ") // a name may have spaces
	all, ours := strings.Fields(line), strings.Fields(behind)
	if len(all) < 5 || all[0] != "cpu" || !named || len(ours) < 15 {
		return t, false
	}
	sum := func(fields []string) (n uint64) {
		for _, f := range fields {
			v, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				return 0
			}
			n += v
		}
		return n
	}
	t = taken{sum(all[1:4]), sum(ours[11:15])} // user, nice, system; and user, system, those of children
	return t, t.all > 0
}

// busyNote says that a machine did other things, too, when a fifth of its processors'
// time went to others while something was measured.
func busyNote(before, after taken, elapsed time.Duration, cores int) string {
	others := float64(int64(after.all-before.all)-int64(after.ours-before.ours)) / 100 / elapsed.Seconds()
	if !(others > 0.2*float64(cores)) {
		return ""
	}
	return fmt.Sprintf("Other programs were running, on %.1f of %d processors on average: these figures say little", others, cores)
}

// nowTaken is takenSoFar of this moment, zero where the system doesn't say.
func nowTaken() taken {
	stat, _ := os.ReadFile("/proc/stat")
	self, _ := os.ReadFile("/proc/self/stat")
	t, _ := takenSoFar(string(stat), string(self))
	return t
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
