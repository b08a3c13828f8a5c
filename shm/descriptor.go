// Package shm makes and opens named sections of shared memory, and tells which
// of the processes attached to a section are alive. It knows nothing about what
// a section's body holds: package ring draws that.
//
// # A section
//
// Sections are counted in pages of 4096 bytes on every architecture, and every
// number in them is little endian. Three parts follow each other, each of them
// page aligned:
//
//	offset  size                       part
//	     0  4096                       descriptor, immutable once published
//	  4096  n × 256, up to a page      participants table, n = 1..4095 entries
//	     …  as asked for, up to a page body, opaque to this package
//
// The descriptor:
//
//	      0       8      12      16      20      24              32
//	  +0  +---------------+---------------+-------+-------+---------------+
//	      | magic         | hash          |version| kind  | total size    |
//	 +32  +---------------+---------------+-------+-------+---------------+
//	      | table offset  | table entries | body offset   | body size     |
//	 +64  +---------------+---------------+---------------+---------------+
//	      | region id, 16 random bytes    | created, ns   | creator's pid |
//	 +96  +---------------+---------------+---------------+---------------+
//	      | params[0]     | params[1]     | params[2]     | params[3]     |
//	+128  +---------------+---------------+---------------+---------------+
//	      | params[4]     | params[5]     | params[6]     | params[7]     |
//	+160  +---------------+---------------+---------------+---------------+
//	      | reserved: written as zero, hashed, otherwise ignored          |
//	+4096 +---------------------------------------------------------------+
//
//	 +0  u64       magic          the bytes "RINGWAY\x01", stored last, with release order
//	 +8  u64       hash           xxhash64 (seed 0) of the whole page, these 8 bytes taken as zero
//	+16  u32       version        of this layout: 1
//	+20  u32       kind           what the body is; the body's owner numbers them
//	+24  u64       total size     bytes, descriptor and table included: body offset + body size, up to a page
//	+32  u64       table offset   4096
//	+40  u64       table entries  1..4095
//	+48  u64       body offset    4096 + entries × 256, up to a page
//	+56  u64       body size      bytes, 1..2⁴⁶, as asked for
//	+64  [16]byte  region id      random; another one for each generation of a name
//	+80  i64       created        Unix time in nanoseconds
//	+88  u64       creator's pid  as the creator saw itself; for people, not for programs
//	+96  [8]u64    params         the body's geometry, opaque to this package
//
// A reader copies the page out, validates the copy, and never reads the page
// again: what other processes write into it later changes nothing. The sizes
// are redundant on purpose; a descriptor whose sizes do not follow from each
// other is refused, whatever its hash.
//
// # The participants table
//
// An entry is two lines of 128 bytes, so that no two processes write to lines
// next to each other. Only the holder of an entry writes to it (see
// [Section.Attach]).
//
//	  +0  u64  slot word    the state, drawn below; stored last when attaching
//	  +8  u64  start time   of the holder's process (Linux: clock ticks since boot, 0: unknown;
//	                        Windows: units of 100 ns since 1601)
//	 +16  i64  attached at  Unix time in nanoseconds
//	 +24  u32  role         opaque to this package
//	 +28  u32  reserved, zero
//	 +32  u64  confirmation Windows: the slot word again, stored last; Linux: zero
//	 +40  …    reserved, zero
//	+128  …    the counters of the body's owner; never touched here
//
// The slot word:
//
//	 63  62 61                            32 31                             0
//	+------+--------------------------------+--------------------------------+
//	| state|          incarnation           |              pid               |
//	+------+--------------------------------+--------------------------------+
//
//	state  0 FREE   nobody, or detached in good order (pid is 0)
//	       1 LIVE   attached; dead if the operating system says that nobody holds the entry
//	       2 DEAD   found dead; what it owned in the body is not yet recovered
//	       3 SWEPT  found dead, and everything it owned is recovered
//
// DEAD and SWEPT are written by the algorithm in the body, for participants that
// joined (Section.Join). The incarnation grows by one (modulo 2³⁰) with each
// attach, so that a word which was seen before is not taken for a later one.
//
// On Linux a lock tells who holds an entry. On Windows the slot word of state
// LIVE is the hold itself, exchanged before the rest is written, and the
// incarnation shares its place (and grows modulo 2¹⁴):
//
//	 63  62 61 60            46 45        32 31                             0
//	+------+--+----------------+------------+--------------------------------+
//	| LIVE |1 |hash, start time|incarnation |              pid               |
//	+------+--+----------------+------------+--------------------------------+
//
// # Trust
//
// A section belongs to one user. [Open] refuses what another user owns or may
// touch, what is not a regular file, and what has a second name. Processes of
// the same user may be broken or hostile; whatever they write, nothing in this
// package crashes, blocks or reads outside the section because of it.
//
// # Windows
//
// A section without a directory is a section object of the session there,
// backed by the paging file. It is gone when the last process has closed it;
// there is nothing that [Remove] could do. Since others find its name while it
// is being made, [Open] waits for its creator, for a second at most; one that
// is not ready after that, or whose creator died, is not there (ErrNotExist).
// Owner and only user must be the user of the process; the system's own account
// does not matter. Processes that share a section must see each other by their
// pids: no section joins two containers, two machines, or two Wine prefixes.
//
// # Duration
//
// A section lives in memory, or in the page cache of a file. Nothing is ever
// synced to a disk; after a power failure a file-backed section is garbage,
// which [Open] may or may not notice.
package shm

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/ringway/ringway/internal/errs"
)

// The limits and units of a section.
const (
	// PageSize is the unit of a section's parts in bytes, on every architecture.
	PageSize = 4096
	// EntrySize is the size of one entry of the participants table in bytes.
	EntrySize = 256
	// EntryCounters is the offset in bytes of an entry's second line, which
	// is left to the body's owner.
	EntryCounters = 128
	// MaxParticipants is the largest number of entries a table may have.
	MaxParticipants = 4095
	// MaxBody is the largest size of a body in bytes. Systems set lower limits.
	MaxBody int64 = 1 << 46
	// LayoutVersion is the version of the layout that this package writes,
	// and the only one that it reads.
	LayoutVersion = 1
)

const magic = "RINGWAY\x01"

// Offsets in the descriptor.
const (
	offMagic   = 0
	offHash    = 8
	offVersion = 16
	offKind    = 20
	offTotal   = 24
	offTable   = 32
	offEntries = 40
	offBody    = 48
	offBodyLen = 56
	offRegion  = 64
	offCreated = 80
	offPID     = 88
	offParams  = 96
	endUsed    = 160
)

// RegionID tells the generations of a name apart: it is chosen at random when
// a section is created.
type RegionID [16]byte

// String returns the id in hexadecimal digits. It allocates.
func (id RegionID) String() string { return hex.EncodeToString(id[:]) }

// Descriptor is what a section says about itself: a private, validated copy of
// its first page. Descriptors are comparable values.
type Descriptor struct {
	Version      uint32    // of the layout: LayoutVersion
	Kind         uint32    // what the body is; opaque here
	Total        int64     // bytes of the whole section, a multiple of PageSize
	TableOffset  int64     // bytes from the section's start
	Participants int       // entries in the table, 1..MaxParticipants
	BodyOffset   int64     // bytes from the section's start, a multiple of PageSize
	BodySize     int64     // bytes, 1..MaxBody
	Region       RegionID  // this generation of the name
	Created      time.Time // the creator's clock, to the nanosecond
	CreatorPID   int       // in the creator's PID namespace; for people
	Params       [8]uint64 // the body's geometry; opaque here
}

// roundUp returns n rounded up to a page. Callers keep n below 2⁶².
func roundUp(n int64) int64 { return (n + PageSize - 1) &^ (PageSize - 1) }

// layOut sets the sizes and offsets that follow from the number of
// participants and the size of the body, which the caller has checked.
func (d *Descriptor) layOut(participants int, body int64) {
	d.Participants, d.BodySize = participants, body
	d.TableOffset = PageSize
	d.BodyOffset = d.TableOffset + roundUp(int64(participants)*EntrySize)
	d.Total = d.BodyOffset + roundUp(body)
}

// encode returns the page that says what d does.
func (d *Descriptor) encode() *[PageSize]byte {
	p, le := new([PageSize]byte), binary.LittleEndian
	copy(p[offMagic:], magic)
	le.PutUint32(p[offVersion:], d.Version)
	le.PutUint32(p[offKind:], d.Kind)
	le.PutUint64(p[offTotal:], uint64(d.Total))
	le.PutUint64(p[offTable:], uint64(d.TableOffset))
	le.PutUint64(p[offEntries:], uint64(d.Participants))
	le.PutUint64(p[offBody:], uint64(d.BodyOffset))
	le.PutUint64(p[offBodyLen:], uint64(d.BodySize))
	copy(p[offRegion:], d.Region[:])
	le.PutUint64(p[offCreated:], uint64(d.Created.UnixNano()))
	le.PutUint64(p[offPID:], uint64(d.CreatorPID))
	for i, v := range d.Params {
		le.PutUint64(p[offParams+8*i:], v)
	}
	le.PutUint64(p[offHash:], hashPage(p))
	return p
}

// hashPage returns the hash that belongs into p, whatever is there now.
func hashPage(p *[PageSize]byte) uint64 {
	c := *p
	clear(c[offHash : offHash+8])
	return xxhash.Sum64(c[:])
}

// decode validates p, a private copy of a descriptor found in a file (or
// object) of fileSize bytes.
func decode(p *[PageSize]byte, fileSize int64) (Descriptor, error) {
	var d Descriptor
	le := binary.LittleEndian
	if got := p[offMagic : offMagic+len(magic)]; string(got) != magic {
		return d, failf(errs.NotRingway, "it starts with % x instead of % x", got, magic)
	}
	if v := le.Uint32(p[offVersion:]); v != LayoutVersion {
		return d, failf(errs.Version, "the section has layout version %d, this program reads version %d", v, LayoutVersion)
	}
	if got, want := le.Uint64(p[offHash:]), hashPage(p); got != want {
		return d, failf(errs.Corrupt, "descriptor hashes to %#016x, but says %#016x", want, got)
	}
	entries, body := le.Uint64(p[offEntries:]), le.Uint64(p[offBodyLen:])
	if entries < 1 || entries > MaxParticipants {
		return d, failf(errs.Corrupt, "descriptor says %d participants, not 1 to %d", entries, MaxParticipants)
	}
	if body < 1 || body > uint64(MaxBody) {
		return d, failf(errs.Corrupt, "descriptor says a body of %d bytes, not 1 to %d", body, MaxBody)
	}
	d.layOut(int(entries), int64(body))
	for _, f := range []struct {
		what string
		off  int
		want int64
	}{
		{"table offset", offTable, d.TableOffset},
		{"body offset", offBody, d.BodyOffset},
		{"total size", offTotal, d.Total},
	} {
		if got := le.Uint64(p[f.off:]); got != uint64(f.want) {
			return Descriptor{}, failf(errs.Corrupt, "descriptor says %s %d, but %d participants and a body of %d bytes make it %d",
				f.what, got, entries, body, f.want)
		}
	}
	if d.Total > fileSize {
		return Descriptor{}, failf(errs.Corrupt, "descriptor says %d bytes, but the section has only %d", d.Total, fileSize)
	}
	if d.Total > math.MaxInt {
		return Descriptor{}, failf(errs.Unsupported, "a section of %d bytes does not fit into this program's address space", d.Total)
	}
	d.Version = LayoutVersion
	d.Kind = le.Uint32(p[offKind:])
	d.Region = RegionID(p[offRegion : offRegion+16])
	d.Created = time.Unix(0, int64(le.Uint64(p[offCreated:])))
	d.CreatorPID = int(le.Uint64(p[offPID:]))
	for i := range d.Params {
		d.Params[i] = le.Uint64(p[offParams+8*i:])
	}
	return d, nil
}

// failf makes an error whose Op and Name the exported functions add.
func failf(err error, format string, args ...any) error {
	return &errs.Error{Err: err, Detail: fmt.Sprintf(format, args...)}
}

// named completes an error of failf, or wraps one of the operating system.
func named(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*errs.Error); ok {
		e.Op, e.Name = op, name
		return e
	}
	return &errs.Error{Op: op, Name: name, Err: err}
}
