package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Pin locks the calling goroutine to its thread and the thread to a
// processor, until the goroutine ends; it should then end without having called
// runtime.UnlockOSThread, so that the pinned thread ends too. It returns an
// error when the system refuses: there is no such processor, or it is not in
// the process's cpuset.
func Pin(cpu int) error {
	var set unix.CPUSet
	if cpu >= 0 {
		set.Set(cpu)
	}
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
	}
	return nil
}

func allowedCPUs() (list []int) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		for c := range len(set) * strconv.IntSize {
			if set.IsSet(c) {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		for c := range runtime.NumCPU() {
			list = append(list, c)
		}
	}
	return list
}

func readTopology(cpu int) topology {
	dir := fmt.Sprintf("/sys/devices/system/cpu/cpu%d", cpu)
	t := topology{
		pkg:   firstNumber(dir + "/topology/physical_package_id"),
		core:  firstNumber(dir + "/topology/core_id"),
		cache: -1,
	}
	// The highest cache level is the one that the most processors share; the
	// lowest of these names the group.
	indexes, _ := filepath.Glob(dir + "/cache/index*")
	level := 0
	for _, index := range indexes {
		if l := firstNumber(index + "/level"); l > level {
			level, t.cache = l, firstNumber(index+"/shared_cpu_list")
		}
	}
	return t
}

// firstNumber is the number a file begins with, -1 when there is none.
func firstNumber(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	digits := strings.FieldsFunc(string(text), func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 || !strings.HasPrefix(string(text), digits[0]) {
		return -1
	}
	n, err := strconv.Atoi(digits[0])
	if err != nil {
		return -1
	}
	return n
}
