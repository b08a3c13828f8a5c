package limits

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ponger is the other side of a test: another process.
type ponger struct {
	mem  []byte
	cmd  *exec.Cmd
	done chan error
}

// startPonger starts a process that pongs n bytes on the memory it shares,
// pinned to cpu unless that is negative.
func startPonger(t testing.TB, n int, timeout time.Duration, cpu int) *ponger {
	t.Helper()
	file := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(file, make([]byte, MemoryFor(n)), 0o600); err != nil {
		t.Fatal(err)
	}
	mem, err := mapFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &ponger{mem: mem, cmd: exec.Command(self), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), envFile+"="+file, "GORACE=atexit_sleep_ms=0",
		fmt.Sprintf("%s=%d", envBytes, n), fmt.Sprintf("%s=%v", envTimeout, timeout))
	if cpu >= 0 {
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("%s=%d", envCPU, cpu))
	}
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// wait returns how the ponger ended.
func (p *ponger) wait() error { return <-p.done }

// kill ends the ponger at whatever instruction it is.
func (p *ponger) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

func mapFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}
