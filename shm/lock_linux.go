package shm

import (
	"golang.org/x/sys/unix"
)

func (b *backing) lock() error {
	err := unix.Mlock(b.mem)
	if err == unix.ENOMEM || err == unix.EPERM || err == unix.EAGAIN {
		var limit unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
		return failf(err, "%d bytes: this process may lock %d in all; raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK= of a service) or give the program CAP_IPC_LOCK",
			len(b.mem), limit.Cur)
	}
	return err
}
