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
// Messages of equal size that are sent as a batch share a frame and its header;
// see spsc_batch.go for its picture. MPMC rings have the same frame in their
// claims, and broadcast rings, whose subscribers copy it out as a whole.
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
// # Several producers, several consumers
//
// Cells of equal size, each with a control word of 64 bits in an array of its
// own. A message takes consecutive cells, and the word of the first of them says
// what they are: free, claimed by whom, committed, taken by whom; see [MPMC] and
// the picture in mpmc_word.go. A claim is one CAS of the word at the tail, which
// names the claimant, so that there never is a hole that nobody answers for; a
// commit is a store; taking is a CAS, releasing a store. A batch is one claim.
//
//	        F              H                    T
//	        v              v                    v
//	| freed | TAKEN COMM TAKEN | COMM COMM CLAIMED COMM | free, of this lap or an earlier one …
//	        oldest not freed   head                     tail
//
// Neither the head nor the tail is written down anywhere. Who looks for one
// starts where it was last and walks from word to word: each tells how long its
// frame is, even after it was freed. T and H are hints, stored now and then, for
// those who were away for long. F is a limit: producers walk over what was freed
// and publish how far that is, and cells below F, a lap on, may be claimed.
//
// These are the steps, by the names that the code gives them.
//
//	send     S1 load T    S2 load the word: walk on over what is claimed, or was freed, in its lap
//	         S4 load F, if there is no room by what is known   S5 load the words behind F that are freed
//	         S6 raise T   S7 raise H   S8 raise F, in this order and no further than what was freed
//	         S9 CAS to CLAIMED, or, where the message would cross the ring's end, to padding; again S2
//	         S10 store T, now and then, never after padding     S12 store COMMITTED
//	receive  R0 load gen; if it has changed: R1 load all words   R2 CAS to TAKEN what was taken before
//	         R3 load H    R4 load the word: walk on over what is taken, or was freed, in its lap
//	         R5 of a claim, load its owner's slot   R6 CAS to padding if that is dead
//	         R7 CAS padding to FREE   R8 CAS to TAKEN   R9 store H, now and then
//	         R12 store FREE of the next lap   R13 before ErrEmpty, load gen again
//	sweep    W1 load every word   W2 the slot, if it is the owner   W3 CAS: CLAIMED to padding, TAKEN to
//	         COMMITTED once more   W4 add to gen   W5 CAS the slot to SWEPT
//
// What must hold, and was explored over some 700 million states of a model with
// crashes anywhere, and then of this code:
//
//   - F ≤ T, F ≤ H, and hints never point past the real head and tail. Plain
//     stores of hints keep to that as long as the storer has a frame there that
//     is not freed, which keeps F back;
//   - a word that is further than one lap ahead of the walker means that the
//     walker is stale, never that the ring is full or empty; the hint is then
//     further on;
//   - a word that names an owner was written by that owner alive. So the order
//     is: load the word, then the owner's slot, then CAS the very same word;
//   - no word ever comes back: the count of deliveries sees to that for what is
//     taken again, the lap for all else.
//
// What this gives when somebody dies, proven by the operating system and marked
// by [Table.MarkDead]:
//
//   - a claim becomes padding. What was not committed is lost, all else is not;
//   - what was taken and not released is delivered again, marked Redelivered;
//     up to 32 times (see [Sweep]);
//   - whoever is about to wait sweeps the dead, and may die at that. Nobody
//     else's work depends on a sweep being finished, only the dead one's.
//
// A word tells laps apart over 2⁴⁴ cells. What may be older is renewed every 2⁴¹
// cells, at the cost of a count that all handles look at anyway.
//
// # One publisher, several subscribers
//
// The data is that of an SPSC ring: frames, the lap in their mark, and a header
// that commits. Every message goes to all subscribers, and each keeps its own
// position, to itself. The publisher overwrites the oldest frames, and says so
// before: the intent is a position, and what is a lap or more behind it is gone.
// A subscriber copies a message out and then loads the intent; if that hasn't gone
// past, nothing of what it copied was overwritten.
//
//	   intent - capacity         a subscriber         publisher       intent
//	          v                       v                   v              v
//	| … gone | HDR payload | HDR … | HDR payload | HDR … | may be written | the lap before …
//	         ^ checkpoint       ^ checkpoint       ^ checkpoint, the latest
//
// The intent moves by chunks of a 64th of the ring, 16 KiB at most, so that its
// line rests in the subscribers' caches most of the time; a message costs the
// publisher no more than in an SPSC ring. With it goes a checkpoint: a position where
// a frame begins, the number of the message there, and the bytes of all before it.
// Who was lapped, or comes late, starts from one; the difference is what was
// missed, exactly. The publisher reads nothing that a subscriber can write, and
// subscribers need not be able to write anything.
//
// In a lossless ring a subscriber that counts has a gate, a word with its
// position, and the publisher moves the intent no further than a lap ahead of
// the slowest. A gate is taken away from one that the operating system says is
// dead, by whoever asks it (see [BroadcastPublisher.Bury]), or from one that is
// evicted; that one goes on like a subscriber of a lossy ring, and sets its gate
// again. What happens when somebody joins while the publisher moves on is settled
// by two words, each stored before the other is loaded: gate, then wish; wish, then
// gates. What the publisher may wish for becomes the intent.
//
// What this gives when somebody dies:
//
//   - a publisher killed before the header's store has published nothing, one
//     killed after it everything. Its successor walks from the latest checkpoint
//     to where there is no frame, and knows the number of the next message;
//   - the checkpoint is made before the intent moves, so that the latest one
//     always stands, at whatever instruction the publisher is killed;
//   - a dead subscriber of a lossy ring makes no difference to anybody.
//
// # Watching
//
// Participants count what they do, each in a line of its own beside its entry in
// the section's table: see [Counter] for the picture. An [Observer] looks at a
// ring from outside, over memory that is mapped read-only: where it stands, and
// frame by frame what is in it. Neither costs the participants anything but the
// stores of the counts.
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
