// Package lint holds the rules that the project keeps, as tests.
package lint

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ringway/ringway"

// inCore are the packages that programs embed.
var inCore = []string{module, module + "/ring", module + "/shm", module + "/sync", module + "/fallback", module + "/inspect"}

// here are the systems whose programs the tests run, elsewhere those that the
// project is also built for. Where something is not implemented there, an error
// says so; it must compile all the same.
var (
	here      = []string{"linux/amd64", "windows/amd64"}
	elsewhere = []string{"linux/arm64", "linux/386", "darwin/arm64", "freebsd/amd64"}
)

// lavish lets programs that soon end collect less garbage, a fifth of their time.
const lavish = "GOGC=400"

// goTool runs the go command in the module's root and returns what it prints.
func goTool(t *testing.T, env []string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the rules are checked where there is a go command")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root(t)
	cmd.Env = append(append(os.Environ(), lavish), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("go %s (%v): %v\n%s%s", strings.Join(args, " "), env, err, out, stderr.Bytes())
	}
	return string(out)
}

// asTested returns the environment in which what is compiled for a system will
// be found by its tests.
func asTested(t *testing.T, goos string) []string {
	t.Helper()
	env := []string{"GOOS=" + goos, "CGO_ENABLED=0"}
	if goos == "windows" && runtime.GOOS == "linux" {
		flag, err := exec.Command(filepath.Join(root(t), "scripts", "windows-overlay")).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, strings.TrimSpace("GOFLAGS="+os.Getenv("GOFLAGS")+" "+string(flag)))
	}
	return env
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goFiles calls f for each Go file of the project, its path relative to the
// root and with slashes.
func goFiles(t *testing.T, f func(path, full string)) {
	t.Helper()
	dir := root(t)
	err := filepath.WalkDir(dir, func(full string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && full != dir {
			return filepath.SkipDir
		}
		if strings.HasSuffix(full, ".go") {
			rel, err := filepath.Rel(dir, full)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(rel), full)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hooked returns the packages that the tag shmtest changes.
func hooked(t *testing.T) (packages []string) {
	t.Helper()
	goFiles(t, func(path, full string) {
		text, err := os.ReadFile(full)
		if err != nil {
			t.Error(err)
		}
		pkg := "./" + filepath.ToSlash(filepath.Dir(path))
		if bytes.Contains(text, []byte("\n//go:build shmtest")) || bytes.HasPrefix(text, []byte("//go:build shmtest")) {
			packages = append(packages, pkg)
		}
	})
	slices.Sort(packages)
	return slices.Compact(packages)
}

func TestTheCoreCompilesOnlyTheStandardLibraryAndTwoModules(t *testing.T) {
	allowed := []string{module, "golang.org/x/sys", "github.com/cespare/xxhash/v2"}
	for _, target := range slices.Concat(here, elsewhere) {
		goos, goarch, _ := strings.Cut(target, "/")
		list := goTool(t, []string{"GOOS=" + goos, "GOARCH=" + goarch},
			append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, inCore...)...)
		for _, dep := range strings.Fields(list) {
			if !slices.ContainsFunc(allowed, func(a string) bool { return dep == a || strings.HasPrefix(dep, a+"/") }) {
				t.Errorf("%s: the core compiles %s; go mod why says for what", target, dep)
			}
		}
	}
}

func TestArrowsBetweenThePackagesPointOneWay(t *testing.T) {
	// What each package of the core may import of the others.
	may := map[string][]string{
		"/ring": {},
		"/shm":  {},
		"/sync": {"/shm"},

		"/fallback": {"/ring", "/shm", "/sync"},
		"/inspect":  {"/ring", "/shm", "/sync"},
		"/metrics":  {"/ring", "/shm", "/sync", "/inspect", "/fallback"},
	}
	for pkg, others := range may {
		list := goTool(t, nil, "list", "-f", `{{join .Imports "\n"}}`, module+pkg)
		for _, imp := range strings.Fields(list) {
			rest, ours := strings.CutPrefix(imp, module)
			if ours && !strings.HasPrefix(rest, "/internal/") && !slices.Contains(others, rest) {
				t.Errorf("%s imports %s", module+pkg, imp)
			}
		}
	}
}

func TestUnsafeIsOnlyInFilesNamedForIt(t *testing.T) {
	goFiles(t, func(path, full string) {
		file, err := parser.ParseFile(token.NewFileSet(), full, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		var imports []string
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Error(err)
			}
			imports = append(imports, imp)
		}
		name := strings.TrimSuffix(strings.TrimSuffix(path, ".go"), "_test")
		if slices.Contains(imports, "unsafe") && !strings.HasSuffix(name, "_unsafe") {
			t.Errorf("%s imports unsafe", path)
		}
		if slices.Contains(imports, "sync") && slices.Contains(imports, module+"/sync") {
			t.Errorf("%s imports two packages named sync", path)
		}
	})
}

func TestEveryFileIsFormatted(t *testing.T) {
	if _, err := exec.LookPath("gofmt"); err != nil {
		t.Skip("the rules are checked where there is gofmt")
	}
	cmd := exec.Command("gofmt", "-l", ".")
	cmd.Dir = root(t)
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("gofmt -l: %v\n%s", err, out)
	}
}

func TestVetFindsNothing(t *testing.T) {
	for _, target := range here {
		t.Run(strings.ReplaceAll(target, "/", "-"), func(t *testing.T) {
			goos, goarch, _ := strings.Cut(target, "/")
			env := append(asTested(t, goos), "GOARCH="+goarch)
			goTool(t, env, "vet", "./...")
			goTool(t, env, append([]string{"vet", "-tags", "shmtest"}, hooked(t)...)...)
		})
	}
}

func TestStaticcheckFindsNothing(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		for _, tags := range []string{"", "shmtest"} {
			if goos == "windows" && tags != "" {
				continue // the tag changes nothing that depends on the system
			}
			t.Run(fmt.Sprintf("%s %s", goos, tags), func(t *testing.T) {
				// The tool is built for this machine, whatever it checks.
				tool := strings.TrimSpace(goTool(t, nil, "tool", "-n", "staticcheck"))
				if tool == "" {
					return
				}
				packages := []string{"./..."}
				if tags != "" {
					packages = hooked(t)
				}
				cmd := exec.Command(tool, append([]string{"-tags", tags}, packages...)...)
				cmd.Dir = root(t)
				cmd.Env = append(append(os.Environ(), lavish, "GOARCH=amd64"), asTested(t, goos)...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("staticcheck: %v\n%s", err, out)
				}
			})
		}
	}
}
