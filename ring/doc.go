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
// The frame's header is the commit word. The producer writes the payload, and
// then stores the header with release order. A small message and its header
// share a cache line, so that handing it over costs one line transfer; there is
// no index to publish. Nobody erases memory that was consumed: the commit mark
// tells the lap it was written in (see lapTag), so that what an earlier lap left
// where the next header goes is not taken for one. Only where bytes of an old
// payload could look like a header does the producer zero them, before it
// publishes the frame in front.
//
//	         consumer position            producer position (private)
//	                v                              v
//	| free … | HDR payload | HDR payload | HDR … | not of this lap …
//	           committed, unreleased               ^ "nothing here yet"
//
// An earlier design zeroed the next header with every message. Where that is
// the first word of a line, it costs a transfer of its own before the message's,
// since the line is in the consumer's cache: 40 to 50 ns of a round trip of 190.
//
// A frame of up to 64 bytes takes a power of two of them, so that it never lies
// across two lines among its equals; a longer one a multiple of 8. A producer
// writes the line that the consumer is looking at last, in one go.
//
// What this gives when somebody dies:
//
//   - a producer killed before the header's store has published nothing: there
//     is no mark of this lap, and its successor writes over the rest;
//   - a producer killed after it has published everything;
//   - a successor walks from the consumer's position over committed frames to
//     where there is none and continues there. It needs no word of the dead one;
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
