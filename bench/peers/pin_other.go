//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"runtime"
)

var errPin = errors.New("threads are pinned on Linux only")

const pinnedEnv = "RINGWAY_PEERS_PINNED"

func pin(int) error { return errPin }

func pinProcess(int) error { return errPin }

func dieWithUs(*exec.Cmd) {}

func yield() { runtime.Gosched() }

func smallPages() {}
