//go:build !amd64

package mem

// OrderLoads has all loads before it happen before all loads behind it, plain
// ones and copies too. An atomic exchange is the least that Go has for it.
func OrderLoads() { Fence() }

// OrderStores has all stores before it become visible before all stores behind
// it, plain ones and copies too. An atomic exchange is the least that Go has for
// it.
func OrderStores() { Fence() }
