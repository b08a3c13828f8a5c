package fallback

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// childPipes makes two pipes, whose other ends cmd will inherit.
func childPipes(cmd *exec.Cmd) (stream, []*os.File, error) {
	r, theirW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	theirR, w, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, r.Close(), theirW.Close())
	}
	n := 3 + len(cmd.ExtraFiles)
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirR, theirW)
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("%s=%d,%d", childEnv, n, n+1))
	return &duplex{r: r, w: w}, []*os.File{theirR, theirW}, nil
}

// parentPipes opens what was inherited.
func parentPipes(where []string) (stream, error) {
	var ends []*os.File
	for _, s := range where {
		fd, err := strconv.Atoi(s)
		if err != nil || fd < 3 || len(where) != 2 {
			return nil, failf(ErrBadArgument, "%s is %q", childEnv, where)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
			return nil, failf(ErrBadArgument, "descriptor %d is no pipe", fd)
		}
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, err
		}
		ends = append(ends, os.NewFile(uintptr(fd), "pipe"))
	}
	return &duplex{r: ends[0], w: ends[1]}, nil
}
