//go:build !linux

package main

import (
	"errors"
	"runtime"
)

func pin(int) error { return errors.New("threads are pinned on Linux only") }

func yield() { runtime.Gosched() }
