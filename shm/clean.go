package shm

// Clean removes from dir (as in Options) what dead programs have left beside the
// sections: the files of creators that were killed before they were done, and
// doorbells that nobody has open. It touches no section and nothing that anybody
// alive uses, and may be called at any time. It returns how many names it took
// away. On Windows there is nothing to clean that a Create would not. Clean
// enters the kernel and allocates; it returns an error only if the directory
// cannot be read.
func Clean(dir string) (removed int, err error) {
	dir, err = cleanDir(dir)
	if err != nil {
		return 0, named("clean", dir, err)
	}
	removed, err = removeRemains(dir)
	return removed, named("clean", dir, err)
}
