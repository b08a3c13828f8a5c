package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/packages"
)

// sources loads the project with its tests and all that it imports, as another
// system sees it.
func sources(t *testing.T, target string) []*packages.Package {
	t.Helper()
	goos, goarch, _ := strings.Cut(target, "/")
	ours := root(t) + string(filepath.Separator)
	found, err := packages.Load(&packages.Config{
		Mode:  packages.LoadAllSyntax | packages.NeedModule,
		Dir:   root(t),
		Env:   append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
		Tests: true,
		ParseFile: func(fset *token.FileSet, name string, text []byte) (*ast.File, error) {
			if strings.HasPrefix(name, ours) {
				return parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
			}
			// Of other modules only the declarations matter.
			file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
			if file != nil {
				for _, d := range file.Decls {
					if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
						f.Body.List = nil
					}
				}
			}
			return file, err
		},
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	packages.Visit(found, nil, func(p *packages.Package) {
		// The go command writes the main packages of tests.
		if p.Module != nil && p.Module.Path == module && !strings.HasSuffix(p.ID, ".test") {
			for _, e := range p.Errors {
				t.Errorf("%s: %v", target, e)
			}
		}
		// Without their bodies, functions of others are full of errors.
		p.IllTyped = false
	})
	return found
}

// What no test runs is type-checked and vetted from source: go vet would first
// compile the whole standard library for each system, as make test-systems does.
func TestEveryOtherSystemCompilesAndVets(t *testing.T) {
	for _, target := range elsewhere {
		t.Run(strings.ReplaceAll(target, "/", "-"), func(t *testing.T) {
			t.Parallel()
			found := sources(t, target)
			if t.Failed() {
				return
			}
			graph, err := checker.Analyze(vet.Suite, found, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, action := range graph.Roots {
				if action.Err != nil {
					t.Errorf("%s: %v: %v", target, action, action.Err)
				}
				for _, d := range action.Diagnostics {
					t.Errorf("%s: %s: %s", target, action.Package.Fset.Position(d.Pos), d.Message)
				}
			}
		})
	}
}
