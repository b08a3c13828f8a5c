package limits

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// A child that plays the ponger finds what to do in these variables.
const (
	envFile    = "RINGWAY_LIMITS_FILE"    // the shared memory; a child is meant when set
	envBytes   = "RINGWAY_LIMITS_BYTES"   // payload
	envTimeout = "RINGWAY_LIMITS_TIMEOUT" // of Pong
	envCPU     = "RINGWAY_LIMITS_CPU"     // to pin to, if set
	envChild   = "RINGWAY_LIMITS_CHILD"   // another child than the ponger
)

// children are other children than the ponger.
var children = map[string]func(mem []byte) error{}

func TestMain(m *testing.M) {
	if os.Getenv(envFile) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// child is the second process: it pongs until the pinger ends it.
func child() int {
	var bytes, cpu int
	fmt.Sscan(os.Getenv(envBytes), &bytes)
	other := children[os.Getenv(envChild)]
	timeout, err := time.Duration(0), error(nil)
	if other == nil {
		timeout, err = time.ParseDuration(os.Getenv(envTimeout))
	}
	if err == nil && os.Getenv(envCPU) != "" {
		fmt.Sscan(os.Getenv(envCPU), &cpu)
		err = Pin(cpu)
	}
	var mem []byte
	if err == nil {
		mem, err = mapFile(os.Getenv(envFile))
	}
	if err == nil && other != nil {
		err = other(mem)
	} else if err == nil {
		_, err = Pong(mem, bytes, timeout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ponger:", err)
		return 1
	}
	return 0
}
