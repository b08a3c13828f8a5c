// Package ring has Ringway's lock-free rings as pure algorithms over bytes
// that several processes may share. It makes no system call, reads no clock
// and starts no goroutine: package shm provides the memory, package sync the
// waiting, and package ringway joins the three.
//
// # Frames
//
// A message travels as a frame, the same one in every ring and on every
// fallback road; see [Header] for its picture.
//
// # Single producer, single consumer
//
// The frame's header is the commit word. The producer writes the payload,
// zeroes the header that will come next, and only then stores its own header
// with release order. A small message and its header share a cache line, so
// that handing it over costs one line transfer; there is no index to publish.
// Nobody zeroes memory that was consumed.
//
//	         consumer position            producer position (private)
//	                v                              v
//	| free … | HDR payload | HDR payload | HDR … | 0000 | garbage of the last lap …
//	           committed, unreleased               ^ the zero header: "nothing here yet"
//
// What this gives when somebody dies:
//
//   - a producer killed before the header's store has published nothing: the
//     zero header stands, and its successor writes over the rest;
//   - a producer killed after it has published everything;
//   - a successor walks from the consumer's position over committed frames to
//     the zero header and continues there. It needs no word of the dead one;
//   - what the consumer has not released is delivered again to its successor.
//
// # Trust
//
// Every word that the other side can write is loaded once into a private
// value, validated, and only then used. A side's own position is never read
// back while it is attached. A peer that writes nonsense gives [ErrCorrupt],
// naming the word and where it stands; it can't make the other side read or
// write outside the ring, loop without bound, or panic. It can, of course,
// change or withhold the messages that it is there to exchange.
//
// # Use
//
// Each handle (a producer or a consumer) belongs to one goroutine at a time.
// Nothing here blocks or enters the kernel, and nothing allocates except for
// an error that has something to say.
package ring
