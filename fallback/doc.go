// Package fallback has the roads that messages take where two processes meet by
// an address instead of a ring's name, and how the two agree on one: shared
// memory if it can be had, else pipes, sockets and mailslots.
//
// Programs use it through package ringway (Listen, Dial, Conn). What is here is
// the part without rings: addresses, the handshake, frames on a stream, and each
// transport.
//
// # Transports
//
//	name      between                    here means                             chosen by itself
//	shm       processes of one machine   two SPSC rings in one section           first
//	unix      processes of one machine   a unix stream socket (not Windows)      second
//	pipe      processes of one machine   \\.\pipe\NAME (Windows)                 second
//	tcp       machines                   a TCP connection                        for tcp:// addresses
//	bridge    a Linux and a Wine process two rings in a file, FIFOs as doorbells for tcp:// addresses, if named
//	fifo      processes of one machine   two FIFOs (not Windows)                 for fifo: addresses
//	child     a process and its child    two anonymous pipes                     by StartChild
//	udp       machines                   datagrams, numbered; loss is reported   never: only if named
//	mailslot  many clients, one server   mailslots; unix datagrams (Linux)       never: only if named
//
// # Addresses
//
//	orders                a name on this machine, of this user
//	tcp://host:port       TCP
//	udp://host:port       UDP
//	fifo:///path          a pair of FIFOs, path.in and path.out
//
// A name is a socket in a directory that belongs to the user alone
// (/tmp/ringway-UID unless another one is given), or on Windows a named pipe,
// \\.\pipe\ringway.NAME, of which there is a first instance, that refuses remote
// clients and has an access list for the user alone.
//
// # One header
//
// On every road a message is the same frame as in a ring; ring.Header has the
// picture. On a stream frames follow each other without a gap; a datagram is one
// frame. Control frames have the flag FlagControl, and these types:
//
//	1 offer    version, byte order, features, limits, a number used once, transports in order of preference, name
//	2 accept   the transport, features, limits, the number again, the section
//	3 reject   why nothing on offer will do
//	4 ready    the transport works here, too
//	5 decline  it doesn't, and why: the next one, please
//	6 end      no message follows in this direction
//	7 takeover from one listener to the one before it under the same name
//	8 close    no message follows in either direction: this side leaves
//	9 ack      how many messages of the other side were released (u64)
//
// # The handshake
//
//	who dials                                  who listens
//	  connect                                    who is there? (SO_PEERCRED, the pipe client's process and token)
//	  who is there?
//	  offer shm, unix; numbers … ──────────────►
//	                                             first of the offered that is allowed: make a section
//	  ◄─────────── accept shm + sealed memfd
//	  check kind, seals, size; map; or decline
//	  ready ───────────────────────────────────►
//	  both attach a producer and a consumer; the socket stays open to tell of the other's death
//
// If the one who listens can't make a section, or the one who dials can't use
// it (it declines, and says why), the next transport on offer follows, on the
// same socket. What is not on the list of either side is never used: nobody gets
// less than he asked for. A handshake has a time limit on both sides; control
// frames are at most 1 KiB, and every length is checked before anything is
// allocated for it. Descriptors of the wrong number, kind, size or seals are
// closed and refused.
//
// # Ends
//
// A side that has sent everything says so with an end frame (a ring has a word
// for it), and the other receives io.EOF behind the last message; so it does
// when a side closes the connection, with a close frame (beside rings, too). A
// connection that breaks without it means that the other side is gone:
// ErrPeerDead.
//
// # Acknowledgements
//
// In a ring the receiver's position says what was released. A stream doesn't
// tell: what was written may be anywhere when the other side dies. If who dials
// asks for it in the offer, who listens sends acks, in front of its own messages
// or, when it has none, every 64 messages or 64 KiB, or 2 ms after it has
// released something. Who dialled keeps copies of what is not acknowledged, up to
// 8 MiB. UDP has none of this.
package fallback
