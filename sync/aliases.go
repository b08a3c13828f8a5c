package sync

import "sync"

// What Ringway uses of the standard package.
type (
	// Mutex is sync.Mutex.
	Mutex = sync.Mutex
	// Once is sync.Once.
	Once = sync.Once
	// Pool is sync.Pool.
	Pool = sync.Pool
	// WaitGroup is sync.WaitGroup.
	WaitGroup = sync.WaitGroup
)
