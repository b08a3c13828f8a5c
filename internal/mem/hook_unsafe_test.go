//go:build shmtest

package mem

import (
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"
)

// record sets a hook that notes all accesses, and lets change act on each.
func record(t *testing.T, change func(Access)) *[]Access {
	var seen []Access
	Hook = func(a *Access) {
		seen = append(seen, *a)
		if change != nil {
			change(*a)
		}
	}
	t.Cleanup(func() { Hook = nil })
	return &seen
}

func TestHookSeesEachAccessBeforeAndAfterItWithItsValues(t *testing.T) {
	b := words(128)
	r := Of(b).Slice(64, 64)
	binary.NativeEndian.PutUint64(b[72:], 5)
	binary.NativeEndian.PutUint32(b[84:], 6)
	base := uintptr(unsafe.Pointer(&b[64]))

	for _, c := range []struct {
		name          string
		do            func()
		before, after Access
	}{
		{"Load64", func() { r.Load64(8) },
			Access{Op: OpLoad, Off: 8, Width: 8}, Access{Op: OpLoad, Off: 8, Width: 8, Value: 5}},
		{"Poll64", func() { r.Poll64(8, 5, 64, 2) }, // one look, so that steps can be counted
			Access{Op: OpLoad, Off: 8, Width: 8}, Access{Op: OpLoad, Off: 8, Width: 8, Value: 5}},
		{"StoreRelease64", func() { r.StoreRelease64(8, 7) },
			Access{Op: OpStoreRelease, Off: 8, Width: 8, Value: 7}, Access{Op: OpStoreRelease, Off: 8, Width: 8, Value: 7}},
		{"Store64", func() { r.Store64(8, 8) },
			Access{Op: OpStore, Off: 8, Width: 8, Value: 8}, Access{Op: OpStore, Off: 8, Width: 8, Value: 8}},
		{"CAS64 in vain", func() { r.CAS64(8, 1, 2) },
			Access{Op: OpCAS, Off: 8, Width: 8, Old: 1, Value: 2}, Access{Op: OpCAS, Off: 8, Width: 8, Old: 1, Value: 2}},
		{"CAS64", func() { r.CAS64(8, 8, 9) },
			Access{Op: OpCAS, Off: 8, Width: 8, Old: 8, Value: 9}, Access{Op: OpCAS, Off: 8, Width: 8, Old: 8, Value: 9, OK: true}},
		{"Add64", func() { r.Add64(8, 2) },
			Access{Op: OpAdd, Off: 8, Width: 8, Value: 2}, Access{Op: OpAdd, Off: 8, Width: 8, Value: 11}},
		{"Load32", func() { r.Load32(20) },
			Access{Op: OpLoad, Off: 20, Width: 4}, Access{Op: OpLoad, Off: 20, Width: 4, Value: 6}},
		{"Store32", func() { r.Store32(20, 3) },
			Access{Op: OpStore, Off: 20, Width: 4, Value: 3}, Access{Op: OpStore, Off: 20, Width: 4, Value: 3}},
		{"CAS32", func() { r.CAS32(20, 3, 4) },
			Access{Op: OpCAS, Off: 20, Width: 4, Old: 3, Value: 4}, Access{Op: OpCAS, Off: 20, Width: 4, Old: 3, Value: 4, OK: true}},
		{"Add32", func() { r.Add32(20, 3) },
			Access{Op: OpAdd, Off: 20, Width: 4, Value: 3}, Access{Op: OpAdd, Off: 20, Width: 4, Value: 7}},
	} {
		seen := record(t, nil)
		c.do()
		c.before.Addr = base + uintptr(c.before.Off)
		c.after.Addr, c.after.After = c.before.Addr, true
		if want := []Access{c.before, c.after}; !slices.Equal(*seen, want) {
			t.Errorf("%s: the hook saw\n%+v, want\n%+v", c.name, *seen, want)
		}
	}

	seen := record(t, nil)
	r.Bytes(5, 11)
	if want := []Access{{Op: OpBytes, Off: 5, Width: 11, Addr: base + 5}}; !slices.Equal(*seen, want) {
		t.Errorf("Bytes: the hook saw %+v, want %+v", *seen, want)
	}
}

func TestHookRunsAroundTheAccessItself(t *testing.T) {
	b := words(64)
	r := Of(b)
	word := func() uint64 { return binary.NativeEndian.Uint64(b[8:]) }
	set := func(v uint64) { binary.NativeEndian.PutUint64(b[8:], v) }
	var before, after uint64
	record(t, func(a Access) {
		if a.After {
			after = word()
		} else {
			before = word()
		}
	})
	for name, store := range map[string]func(uint64){
		"StoreRelease64": func(v uint64) { r.StoreRelease64(8, v) },
		"Store64":        func(v uint64) { r.Store64(8, v) },
		"CAS64":          func(v uint64) { r.CAS64(8, 1, v) },
		"Add64":          func(v uint64) { r.Add64(8, v-1) },
	} {
		set(1)
		store(20)
		if before != 1 || after != 20 {
			t.Errorf("%s of 20 over 1: the word is %d before and %d after it", name, before, after)
		}
	}
}

func TestHookCanChangeAWordBetween(t *testing.T) {
	b := words(64)
	r := Of(b)
	set := func(v uint64) { binary.NativeEndian.PutUint64(b[8:], v) }

	record(t, func(a Access) {
		if !a.After {
			set(7) // just before it's loaded
		} else {
			set(9) // just after
		}
	})
	if got := r.Load64(8); got != 7 {
		t.Errorf("Load64 gives %d, want the 7 that was stored just before it", got)
	}
	Hook = nil
	if got := r.Load64(8); got != 9 {
		t.Errorf("the word is %d, want the 9 that was stored just after the load", got)
	}

	record(t, func(a Access) {
		if !a.After {
			set(8)
		}
	})
	if r.CAS64(8, 9, 1) {
		t.Error("CAS64 succeeds though the word changed just before it")
	}
}

func TestHookMayEndTheAccessByAPanic(t *testing.T) {
	b := words(64)
	r := Of(b)
	record(t, func(a Access) { panic("dead") })
	if text, ok := panics(func() { r.StoreRelease64(8, 1) }); !ok || text != "dead" {
		t.Errorf("the hook's panic is %t %q", ok, text)
	}
	if b[8] != 0 {
		t.Error("the store took place after its hook panicked")
	}
}
