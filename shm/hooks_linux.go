package shm

// What tests change to reach the roads less travelled. Nothing else writes
// these variables.
var (
	noTmpfile     bool // as if the file system had no unnamed files
	noRenameExcl  bool // as if it had no exclusive rename either
	noProc        bool // as if /proc were not mounted
	noFallocate   bool // as if the file system could not allocate ahead
	noPopulate    bool // as if the kernel could not prefault
	hugePagesRoot = "/sys/kernel/mm/transparent_hugepage/"
)
