//go:build !linux && !windows

package shm

import "github.com/ringway/ringway/internal/errs"

func (b *backing) lock() error { return errs.Unsupported }
