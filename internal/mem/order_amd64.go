package mem

// OrderLoads has all loads before it happen before all loads behind it, plain
// ones and copies too. On x86-64 loads keep their order anyway.
func OrderLoads() {}

// OrderStores has all stores before it become visible before all stores behind
// it, plain ones and copies too. On x86-64 stores keep their order anyway.
func OrderStores() {}
