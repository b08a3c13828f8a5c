//go:build !linux

package shm

import "github.com/ringway/ringway/internal/errs"

func createAnonymous(o *Options, total int64, fill func([]byte)) (*backing, error) {
	return nil, errs.Unsupported
}

func openAnonymous(fd int, o *OpenOptions) (*backing, Descriptor, error) {
	return nil, Descriptor{}, errs.Unsupported
}

func (b *backing) takeFD() (int, error) { return -1, errs.Unsupported }
