// Package ringway passes messages between processes on one machine, through
// rings in named sections of shared memory. It is pure Go, for Linux and
// Windows.
//
//	// one process                                 // another process
//	r, err := ringway.CreateRing("ticks",          r, err := ringway.OpenRing("ticks")
//	        ringway.SPSC, ringway.Capacity(8<<20)) c, err := r.Consumer()
//	p, err := r.Producer()                         for m, err := range c.Messages(ctx) {
//	err = p.Send(ctx, []byte("hello"))                     use(m.Payload) // no copy
//	                                               }
//
// # What holds
//
//   - A message that was sent is received, whoever is killed in between and
//     at whatever instruction: a message whose Send (or Commit) has happened
//     is delivered, one whose has not is never seen, and none is torn. A
//     successor attaches to the same ring and goes on.
//   - A consumer that dies leaves to its successor what it had not released:
//     delivery is at least once across the death of a consumer, and exactly
//     once otherwise.
//   - Death is what the operating system says, never a timeout. A process that
//     is stopped, swapped out or slow keeps its place.
//   - A peer that writes nonsense, truncates the section or floods it gives an
//     error that matches [ErrCorrupt] or [ErrFault], and can't crash or wedge
//     this process. (A peer with write access can always withhold or forge the
//     messages themselves; sections are therefore created for one user alone.)
//   - Sending and receiving allocate nothing, and make no system call unless
//     somebody sleeps.
//
// # One to many
//
// In a ring of kind [Broadcast] every message goes to all subscribers. Its
// [Publisher] waits for nobody, and a [Subscriber] that was overtaken by a lap is
// told exactly how many messages and bytes it missed; with [Lossless] the slowest
// subscriber that lives holds the publisher back. Messages have sequence numbers,
// which a publisher's successor goes on with. Subscribers copy messages out and
// then make sure that they were whole; they need no right to write ([ReadOnly]).
//
// # Many small messages
//
// Messages of some words take a few nanoseconds each, one by one. An array of them,
// ticks or samples, goes in one piece, several times as fast: [Producer.SendPacked]
// and [Consumer.RecvPacked]. [Producer.SendBatch] and [Consumer.RecvBatch] are the
// same for a list of messages of any size.
//
// # Handles
//
// A [Ring] may be used by any number of goroutines. A [Producer], [Consumer],
// [Publisher] or [Subscriber] belongs to one goroutine at a time, except for Close, which any goroutine
// may call at any time; it ends a call that waits. Use after Close returns
// [ErrClosed].
//
// # Watching
//
// Whoever is attached counts messages, bytes, waits, wake-ups, recoveries and
// damage into the section, where other programs can read them: package inspect
// looks at rings from outside, package metrics shows them to Prometheus, and
// shmbench ls, top, inspect and tail to people. [Ring.Inspect] and [Conn.Counts]
// are the same from inside. [Events] has rare events logged.
//
// # Connections
//
// Two processes that want to talk both ways meet at an address: [Listen] and
// [Dial] negotiate two rings in shared memory where both sides can have that, or
// else the first of the other transports that both allow, and give a [Conn]
// with the same messages either way. [Conn.Call] and [Conn.Serve] ask and answer,
// [Conn.NetConn] is a net.Conn. Package fallback has the handshake, and what
// each transport is.
//
// # Waiting
//
// Send, Claim and Recv wait for room or for a message, as their
// [WaitStrategy] says, until their context ends. Try… never waits. What sleeps
// is woken by the other side; if a peer was killed in the very moment of
// waking, after some 100 ms, or 400 ms if it has slept for long (Poll: a
// second).
package ringway
