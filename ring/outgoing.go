package ring

import "encoding/binary"

// outgoing is what is left to be sent of several messages: a list of them, or some
// of equal size, one right behind the other.
type outgoing struct {
	list   [][]byte
	packed []byte // if size isn't zero
	size   int
}

// more reports whether there are messages left.
func (o *outgoing) more() bool { return len(o.list) > 0 || len(o.packed) > 0 }

// next returns the size of the next message.
func (o *outgoing) next() int {
	if o.size != 0 {
		return o.size
	}
	return len(o.list[0])
}

// alike returns how many of the messages, from the next one on, are of its size
// and take no more than room bytes together: at least one, and one if it is empty.
func (o *outgoing) alike(room uint64) int {
	if o.size == 0 {
		return alike(o.list, room)
	}
	return max(1, min(len(o.packed)/o.size, int(room/uint64(o.size))))
}

// skip leaves out the next k messages, of equal size.
func (o *outgoing) skip(k int) {
	if o.size != 0 {
		o.packed = o.packed[k*o.size:]
	} else {
		o.list = o.list[k:]
	}
}

// fill copies the next k messages, of equal size, into dst, one behind the other,
// and goes on behind them.
func (o *outgoing) fill(dst []byte, k int) {
	if o.size != 0 {
		copy(dst, o.packed[:k*o.size])
	} else {
		fill(dst, o.list[:k])
	}
	o.skip(k)
}

// alike returns how many of the messages, from the first on, are of its size and
// take no more than room bytes together: at least one, and one if it is empty.
func alike(msgs [][]byte, room uint64) int {
	n := len(msgs[0])
	if n == 0 || uint64(n) > room/2 {
		return 1
	}
	msgs = msgs[:min(uint64(len(msgs)), room/uint64(n))]
	for k, b := range msgs {
		if len(b) != n {
			return k
		}
	}
	return len(msgs)
}

// fill copies the messages, of equal size, into dst, one behind the other.
func fill(dst []byte, msgs [][]byte) {
	if len(msgs[0]) == 8 {
		for i, b := range msgs {
			binary.LittleEndian.PutUint64(dst[8*i:], binary.LittleEndian.Uint64(b))
		}
		return
	}
	for _, b := range msgs {
		dst = dst[copy(dst, b):]
	}
}
