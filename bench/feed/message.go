package feed

import (
	"encoding/binary"
	"fmt"
)

// One function for each message type that the generator writes: the fields after
// the common start, in the order of the specification.

const stockWidth = 8 // a symbol, padded with spaces

var be = binary.BigEndian

// begin starts a message in g.buf with its length and the fields all types share.
func (g *generator) begin(kind byte, locate uint16) []byte {
	m := be.AppendUint16(g.buf[:0], uint16(itchTypes[kind].length))
	m = append(m, kind)
	m = be.AppendUint16(m, locate)
	m = be.AppendUint16(m, 0) // tracking number
	m = be.AppendUint16(m, uint16(g.now>>32))
	return be.AppendUint32(m, uint32(g.now))
}

// send writes a message that begin started.
func (g *generator) send(m []byte) {
	if kind := m[itchPrefix]; len(m) != itchPrefix+int(itchTypes[kind].length) {
		panic(fmt.Sprintf("feed: generated %d bytes for an ITCH message of type %c", len(m)-itchPrefix, kind))
	}
	g.write(m)
}

// event moves the clock to a moment of the day and writes a System Event.
func (g *generator) event(moment uint64, code byte) {
	g.at(moment)
	g.send(append(g.begin('S', 0), code))
}

func (g *generator) directory(b *book) {
	m := append(g.begin('R', b.locate), b.stock[:]...)
	m = append(m, 'Q', 'N') // Global Select Market, financial status normal
	m = be.AppendUint32(m, 100)
	m = append(m, 'N', 'C', 'Z', ' ') // any size of order, common stock, no subtype
	m = append(m, 'T', 'N', 'N', '1') // a test, no short sale threshold, no IPO, LULD tier 1
	m = append(m, 'N')                // no ETP, hence no leverage
	m = be.AppendUint32(m, 0)
	g.send(append(m, 'N'))
}

func (g *generator) tradingAction(b *book) {
	m := append(g.begin('H', b.locate), b.stock[:]...)
	g.send(append(m, "T     "...)) // trading; reserved and reason are blank
}

func (g *generator) addOrder(b *book, s int, o order, attributed bool) {
	kind := byte('A')
	if attributed {
		kind = 'F'
	}
	m := be.AppendUint64(g.begin(kind, b.locate), o.ref)
	m = append(m, sideCode[s])
	m = be.AppendUint32(m, o.shares)
	m = append(m, b.stock[:]...)
	m = be.AppendUint32(m, o.price)
	if attributed {
		m = append(m, "NSDQ"...)
	}
	g.send(m)
}

// executed starts E and C, which differ only in what C adds.
func (g *generator) executed(kind byte, b *book, o order, n uint32) []byte {
	m := be.AppendUint64(g.begin(kind, b.locate), o.ref)
	m = be.AppendUint32(m, n)
	return be.AppendUint64(m, g.match)
}

func (g *generator) orderExecuted(b *book, o order, n uint32) {
	g.send(g.executed('E', b, o, n))
}

func (g *generator) orderExecutedWithPrice(b *book, o order, n uint32, printable bool, price uint32) {
	flag := byte('N')
	if printable {
		flag = 'Y'
	}
	g.send(be.AppendUint32(append(g.executed('C', b, o, n), flag), price))
}

func (g *generator) orderCancel(b *book, o order, n uint32) {
	g.send(be.AppendUint32(be.AppendUint64(g.begin('X', b.locate), o.ref), n))
}

func (g *generator) orderDelete(b *book, o order) {
	g.send(be.AppendUint64(g.begin('D', b.locate), o.ref))
}

func (g *generator) orderReplace(b *book, old, o order) {
	m := be.AppendUint64(g.begin('U', b.locate), old.ref)
	m = be.AppendUint64(m, o.ref)
	m = be.AppendUint32(m, o.shares)
	g.send(be.AppendUint32(m, o.price))
}

// trade is against a hidden order, which has no number and counts as a buyer's.
func (g *generator) trade(b *book, n, price uint32) {
	m := be.AppendUint64(g.begin('P', b.locate), 0)
	m = append(m, sideCode[bids])
	m = be.AppendUint32(m, n)
	m = append(m, b.stock[:]...)
	m = be.AppendUint32(m, price)
	g.send(be.AppendUint64(m, g.match))
}
