// Package errs has the errors that Ringway's packages share. The packages
// re-export what they return under their own names; see package ringway for
// the documented list.
package errs

import (
	"os"
	"strconv"
	"strings"
)

// sentinel is an error value of its own that also matches a value of package
// os, so that callers who know only the standard library can test for it.
type sentinel struct {
	text string
	is   error
}

func (s *sentinel) Error() string        { return s.text }
func (s *sentinel) Is(target error) bool { return s.is != nil && target == s.is }

// The sentinels. Each is documented where it is exported.
var (
	Closed      error = &sentinel{"closed", os.ErrClosed}
	Full        error = &sentinel{text: "ring is full"}
	Empty       error = &sentinel{text: "ring is empty"}
	Lapped      error = &sentinel{text: "messages were missed"}
	TooLarge    error = &sentinel{text: "message too large"}
	PeerDead    error = &sentinel{text: "peer died"}
	Corrupt     error = &sentinel{text: "corrupt"}
	Fault       error = &sentinel{text: "memory fault: the section was truncated"}
	Insecure    error = &sentinel{text: "insecure"}
	Busy        error = &sentinel{text: "role is taken"}
	BadName     error = &sentinel{"invalid name", os.ErrInvalid}
	BadArgument error = &sentinel{"invalid argument", os.ErrInvalid}
	Version     error = &sentinel{text: "unsupported version"}
	NotRingway  error = &sentinel{text: "not a Ringway section"}
	NoSpace     error = &sentinel{text: "no space for the section"}
	Unsupported error = &sentinel{text: "not supported on this system"}
	Transport   error = &sentinel{text: "no transport that both sides can use"}
	Lost        error = &sentinel{text: "messages were lost"}
	Reconnected error = &sentinel{text: "reconnected"}

	// Checksum is the Corrupt of a payload that its checksum does not fit.
	Checksum error = &sentinel{"corrupt", Corrupt}
)

// Error says what failed, on what, where and how much, around one of the
// sentinels (or an error of the operating system), which errors.Is finds.
type Error struct {
	Op     string // what was tried: "create", "open", "send", …
	Name   string // the ring or section it was tried on
	Detail string // where and how much, in words and numbers
	Err    error  // what went wrong
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ringway: ")
	b.WriteString(e.Op)
	if e.Name != "" {
		b.WriteString(" ")
		b.WriteString(quote(e.Name))
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	return b.String()
}

// Unwrap returns the sentinel or system error inside.
func (e *Error) Unwrap() error { return e.Err }

// quote keeps hostile names from writing control characters or novels into
// logs and terminals.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
