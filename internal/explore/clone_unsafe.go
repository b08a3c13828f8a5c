//go:build shmtest

package explore

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// The private memory of a participant is copied before each step and compared
// by fingerprint. It is a tree of structs behind pointers: numbers, strings,
// arrays, slices, other structs. What points into the shared memory, functions
// channels and interfaces are taken over as they are; of an interface only the
// dynamic type counts in the fingerprint. Maps are refused.

// plan says how a type is copied and compared.
type plan struct {
	size uintptr
	segs []seg
	deep bool // has a pointer or slice that must be followed
}

// seg is one piece of a type.
type seg struct {
	off, size uintptr
	kind      reflect.Kind // Uint8: plain bytes; or Pointer, Slice, String, Interface
	elem      *plan
	typ       reflect.Type
	hidden    bool // copied, and not compared
}

func (c copier) planOf(t reflect.Type) *plan {
	if p, ok := c.plans[t]; ok {
		return p
	}
	p := &plan{size: t.Size()}
	c.plans[t] = p // types may be recursive
	c.add(p, t, 0, false)
	return p
}

func (c copier) add(p *plan, t reflect.Type, off uintptr, hidden bool) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			c.add(p, f.Type, off+f.Offset, hidden || slices.Contains(c.ignore, t.Name()+"."+f.Name))
		}
	case reflect.Array:
		for i := range t.Len() {
			c.add(p, t.Elem(), off+uintptr(i)*t.Elem().Size(), hidden)
		}
	case reflect.Pointer:
		p.deep = true
		p.segs = append(p.segs, seg{off: off, size: 8, hidden: hidden, kind: reflect.Pointer, elem: c.planOf(t.Elem()), typ: t.Elem()})
	case reflect.Slice:
		p.deep = true
		p.segs = append(p.segs, seg{off: off, size: 24, hidden: hidden, kind: reflect.Slice, elem: c.planOf(t.Elem()), typ: t.Elem()})
	case reflect.String, reflect.Interface:
		p.segs = append(p.segs, seg{off: off, size: 16, hidden: hidden, kind: t.Kind()})
	case reflect.Map:
		panic(fmt.Sprintf("explore: private memory holds a %v", t))
	default:
		// Neighbours are joined, as long as no padding is between them.
		if n := len(p.segs); n > 0 && p.segs[n-1].kind == reflect.Uint8 && p.segs[n-1].off+p.segs[n-1].size == off && p.segs[n-1].hidden == hidden {
			p.segs[n-1].size += t.Size()
			return
		}
		p.segs = append(p.segs, seg{off: off, size: t.Size(), hidden: hidden, kind: reflect.Uint8})
	}
}

// copier copies and compares private memory around one shared memory.
type copier struct {
	lo, hi uintptr
	ignore []string
	plans  map[reflect.Type]*plan
}

func newCopier(body []byte, ignore []string) copier {
	return copier{addr(body), addr(body) + uintptr(len(body)), ignore, make(map[reflect.Type]*plan)}
}

func (c copier) shared(p unsafe.Pointer) bool { return uintptr(p) >= c.lo && uintptr(p) < c.hi }

// clone returns a copy of what v, a pointer to a struct, points to.
func (c copier) clone(v any) any {
	src := reflect.ValueOf(v)
	dst := reflect.New(src.Type().Elem())
	dst.Elem().Set(src.Elem())
	if p := c.planOf(src.Type().Elem()); p.deep {
		c.fix(p, dst.UnsafePointer())
	}
	return dst.Interface()
}

// fix replaces the pointers in a shallow copy by deep ones.
func (c copier) fix(p *plan, at unsafe.Pointer) {
	for i := range p.segs {
		s := &p.segs[i]
		switch s.kind {
		case reflect.Pointer:
			q := (*unsafe.Pointer)(unsafe.Add(at, s.off))
			if *q == nil || c.shared(*q) {
				continue
			}
			n := reflect.New(s.typ)
			n.Elem().Set(reflect.NewAt(s.typ, *q).Elem())
			*q = n.UnsafePointer()
			if s.elem.deep {
				c.fix(s.elem, *q)
			}
		case reflect.Slice:
			h := (*[]byte)(unsafe.Add(at, s.off))
			data := unsafe.Pointer(unsafe.SliceData(*h))
			if data == nil || c.shared(data) {
				continue
			}
			old := reflect.NewAt(reflect.SliceOf(s.typ), unsafe.Pointer(h)).Elem()
			n := reflect.MakeSlice(old.Type(), old.Len(), old.Len())
			reflect.Copy(n, old)
			old.Set(n)
			for i := range n.Len() {
				if !s.elem.deep {
					break
				}
				c.fix(s.elem, unsafe.Add(n.UnsafePointer(), uintptr(i)*s.elem.size))
			}
		}
	}
}

// hash returns a fingerprint of what v, a pointer to a struct, points to.
func (c copier) hash(v any) uint64 {
	p := reflect.ValueOf(v)
	return c.hashAt(c.planOf(p.Type().Elem()), p.UnsafePointer(), 1)
}

func (c copier) hashAt(p *plan, at unsafe.Pointer, h uint64) uint64 {
	for i := range p.segs {
		s := &p.segs[i]
		if s.hidden {
			continue
		}
		q := unsafe.Add(at, s.off)
		switch s.kind {
		case reflect.Pointer:
			switch to := *(*unsafe.Pointer)(q); {
			case to == nil || c.shared(to):
				h = mix(h, uint64(uintptr(to)))
			default:
				h = c.hashAt(s.elem, to, mix(h, 1))
			}
		case reflect.Slice:
			b := *(*[]byte)(q) // of other elements; its length is right
			data := unsafe.Pointer(unsafe.SliceData(b))
			h = mix(h, uint64(len(b)))
			if c.shared(data) {
				h = mix(h, uint64(uintptr(data)))
				continue
			}
			for i := range len(b) {
				h = c.hashAt(s.elem, unsafe.Add(data, uintptr(i)*s.elem.size), h)
			}
		case reflect.String:
			h = hashBytes(h, []byte(*(*string)(q)))
		case reflect.Interface:
			// The first word says which type: constant, and not moved.
			h = mix(h, uint64(*(*uintptr)(q)))
		default:
			h = hashBytes(h, unsafe.Slice((*byte)(q), s.size))
		}
	}
	return h
}

func hashBytes(h uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h, *(*uint64)(unsafe.Pointer(unsafe.SliceData(b))))
	}
	for _, x := range b {
		h = mix(h, uint64(x))
	}
	return h
}

// offsetIn returns where b, a part of body, begins.
func offsetIn(body, b []byte) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(body))))
}

// addr returns b's address.
func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
