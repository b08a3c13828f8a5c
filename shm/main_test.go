package shm

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childVerb in the environment makes the test program run one of children.
const childVerb = "RINGWAY_SHM_TEST_CHILD"

// children are the programs that tests start as processes of their own. They
// talk over their standard input and output, a line at a time.
var children = map[string]func(args []string){}

func TestMain(m *testing.M) {
	if verb := os.Getenv(childVerb); verb != "" {
		children[verb](os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// command prepares a child; change its Cmd, then start it.
func command(t *testing.T, verb string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe, args...)}
	c.cmd.Env = append(os.Environ(), childVerb+"="+verb)
	c.cmd.Stderr = os.Stderr
	return c
}

func (c *child) start() error {
	c.t.Helper()
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.t.Cleanup(c.kill)
	return nil
}

// run starts a child, or fails the test.
func run(t *testing.T, verb string, args ...string) *child {
	t.Helper()
	c := command(t, verb, args...)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line waits for the child's next line; it is empty when the child has ended.
func (c *child) line() string {
	s, _ := c.out.ReadString('\n')
	return strings.TrimSuffix(s, "\n")
}

// expect waits for the child's next line, which must be want.
func (c *child) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("child said %q, want %q", got, want)
	}
}

// goOn lets a child that paused continue.
func (c *child) goOn() {
	c.t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		c.t.Fatal(err)
	}
}

// kill ends the child, whatever it does, and waits for it.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}

var childInput = bufio.NewReader(os.Stdin)

// pause is for children: it waits for goOn, and ends the child when its parent
// is gone.
func pause() {
	if _, err := childInput.ReadString('\n'); err != nil {
		os.Exit(3)
	}
}
