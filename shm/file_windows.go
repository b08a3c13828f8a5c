package shm

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/winsec"
)

// fileID tells the files of a machine apart.
type fileID struct {
	volume uint32
	index  uint64
}

const shareAll = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// longPath returns the path of a file in the form that Windows takes as it is:
// of any length, and with dots at the end.
func longPath(dir, file string) string {
	path := filepath.Join(dir, file)
	switch {
	case strings.HasPrefix(path, `\\?\`), strings.HasPrefix(path, `\\.\`):
		return path
	case strings.HasPrefix(path, `\\`):
		return `\\?\UNC` + path[1:]
	}
	return `\\?\` + path
}

// openPath opens a file, not what it may lead to, and nothing that is not
// there. It waits a moment for somebody who has it for himself: a creator that
// is giving the file its name.
func openPath(path string, access, share, how, flags uint32, sa *windows.SecurityAttributes, wait time.Duration) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	for end := time.Now().Add(wait); ; time.Sleep(betweenLooks) {
		h, err := windows.CreateFile(p, access, share, sa, how, flags|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
		switch {
		case err == nil:
			return h, nil
		case err == windows.ERROR_PATH_NOT_FOUND:
			return 0, failf(err, "directory %q", strings.TrimPrefix(filepath.Dir(path), `\\?\`))
		case err != windows.ERROR_SHARING_VIOLATION || time.Now().After(end):
			return 0, err
		}
	}
}

// identify opens a file for nothing but its identity.
func identify(path string) (windows.Handle, fileID, error) {
	h, err := openPath(path, windows.FILE_READ_ATTRIBUTES, shareAll, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, nil, patience)
	if err != nil {
		return 0, fileID{}, err
	}
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		windows.CloseHandle(h)
		return 0, fileID{}, err
	}
	return h, idOf(&info), nil
}

func idOf(info *windows.ByHandleFileInformation) fileID {
	return fileID{info.VolumeSerialNumber, uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}
}

func sizeOf(info *windows.ByHandleFileInformation) int64 {
	return int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow)
}

// openFile opens a section's file, or refuses it.
func openFile(path string, readOnly bool, wait time.Duration) (h windows.Handle, info windows.ByHandleFileInformation, err error) {
	access := uint32(windows.GENERIC_READ | windows.READ_CONTROL)
	if !readOnly {
		access |= windows.GENERIC_WRITE
	}
	h, err = openPath(path, access, shareAll, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, nil, wait)
	if err != nil {
		if err == windows.ERROR_ACCESS_DENIED {
			err = refusedFile(path)
		}
		return 0, info, err
	}
	if info, err = checkFile(h); err != nil {
		windows.CloseHandle(h)
		return 0, info, err
	}
	return h, info, nil
}

// refusedFile says why a file that may not be opened is none of ours.
func refusedFile(path string) error {
	if p, err := windows.UTF16PtrFromString(path); err == nil {
		if attr, err := windows.GetFileAttributes(p); err == nil && attr&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
			return failf(errs.NotRingway, "it is a directory")
		}
	}
	return failf(errs.Insecure, "this user may not open it")
}

// checkFile refuses what is not a regular file with one name that belongs to us
// alone.
func checkFile(h windows.Handle) (info windows.ByHandleFileInformation, err error) {
	if kind, _ := windows.GetFileType(h); kind != windows.FILE_TYPE_DISK {
		return info, failf(errs.NotRingway, "it is a device or a pipe")
	}
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return info, err
	}
	switch {
	case info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		err = failf(errs.Insecure, "it is a symbolic link, or another reparse point")
	case info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		err = failf(errs.NotRingway, "it is a directory")
	default:
		if err = winsec.Check(h, windows.SE_FILE_OBJECT); err == nil && info.NumberOfLinks != 1 {
			err = failf(errs.Insecure, "the file has %d names, not 1", info.NumberOfLinks)
		}
	}
	return info, err
}

// readDescriptor copies the descriptor out of the file and validates the copy.
func readDescriptor(h windows.Handle, size int64) (Descriptor, error) {
	var page [PageSize]byte
	n, err := readStart(h, page[:])
	if err != nil {
		return Descriptor{}, err
	}
	if n < PageSize {
		return Descriptor{}, failf(errs.NotRingway, "it has %d bytes, a descriptor alone has %d", n, PageSize)
	}
	return decode(&page, size)
}

// readStart reads the file's start into page, as much as there is.
func readStart(h windows.Handle, page []byte) (n int, err error) {
	for n < len(page) {
		var m uint32
		err := windows.ReadFile(h, page[n:], &m, &windows.Overlapped{Offset: uint32(n)})
		if err != nil && err != windows.ERROR_HANDLE_EOF {
			return n, err
		}
		if m == 0 {
			break
		}
		n += int(m)
	}
	return n, nil
}

func peekFile(dir, name string) ([]byte, int64, error) {
	h, info, err := openFile(longPath(dir, filePrefix+name), true, patience)
	if err != nil {
		return nil, 0, err
	}
	defer windows.CloseHandle(h)
	page := make([]byte, PageSize)
	n, err := readStart(h, page)
	return page[:n], sizeOf(&info), err
}

func openFileBacking(dir, name string, readOnly bool) (*backing, Descriptor, error) {
	h, info, err := openFile(longPath(dir, filePrefix+name), readOnly, patience)
	if err != nil {
		return nil, Descriptor{}, err
	}
	defer windows.CloseHandle(h)
	d, err := readDescriptor(h, sizeOf(&info))
	if err != nil {
		return nil, Descriptor{}, err
	}
	b := &backing{file: idOf(&info)}
	if b.mem, err = mapFile(h, nil, readOnly, 0, d.Total); err != nil {
		return nil, Descriptor{}, err
	}
	return b, d, nil
}

// mapFile maps the first total bytes of a file, which it makes size bytes long
// if size is not zero.
func mapFile(h windows.Handle, sa *windows.SecurityAttributes, readOnly bool, size, total int64) ([]byte, error) {
	protect := uint32(windows.PAGE_READWRITE)
	if readOnly {
		protect = windows.PAGE_READONLY
	}
	object, err := createMapping(h, sa, protect, size, "")
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(object) // the mapping keeps the file
	return mapView(object, readOnly, total)
}

// removeFile takes the name away first: a file that is mapped may keep its name
// for as long as it lives, even when it is deleted.
func removeFile(dir, name string) error {
	h, err := openPath(longPath(dir, filePrefix+name), windows.DELETE|windows.SYNCHRONIZE, shareAll, windows.OPEN_EXISTING, 0, nil, patience)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	temp := longPath(dir, tempName(name))
	if err := rename(h, temp); err != nil {
		return err
	}
	step("renamed")
	if deleteFile(h) != nil {
		removePath(temp) // if that fails, too, a later Create does it
	}
	return nil
}

func listFiles(dir string) ([]Info, error) {
	names, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	var infos []Info
	for _, name := range names {
		in := Info{Name: name, Err: CheckName(name)}
		h, info, err := openFile(longPath(dir, filePrefix+name), true, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since
		}
		var d Descriptor
		if err == nil {
			d, err = readDescriptor(h, sizeOf(&info))
			windows.CloseHandle(h)
		}
		if in.Size = sizeOf(&info); in.Err == nil {
			in.Descriptor, in.Err = d, err
		}
		infos = append(infos, in)
	}
	return infos, nil
}

// tempSuffix is at the end of a temporary name; Linux uses others, whose owners
// are told in another way.
const tempSuffix = ".new"

// isTemp reports whether entry is a temporary name, of a creator or of Remove.
func isTemp(entry string) bool {
	rest, ok := strings.CutSuffix(entry, tempSuffix)
	rest, hidden := strings.CutPrefix(rest, "."+filePrefix)
	i := strings.LastIndexByte(rest, '.')
	if !ok || !hidden || i < 1 || len(rest)-i-1 != 16 {
		return false
	}
	_, err := hex.DecodeString(rest[i+1:])
	return err == nil && CheckName(rest[:i]) == nil
}
