// Package proctest runs parts of a test program as processes of their own, to
// be killed, stopped and talked to by tests. They talk over standard input and
// output, a line at a time. It also knows how long a test waits for what must
// happen.
package proctest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Patience bounds a wait for what must happen, so that a test that would hang
// says what it waits for. It is no measure of anything: the machine may be slow,
// or stand still for a while, and a test must not fail for that.
const Patience = 3 * time.Minute

// Until waits for what, looking time and again whether it is so, and fails the
// test when it never is.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(100 * time.Microsecond) {
		if time.Since(start) > Patience && !is() {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// verbEnv makes the test program run one of its children instead of its tests.
const verbEnv = "RINGWAY_TEST_CHILD"

// Children are programs by their verbs.
type Children map[string]func(args []string)

// Main is for TestMain: it runs the child that this process was started as, or
// else the tests, and doesn't return.
func Main(m *testing.M, children Children) {
	verb := os.Getenv(verbEnv)
	if verb == "" {
		os.Exit(m.Run())
	}
	run, ok := children[verb]
	if !ok {
		Fail(fmt.Errorf("no child program %q", verb))
	}
	run(os.Args[1:])
	os.Exit(0)
}

// Fail ends a child with an error on standard error.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

var input = bufio.NewReader(os.Stdin)

// Pause is for children: it waits for GoOn, and ends the child when its parent
// is gone.
func Pause() {
	if _, err := input.ReadString('\n'); err != nil {
		os.Exit(3)
	}
}

// Child is a running child process, as a test sees it.
type Child struct {
	// Cmd may be changed between Command and Start.
	Cmd *exec.Cmd

	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// Command prepares a child.
func Command(t *testing.T, verb string, args ...string) *Child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &Child{t: t, Cmd: exec.Command(exe, args...)}
	c.Cmd.Env = append(os.Environ(), verbEnv+"="+verb)
	c.Cmd.Stderr = os.Stderr
	return c
}

// Run starts a child, or fails the test.
func Run(t *testing.T, verb string, args ...string) *Child {
	t.Helper()
	c := Command(t, verb, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Start starts a prepared child. It is killed when the test ends.
func (c *Child) Start() error {
	c.t.Helper()
	return c.StartBy(c.Cmd.Start)
}

// StartBy is Start for a child that start, which is given, starts.
func (c *Child) StartBy(start func() error) error {
	c.t.Helper()
	var err error
	if c.in, err = c.Cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	out, err := c.Cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := start(); err != nil {
		return err
	}
	c.t.Cleanup(c.Kill)
	return nil
}

// Line waits for the child's next line; it is empty when the child has ended.
func (c *Child) Line() string {
	s, _ := c.out.ReadString('\n')
	return strings.TrimRight(s, "\r\n")
}

// Expect waits for the child's next line, which must be want.
func (c *Child) Expect(want string) {
	c.t.Helper()
	if got := c.Line(); got != want {
		c.t.Fatalf("the child said %q, want %q", got, want)
	}
}

// GoOn lets a child that is in Pause continue.
func (c *Child) GoOn() {
	c.t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		c.t.Fatal(err)
	}
}

// Wait waits for the child's end and returns how it ended.
func (c *Child) Wait() error { return c.Cmd.Wait() }

// Kill kills the child, whatever it does, and waits for its end.
func (c *Child) Kill() {
	if c.Cmd.Process != nil && c.Cmd.ProcessState == nil {
		_ = c.Cmd.Process.Kill()
		_ = c.Cmd.Wait()
	}
}
