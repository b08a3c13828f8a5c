//go:build !race

package mem

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// assembly returns the instructions of each function of the package in dir, by
// the function's name, as an ordinary build compiles them.
func assembly(t *testing.T, dir string) map[string][]string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go tool here to compile the package with")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the source is not here")
	}
	cmd := exec.Command(goTool, "build", "-gcflags=-S", dir)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go build -gcflags=-S %s: %v\n%s", dir, err, out)
	}
	functions := make(map[string][]string)
	var name string
	for line := range strings.Lines(string(out)) {
		if symbol, rest, ok := strings.Cut(line, " "); ok && strings.HasPrefix(rest, "STEXT") {
			name = symbol[strings.LastIndexByte(symbol, '/')+1:]
			continue
		}
		// 	0x0006 00006 (file.go:11)	MOVQ	DI, (AX)(CX*1)
		if f := strings.SplitN(strings.TrimSpace(line), "\t", 3); len(f) >= 2 && strings.HasPrefix(f[0], "0x") && name != "" {
			functions[name] = append(functions[name], strings.Join(f[1:], " "))
		}
	}
	return functions
}

// fences returns the instructions that order more than a plain move does.
func fences(code []string) (found []string) {
	for _, c := range code {
		op, operands, _ := strings.Cut(c, " ")
		// XCHGL AX, AX is what the assembler calls a NOP.
		if strings.HasPrefix(op, "XCHG") && strings.Contains(operands, "(") ||
			op == "LOCK" || op == "MFENCE" || strings.HasPrefix(op, "CMPXCHG") || strings.HasPrefix(op, "XADD") {
			found = append(found, c)
		}
	}
	return found
}

// stores counts the moves of a 64-bit register or constant to memory.
func stores(code []string) (n int) {
	for _, c := range code {
		if op, operands, _ := strings.Cut(c, " "); op == "MOVQ" && strings.HasSuffix(operands, ")") &&
			!strings.Contains(operands, "(SP)") && !strings.Contains(operands, "(FP)") {
			n++
		}
	}
	return n
}

func TestStoreReleaseIsAPlainMove(t *testing.T) {
	functions := assembly(t, ".")
	// What this test would see if the store were another one.
	if code := functions["mem.Region.Store64"]; len(fences(code)) == 0 {
		t.Fatalf("no XCHG found in Store64; this test is blind:\n%s", strings.Join(code, "\n"))
	}
	for _, name := range []string{"mem.StoreRelease", "mem.Region.StoreRelease64"} {
		code, ok := functions[name]
		if !ok {
			t.Errorf("%s was not compiled", name)
			continue
		}
		if f := fences(code); len(f) > 0 || stores(code) != 1 {
			t.Errorf("%s has %d plain stores and the fences %q, want one store and no fence", name, stores(code), f)
		}
	}
}

func TestRingsPublishWithPlainMoves(t *testing.T) {
	functions := assembly(t, "../../ring")
	for name, least := range map[string]int{
		"ring.(*SPSCProducer).publish":      3, // next header, header, position
		"ring.(*SPSCProducer).Put":          3,
		"ring.(*SPSCProducer).Seal":         2, // next header, header
		"ring.(*SPSCProducer).trySendBatch": 1,
		"ring.(*SPSCConsumer).Next":         0,
		"ring.(*SPSCConsumer).Publish":      1,
	} {
		code, ok := functions[name]
		if !ok {
			// The smaller ones may be inlined everywhere one day; then
			// their callers have their stores.
			t.Logf("%s was not compiled on its own", name)
			continue
		}
		if f := fences(code); len(f) > 0 {
			t.Errorf("%s contains %q: a fence on the fast path", name, f)
		}
		if n := stores(code); n < least {
			t.Errorf("%s has %d plain stores, want at least %d", name, n, least)
		}
	}
}

func TestSmallMessagesGoAndComeWithoutACallIntoPackageRing(t *testing.T) {
	functions := assembly(t, "../..")
	for name, least := range map[string]int{
		"ringway.(*Producer).SendTyped": 5, // payload, next header, header, and two positions
		"ringway.(*Consumer).Recv":      2, // two positions
	} {
		code := functions[name]
		if n := stores(code); n < least {
			t.Errorf("%s has %d plain stores, want at least %d", name, n, least)
		}
		if f := fences(code); len(f) > 0 {
			t.Errorf("%s contains %q: a fence on the fast path", name, f)
		}
		for _, c := range code {
			if strings.HasPrefix(c, "CALL") && strings.Contains(c, "ringway/ring.") {
				t.Errorf("%s has %s", name, c)
			}
		}
	}
}
