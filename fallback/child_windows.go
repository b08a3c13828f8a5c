package fallback

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// childPipes makes a pipe, whose other end cmd will inherit. Windows makes its
// anonymous pipes just so, of a name that nobody knows; but those can't be
// waited for with a deadline.
func childPipes(cmd *exec.Cmd) (stream, []*os.File, error) {
	path := `\\.\pipe\ringway-child.` + rand.Text()
	h, err := newInstance(path, true)
	if err != nil {
		return nil, nil, err
	}
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		windows.CloseHandle(h)
		return nil, nil, err
	}
	theirs, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OVERLAPPED, 0)
	if err == nil {
		if err = windows.SetHandleInformation(theirs, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
			windows.CloseHandle(theirs)
		}
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, nil, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, syscall.Handle(theirs))
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("%s=%d", childEnv, theirs))
	return os.NewFile(uintptr(h), "pipe"), []*os.File{os.NewFile(uintptr(theirs), "pipe")}, nil
}

// parentPipes opens what was inherited.
func parentPipes(where []string) (stream, error) {
	h, err := strconv.ParseUint(where[0], 10, 64)
	if err != nil || len(where) != 1 {
		return nil, failf(ErrBadArgument, "%s is %q", childEnv, where)
	}
	if kind, err := windows.GetFileType(windows.Handle(h)); err != nil || kind != windows.FILE_TYPE_PIPE {
		return nil, failf(ErrBadArgument, "handle %d is no pipe", h)
	}
	_ = windows.SetHandleInformation(windows.Handle(h), windows.HANDLE_FLAG_INHERIT, 0)
	return os.NewFile(uintptr(h), "pipe"), nil
}
