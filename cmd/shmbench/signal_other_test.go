//go:build !linux

package main

import (
	"syscall"
	"testing"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func interruptGroup(t *testing.T, _ int) { t.Skip("tested on Linux") }

func hasChild(t *testing.T, _ int) bool { return true }
