package shm

import (
	"os"
	"slices"
	"strings"

	"github.com/ringway/ringway/internal/errs"
)

// MaxName is the largest length of a section's name in bytes.
const MaxName = 200

// CheckName returns nil if name can name a section: 1..MaxName bytes, each a
// letter or digit of ASCII, '.', '_' or '-', the first neither '.' nor '-'.
// Otherwise it returns ErrBadName, with what is wrong and where. It does not
// enter the kernel.
func CheckName(name string) error {
	const op = "check name"
	switch {
	case name == "":
		return named(op, name, failf(errs.BadName, "it is empty"))
	case len(name) > MaxName:
		return named(op, name, failf(errs.BadName, "%d bytes are more than %d", len(name), MaxName))
	case name[0] == '.' || name[0] == '-':
		return named(op, name, failf(errs.BadName, "it starts with %q", name[0]))
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return named(op, name, failf(errs.BadName, "byte %d is %q, not one of A-Z, a-z, 0-9, '.', '_', '-'", i, []byte{c}))
		}
	}
	return nil
}

// Remove takes the name away from a section, whatever has it, as long as it is
// not a directory. Processes that have the section open go on undisturbed, and
// its memory lives until the last of them closes it; the name is free at once.
// On Windows a section without a directory has no name to take away: it is gone
// when the last process has closed it, and Remove only says whether it is there
// (ErrNotRingway or ErrInsecure if something else has the name).
//
// Remove enters the kernel. Errors: ErrBadName, ErrNotExist, and those of the
// operating system.
func Remove(name, dir string) error {
	const op = "remove"
	if err := CheckName(name); err != nil {
		return named(op, name, err)
	}
	dir, err := cleanDir(dir)
	if err != nil {
		return named(op, name, err)
	}
	return named(op, name, removeName(dir, name))
}

// Names returns what List would look at, without looking: the names of all
// sections in dir, good or bad, sorted. On Windows, without a directory, those
// whose creators are still at work are among them. Names enters the kernel and
// allocates. It returns an error only if the directory cannot be read.
func Names(dir string) ([]string, error) {
	dir, err := cleanDir(dir)
	if err != nil {
		return nil, named("list", dir, err)
	}
	names, err := listNames(dir)
	if err != nil {
		return nil, named("list", dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// Info is what List found under one name.
type Info struct {
	Name       string     // of the section; not always one that CheckName accepts
	Size       int64      // bytes of the file, 0 if unknown
	Descriptor Descriptor // zero if Err is not nil
	Err        error      // why Open would refuse it; nil for a good section
}

// List returns what has the name of a section in dir (as in Options), sorted by
// name: good sections, and bad ones with the reason. It writes nothing and does
// not wait. List enters the kernel and allocates. It returns an error only if
// the directory cannot be read.
func List(dir string) ([]Info, error) {
	dir, err := cleanDir(dir)
	if err != nil {
		return nil, named("list", dir, err)
	}
	infos, err := listSections(dir)
	if err != nil {
		return nil, named("list", dir, err)
	}
	for i := range infos {
		infos[i].Err = named("list", infos[i].Name, infos[i].Err)
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// namesIn returns the names of the sections that have files in dir.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), filePrefix); ok {
			names = append(names, name)
		}
	}
	return names, nil
}
