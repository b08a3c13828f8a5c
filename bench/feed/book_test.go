package feed_test

import (
	"encoding/binary"
	"strings"
	"testing"
)

// A rebuilt book follows a feed the way its reader would, from the messages
// alone and with its own idea of the layouts, and fails the test on a message
// that no exchange could send.
type rebuilt struct {
	t      *testing.T
	last   uint64 // nanoseconds since midnight
	events string
	ref    uint64 // the newest order reference number
	match  uint64 // the newest match number
	stock  map[uint16]string
	open   map[uint16]bool
	orders map[uint64]*live
	types  map[byte]int
}

type live struct {
	locate uint16
	side   byte
	shares uint32
	price  uint32
}

func newRebuilt(t *testing.T) *rebuilt {
	return &rebuilt{t: t, stock: map[uint16]string{}, open: map[uint16]bool{}, orders: map[uint64]*live{}, types: map[byte]int{}}
}

func u16(m []byte, at int) uint16 { return binary.BigEndian.Uint16(m[at:]) }
func u32(m []byte, at int) uint32 { return binary.BigEndian.Uint32(m[at:]) }
func u64(m []byte, at int) uint64 { return binary.BigEndian.Uint64(m[at:]) }

func (r *rebuilt) check(ok bool, m []byte, what string) {
	r.t.Helper()
	if !ok {
		r.t.Fatalf("%s: message %q at %d ns", what, m, r.last)
	}
}

func (r *rebuilt) apply(m []byte) {
	kind, locate, now := m[0], u16(m, 1), uint64(u16(m, 5))<<32|uint64(u32(m, 7))
	r.check(now >= r.last && now < 24*3600*1e9, m, "time goes back, or past midnight")
	r.check(!strings.HasSuffix(r.events, "C"), m, "after the end of messages")
	r.last = now
	r.types[kind]++
	if kind == 'S' {
		r.check(locate == 0, m, "an event of one stock")
		r.events += string(m[11])
		return
	}
	r.check(locate > 0, m, "no stock locate")
	switch kind {
	case 'R':
		r.check(r.stock[locate] == "", m, "a second directory entry")
		r.stock[locate] = string(m[11:19])
	case 'H':
		r.check(string(m[11:]) == r.stock[locate]+"T     ", m, "no trading action for this stock")
		r.open[locate] = true
	default:
		r.check(r.open[locate], m, "an order before trading")
		r.check(r.events != "O" && !strings.Contains(r.events, "E"), m, "an order outside system hours")
		r.trade(m, kind, locate)
		r.check(r.uncrossed(locate), m, "the book is crossed")
	}
}

func (r *rebuilt) trade(m []byte, kind byte, locate uint16) {
	ref := u64(m, 11)
	o := r.orders[ref]
	if strings.IndexByte("AFP", kind) >= 0 {
		r.check(o == nil, m, "an order number twice")
		r.check(string(m[24:32]) == r.stock[locate], m, "another stock")
	} else {
		r.check(o != nil && o.locate == locate, m, "no such order")
	}
	switch kind {
	case 'A', 'F':
		r.check(kind == 'A' || strings.TrimSpace(string(m[36:40])) != "", m, "no attribution")
		r.add(m, ref, live{locate, m[19], u32(m, 20), u32(m, 32)})
	case 'U':
		delete(r.orders, ref)
		r.add(m, u64(m, 19), live{locate, o.side, u32(m, 27), u32(m, 31)})
	case 'D':
		delete(r.orders, ref)
	case 'X':
		r.check(u32(m, 19) < o.shares, m, "a cancel of all or more")
		r.take(m, ref, u32(m, 19))
	case 'E', 'C':
		for otherRef, other := range r.orders {
			if other.locate == locate && other.side == o.side {
				r.check(!better(other, o), m, "a better order waits")
				r.check(other.price != o.price || otherRef >= ref, m, "an older order waits")
			}
		}
		if kind == 'C' {
			r.check(m[31] == 'Y' || m[31] == 'N', m, "neither printable nor not")
			p := &live{side: o.side, price: u32(m, 32)}
			r.check(!better(p, o), m, "worse than the order allows")
		}
		r.take(m, ref, u32(m, 19))
		r.newMatch(m, u64(m, 23))
	case 'P':
		r.check(ref == 0 && m[19] == 'B' && u32(m, 20) > 0 && u32(m, 32) > 0, m, "no trade")
		r.newMatch(m, u64(m, 36))
	default:
		r.check(false, m, "an unexpected type")
	}
}

func better(a, b *live) bool {
	if a.side == 'B' {
		return a.price > b.price
	}
	return a.price < b.price
}

func (r *rebuilt) add(m []byte, ref uint64, o live) {
	r.check(ref > r.ref, m, "an old order number")
	r.check(o.side == 'B' || o.side == 'S', m, "no side")
	r.check(o.shares > 0 && o.price > 0, m, "an order of nothing")
	r.ref, r.orders[ref] = ref, &o
}

func (r *rebuilt) take(m []byte, ref uint64, n uint32) {
	o := r.orders[ref]
	r.check(n > 0 && n <= o.shares, m, "more shares than remain")
	if o.shares -= n; o.shares == 0 {
		delete(r.orders, ref)
	}
}

func (r *rebuilt) newMatch(m []byte, n uint64) {
	r.check(n > r.match, m, "an old match number")
	r.match = n
}

func (r *rebuilt) uncrossed(locate uint16) bool {
	bid, ask := uint32(0), ^uint32(0)
	for _, o := range r.orders {
		switch {
		case o.locate != locate:
		case o.side == 'B':
			bid = max(bid, o.price)
		default:
			ask = min(ask, o.price)
		}
	}
	return bid < ask
}
