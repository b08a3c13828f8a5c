package errs

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

var sentinels = []error{Closed, Full, Empty, TooLarge, PeerDead, Corrupt, Fault, Insecure, Busy, BadName, BadArgument,
	Version, NotRingway, NoSpace, Unsupported, Lapped, Reconnected}

func TestSentinelsMatchOnlyThemselves(t *testing.T) {
	texts := make(map[string]bool)
	for i, e := range sentinels {
		for j, other := range sentinels {
			if errors.Is(e, other) != (i == j) {
				t.Errorf("errors.Is(%q, %q) is %t", e, other, i != j)
			}
		}
		if texts[e.Error()] || e.Error() == "" {
			t.Errorf("the text %q says nothing or is another's", e)
		}
		texts[e.Error()] = true
		if errors.Is(e, io.EOF) {
			t.Errorf("%q matches io.EOF", e)
		}
	}
}

func TestAChecksumThatDoesNotFitIsCorrupt(t *testing.T) {
	if !errors.Is(Checksum, Corrupt) || errors.Is(Corrupt, Checksum) || Checksum.Error() != Corrupt.Error() {
		t.Errorf("%v is %v: %t, the other way round: %t", Checksum, Corrupt, errors.Is(Checksum, Corrupt), errors.Is(Corrupt, Checksum))
	}
}

func TestSentinelsMatchTheStandardErrorThatSaysTheSame(t *testing.T) {
	standard := map[error]error{Closed: os.ErrClosed, BadName: os.ErrInvalid, BadArgument: os.ErrInvalid}
	for _, e := range sentinels {
		for _, s := range []error{os.ErrClosed, os.ErrInvalid, os.ErrExist, os.ErrNotExist, os.ErrPermission} {
			if want := standard[e] == s; errors.Is(e, s) != want {
				t.Errorf("errors.Is(%q, %q) is %t, want %t", e, s, !want, want)
			}
		}
	}
}

func TestErrorNamesOperationObjectCauseAndDetail(t *testing.T) {
	for _, c := range []struct {
		e    Error
		want string
	}{
		{Error{Op: "send", Err: Full}, `ringway: send: ring is full`},
		{Error{Op: "open", Name: "ticks", Err: Corrupt, Detail: "word 3 is 7"}, `ringway: open "ticks": corrupt: word 3 is 7`},
		{Error{Op: "open", Name: "ticks", Err: os.ErrPermission}, `ringway: open "ticks": permission denied`},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("%+v says\n%s, want\n%s", c.e, got, c.want)
		}
		if !errors.Is(&c.e, c.e.Err) {
			t.Errorf("%v does not match %v", &c.e, c.e.Err)
		}
		var back *Error
		if !errors.As(error(&c.e), &back) || back.Detail != c.e.Detail {
			t.Errorf("%v is not an *Error for errors.As", &c.e)
		}
	}
	if !errors.Is(&Error{Op: "send", Err: Closed}, os.ErrClosed) {
		t.Error("an Error around Closed does not match os.ErrClosed")
	}
}

func TestErrorQuotesHostileNames(t *testing.T) {
	text := (&Error{Op: "open", Name: "a\x1b[2J\nb\x00\"\u202e", Err: BadName}).Error()
	if strings.ContainsAny(text, "\x1b\n\x00\u202e") {
		t.Errorf("control characters pass: %q", text)
	}
	if want := `ringway: open "a\x1b[2J\nb\x00\"\u202e": invalid name`; text != want {
		t.Errorf("text is %s, want %s", text, want)
	}
	long := (&Error{Op: "open", Name: strings.Repeat("n", 1<<20), Err: BadName}).Error()
	if !strings.Contains(long, strings.Repeat("n", 80)+`"…`) || len(long) > 200 {
		t.Errorf("a name of a mebibyte gives a text of %d bytes", len(long))
	}
	if cut := (&Error{Op: "open", Name: strings.Repeat("é", 60)[1:], Err: BadName}).Error(); strings.ContainsRune(cut, '\ufffd') {
		t.Errorf("a name cut inside a character gives %q", cut)
	}
}
