// Package limits measures what the machine itself allows: the physical limits
// that shmbench prints beside each of Ringway's figures, from the same run.
//
// # Raw round trip
//
// [Ping] and [Pong], in two processes, bounce a payload through shared memory
// and do nothing else. Per direction there is one area, on lines of its own: an
// 8-byte flag at a 128-byte boundary and the payload directly behind it, so
// that 32 bytes take one 64-byte cache line and 64 bytes take two. The sender
// writes the payload, then the flag (release); the receiver polls the flag
// (acquire), loads every word of the payload and adds it up, and sends its own.
// The sums are checked, so nothing is skipped.
//
// It is a limit because an exchange of messages cannot do less: the line with
// the news must get to the other core, and the line with the answer back. A
// ring that is measured faster has left something out, or has found a better way
// to wait; the latter happens, because what costs time is not only the way of
// the line but the fight for it: a receiver that polls takes the line away from
// the sender that is about to write it. So [RoundTrip] polls in three ways (no
// PAUSE; a PAUSE between two polls; PAUSE, after leaving the line alone for as
// long as was best) by turns and reports all three; the lowest median is the
// limit.
//
// The loop is assembly on amd64, of bounded calls (256 rounds or about 50 µs
// of polling), so that the Go scheduler can stop the goroutine and a dead peer is
// noticed. Elsewhere it is Go. Each round is stamped once, with the time stamp
// counter, in the shadow of the wait. On Zen this counter, and every clock made
// from it, steps by 10 ns; [Histogram] makes medians of such times that are
// right to a nanosecond, and rivals should be summed up the same way.
//
// What the choices are worth, measured on two cores of a Zen 4 virtual machine
// by testdata/variants.cpp, as time relative to the package's own loop with
// PAUSE, by payload; first where its 8 bytes take 60 to 90 ns, then where they
// take 390:
//
//	                                      8 B         64 B        1,024 B
//	no PAUSE                              1.20 1.31   1.64 1.14   1.14 1.04
//	two PAUSEs                            1.25 0.95   1.73 0.92   1.18 0.99
//	area's address not read late          1.10 1.05   1.50 1.04   1.03 0.99
//	  and held for 120 cycles             0.91 1.06   1.13 1.05   1.02 1.00
//	8-byte moves (above 64 B)                                     1.67 1.48
//	16-byte moves (up to 64 B)            1.00 1.00   1.00 1.00
//	flag and a word in one 16-byte move   1.00 1.00   0.99 0.99   1.00 0.99
//	payload upwards, 8-byte moves         1.00 1.00   1.26 1.01   2.24 1.79
//	flag last, 8-byte moves               1.01 1.00   1.00 0.98   2.16 1.82
//	prefetch for writing (one side)       1.04 1.03   1.02 0.99   1.05 1.09
//	eight slots in turn, as in a ring     0.98 1.02   1.42 1.06   1.00 1.12
//	one area for both directions          0.72 0.81   1.74 1.29   1.16 0.90
//	polling through a read-only mapping   1.54 1.31   2.11 1.50   1.67 1.56
//
// The fights settle into patterns that last for a second or for good, so single
// runs differ by more than these medians. Two rows matter beyond this package:
//
// One area. A request and its answer in the same line are faster than any two
// lines, so this is not the limit of all there is, but of two directions that
// are separate, as those of rings are.
//
// Writable pages. Polling a line costs half as much again, or twice as much, when
// the page is mapped read-only in the process that polls. (Presumably a load
// from a writable page may be given the line to own, which makes what follows
// cheaper.) The memory must therefore be writable on both sides, and each call
// first touches every page by an atomic addition of 0, because a system may map
// a page of a file read-only until it is written to. A consumer that maps a ring
// read-only pays this price.
//
// testdata/pingpong.c is the same loop in C11, two forked processes. Measured in
// turns with it (RINGWAY_BENCH=1 go test -run C11 -v), the medians of this
// package were 0.95 to 1.03 of C's at 8, 32 and 64 bytes, and 0.7 to 0.96 from
// 256 bytes on, where gcc's loops are the slower ones.
//
// # Memory copies
//
// [Memcpy] copies messages through a region as large as a ring, on one thread:
// once per message, and in and out. A sender that copies cannot beat one copy,
// a sender and a receiver that both copy cannot each beat it either, and one
// core that does both is bound by two. The other core's cache is not in it: what
// crosses cores is slower still.
//
// # Regime
//
// A virtual machine's cores are moved about by its host, so that all of the
// above changes by a factor of two or more within seconds. [Probe] tells the
// regime in about ten milliseconds; [Bracket] runs a measurement between two
// probes and says whether it counts.
//
// # Processors and clocks
//
// [Pin] and [PickPair] put two processes on two cores. [Calibrate] tells how to
// turn the fastest clock, [Clock.Now], into nanoseconds: the time stamp counter
// where the processor vouches for its constant speed, else [Now], which is
// QueryPerformanceCounter on Windows and the runtime's monotonic clock elsewhere.
package limits
