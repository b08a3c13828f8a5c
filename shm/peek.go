package shm

// Peek returns what stands at the beginning of what has the name of a section,
// up to PageSize bytes, and how many bytes there are in all: for looking at one
// that Open refuses because of what is in it. It refuses what Open would not read
// at all (ErrBadName, ErrNotExist, ErrInsecure, ErrNotRingway for what is no
// file). The slice is the caller's. It changes nothing, enters the kernel and
// allocates.
func Peek(name, dir string) (start []byte, size int64, err error) {
	const op = "peek"
	if err := CheckName(name); err != nil {
		return nil, 0, named(op, name, err)
	}
	if dir, err = cleanDir(dir); err == nil {
		start, size, err = peek(dir, name)
	}
	return start, size, named(op, name, err)
}
