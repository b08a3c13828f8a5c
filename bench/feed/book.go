package feed

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Prices have four decimals; these are in ten-thousandths of a dollar.
const (
	tick      = 100        // a cent, the step of displayed prices
	fairLeast = 5 * 10_000 // where the walk of the fair price turns back
	fairMost  = 2000 * 10_000
)

// How many orders a side of a book has: below the least only new ones come, at
// the most none.
const (
	depthLeast = 3
	depthMost  = 40
)

// The sides of a book.
const (
	bids = 0
	asks = 1
)

// sideCode is the buy/sell indicator of each side.
var sideCode = [2]byte{bids: 'B', asks: 'S'}

// An order is alive as long as it stands in a book, with shares > 0.
type order struct {
	ref    uint64
	shares uint32
	price  uint32
}

// A book holds the live orders of one symbol.
type book struct {
	locate uint16
	stock  [stockWidth]byte
	fair   uint32 // walks at random; orders are placed around it
	// sides are in the order of execution: the best price first, and the oldest
	// first at one price. Every bid is below every ask.
	sides [2][]order
}

func newBook(locate int, symbol string, rng *rand.Rand) book {
	b := book{locate: uint16(locate)}
	copy(b.stock[:], symbol+"        ")
	b.fair = uint32(10*10_000 + tick*rng.IntN(39_000))
	return b
}

// insert puts an order behind those of its side that are as good or better.
func (b *book) insert(s int, o order) {
	i := slices.IndexFunc(b.sides[s], func(other order) bool {
		if s == bids {
			return other.price < o.price
		}
		return other.price > o.price
	})
	if i < 0 {
		i = len(b.sides[s])
	}
	b.sides[s] = slices.Insert(b.sides[s], i, o)
}

// remove takes order i of a side out of the book.
func (b *book) remove(s, i int) order {
	o := b.sides[s][i]
	b.sides[s] = slices.Delete(b.sides[s], i, i+1)
	return o
}

// price is a new order's: some ticks from the fair price, the nearest most
// often, and short of the other side's best.
func (b *book) price(s int, rng *rand.Rand) uint32 {
	away := tick * uint32(1+rng.IntN(3)+bits.TrailingZeros32(rng.Uint32()|1<<12))
	other := b.sides[1-s]
	if s == bids {
		p := b.fair - away
		if len(other) > 0 {
			p = min(p, other[0].price-tick)
		}
		return p
	}
	p := b.fair + away
	if len(other) > 0 {
		p = max(p, other[0].price+tick)
	}
	return p
}

// walk moves the fair price by a tick, up or down, or not at all.
func (b *book) walk(rng *rand.Rand) {
	switch rng.IntN(64) {
	case 0:
		b.fair = min(b.fair+tick, fairMost)
	case 1:
		b.fair = max(b.fair-tick, fairLeast)
	}
}

// passed returns the side whose best price the fair price has reached: somebody
// is about to take it. Without one it returns -1.
func (b *book) passed() int {
	if a := b.sides[asks]; len(a) > 0 && a[0].price <= b.fair {
		return asks
	}
	if a := b.sides[bids]; len(a) > 0 && a[0].price >= b.fair {
		return bids
	}
	return -1
}

// shares is a new order's size: mostly round lots.
func shares(rng *rand.Rand) uint32 {
	if rng.IntN(5) == 0 {
		return uint32(1 + rng.IntN(99))
	}
	return uint32(100 * (1 + rng.IntN(10)))
}

// step lets one thing happen in a book, and writes the one message about it.
func (g *generator) step(b *book) {
	b.walk(g.rng)
	if s := b.passed(); s >= 0 && g.rng.IntN(2) == 0 {
		g.execute(b, s, false)
		return
	}
	s, roll := g.rng.IntN(2), g.rng.IntN(100)
	depth := len(b.sides[s])
	switch {
	case depth < depthLeast, roll < 44 && depth < depthMost:
		g.add(b, s)
	case roll < 81:
		g.delete(b, s)
	case roll < 91:
		g.replace(b, s)
	case roll < 94:
		g.cancel(b, s)
	case roll < 97:
		g.execute(b, s, false)
	case roll < 98:
		g.execute(b, s, true)
	default:
		g.hiddenTrade(b)
	}
}

func (g *generator) newOrder(b *book, s int) order {
	g.ref += uint64(1 + g.rng.IntN(16))
	return order{ref: g.ref, shares: shares(g.rng), price: b.price(s, g.rng)}
}

func (g *generator) add(b *book, s int) {
	o := g.newOrder(b, s)
	b.insert(s, o)
	g.addOrder(b, s, o, g.rng.IntN(16) == 0)
}

func (g *generator) delete(b *book, s int) {
	o := b.remove(s, g.rng.IntN(len(b.sides[s])))
	g.orderDelete(b, o)
}

// replace gives an order a new number, size and price, and with that the last
// place at its price.
func (g *generator) replace(b *book, s int) {
	old := b.remove(s, g.rng.IntN(len(b.sides[s])))
	o := g.newOrder(b, s)
	b.insert(s, o)
	g.orderReplace(b, old, o)
}

// cancel takes some of an order's shares; an order of one share has none to
// spare and is deleted.
func (g *generator) cancel(b *book, s int) {
	i := g.rng.IntN(len(b.sides[s]))
	o := &b.sides[s][i]
	if o.shares == 1 {
		g.orderDelete(b, b.remove(s, i))
		return
	}
	n := 1 + g.rng.Uint32N(o.shares-1)
	o.shares -= n
	g.orderCancel(b, *o, n)
}

// execute trades some or all shares of a side's first order, at its price or
// half a tick better for it, as an auction may.
func (g *generator) execute(b *book, s int, otherPrice bool) {
	o := b.sides[s][0]
	n := o.shares
	if g.rng.IntN(5) < 2 {
		n = 1 + g.rng.Uint32N(o.shares)
	}
	if n == o.shares {
		b.remove(s, 0)
	} else {
		b.sides[s][0].shares -= n
	}
	g.match += uint64(1 + g.rng.IntN(4))
	if !otherPrice {
		g.orderExecuted(b, o, n)
		return
	}
	p := o.price - tick/2
	if s == asks {
		p = o.price + tick/2
	}
	g.orderExecutedWithPrice(b, o, n, g.rng.IntN(8) > 0, p)
}

// hiddenTrade trades against an order nobody sees, at the middle of the best
// prices where there are both, and at the fair price otherwise.
func (g *generator) hiddenTrade(b *book) {
	p := b.fair
	if len(b.sides[bids]) > 0 && len(b.sides[asks]) > 0 {
		p = (b.sides[bids][0].price + b.sides[asks][0].price) / 2
	}
	g.match += uint64(1 + g.rng.IntN(4))
	g.trade(b, shares(g.rng), p)
}
