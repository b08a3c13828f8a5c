package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// books are the books of all symbols, as far as their best prices go.
type books struct {
	orders map[uint64]order
	books  map[uint16]*book // by stock locate
	lost   bool             // messages were missed: only snapshots count
}

type order struct {
	book   *book
	side   int
	shares uint32
	price  uint32 // in ten-thousandths
}

// book is one symbol's: the shares at each price, and the best price of each
// side.
type book struct {
	top
	levels [2]map[uint32]uint64
}

// The sides of a book.
const (
	bid = 0
	ask = 1
)

// top is the best price of each side of a book, and the shares there; no shares
// mean that the side is empty.
type top struct {
	locate uint16
	symbol [8]byte
	price  [2]uint32
	shares [2]uint64
}

func newBooks() *books {
	return &books{orders: make(map[uint64]order), books: make(map[uint16]*book)}
}

// apply takes an ITCH message into account.
func (b *books) apply(m []byte) {
	if b.lost || len(m) < 19 {
		return
	}
	be := binary.BigEndian
	locate, ref := be.Uint16(m[1:]), be.Uint64(m[11:])
	switch m[0] {
	case 'R': // a symbol
		copy(b.book(locate).symbol[:], m[11:19])
	case 'A', 'F': // a new order
		side := bid
		if m[19] == 'S' {
			side = ask
		}
		b.add(ref, order{b.book(locate), side, be.Uint32(m[20:]), be.Uint32(m[32:])})
	case 'E', 'C', 'X': // executed or cancelled in part
		b.reduce(ref, be.Uint32(m[19:]))
	case 'D': // deleted
		b.reduce(ref, b.orders[ref].shares)
	case 'U': // replaced
		if o, ok := b.orders[ref]; ok {
			b.reduce(ref, o.shares)
			o.shares, o.price = be.Uint32(m[27:]), be.Uint32(m[31:])
			b.add(be.Uint64(m[19:]), o)
		}
	}
}

func (b *books) book(locate uint16) *book {
	one := b.books[locate]
	if one == nil {
		one = &book{top: top{locate: locate}, levels: [2]map[uint32]uint64{make(map[uint32]uint64), make(map[uint32]uint64)}}
		b.books[locate] = one
	}
	return one
}

func (b *books) add(ref uint64, o order) {
	b.orders[ref] = o
	o.book.change(o.side, o.price, uint64(o.shares))
}

func (b *books) reduce(ref uint64, shares uint32) {
	o, ok := b.orders[ref]
	if !ok {
		return
	}
	shares = min(shares, o.shares)
	o.book.change(o.side, o.price, -uint64(shares))
	if o.shares -= shares; o.shares == 0 {
		delete(b.orders, ref)
	} else {
		b.orders[ref] = o
	}
}

// change adds shares at a price, or takes them away, and keeps the best price.
func (b *book) change(side int, price uint32, shares uint64) {
	levels := b.levels[side]
	levels[price] += shares
	if levels[price] == 0 {
		delete(levels, price)
	}
	if b.shares[side] == 0 || better(side, price, b.price[side]) {
		b.price[side] = price
	}
	if len(levels) > 0 && levels[b.price[side]] == 0 {
		first := true
		for p := range levels {
			if first || better(side, p, b.price[side]) {
				b.price[side], first = p, false
			}
		}
	}
	b.shares[side] = levels[b.price[side]]
}

func better(side int, a, b uint32) bool { return side == bid && a > b || side == ask && a < b }

// correct takes a snapshot into account, which who missed nothing doesn't need.
func (b *books) correct(t top) {
	if b.lost {
		b.book(t.locate).top = t
	}
}

// tops returns the top of every book.
func (b *books) tops() (all []top) {
	for _, one := range b.books {
		all = append(all, one.top)
	}
	slices.SortFunc(all, func(x, y top) int { return cmp.Compare(x.locate, y.locate) })
	return all
}

func (t top) String() string {
	side := func(s int) string {
		if t.shares[s] == 0 {
			return "-"
		}
		return fmt.Sprintf("%d @ %d.%04d", t.shares[s], t.price[s]/10_000, t.price[s]%10_000)
	}
	return fmt.Sprintf("%-8s bid %s · ask %s", bytes.TrimRight(t.symbol[:], " \x00"), side(bid), side(ask))
}

const topSize = 2 + 8 + 2*(4+8)

func (t top) encode() []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, topSize), t.locate)
	b = append(b, t.symbol[:]...)
	for s := range t.price {
		b = binary.BigEndian.AppendUint32(b, t.price[s])
		b = binary.BigEndian.AppendUint64(b, t.shares[s])
	}
	return b
}

func decodeTop(b []byte) (t top) {
	if len(b) != topSize {
		return t
	}
	t.locate = binary.BigEndian.Uint16(b)
	copy(t.symbol[:], b[2:])
	for s := range t.price {
		at := b[10+12*s:]
		t.price[s], t.shares[s] = binary.BigEndian.Uint32(at), binary.BigEndian.Uint64(at[4:])
	}
	return t
}
