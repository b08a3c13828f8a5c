//go:build !linux

package shm

func removeRemains(string) (int, error) { return 0, nil }
