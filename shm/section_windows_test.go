package shm

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestWhatOneWritesTheOtherReads(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		params := [8]uint64{8, 7, 6, 5, 4, 3, 2, 1}
		a := create(t, name, Options{
			Dir: dir, Kind: 42, Params: params, Body: 10000, Participants: 20, Prefault: true,
			Init: func(body []byte) {
				if len(body) != 10000 || cap(body) != 10000 || !bytes.Equal(body, make([]byte, 10000)) {
					t.Errorf("Init got %d bytes", len(body))
				}
				copy(body, "formatted")
			},
		})
		if dir != "" {
			if got := names(t, dir); !slices.Equal(got, []string{"ringway.x"}) {
				t.Errorf("in the directory: %q", got)
			}
		}
		b := open(t, name, OpenOptions{Dir: dir, Prefault: true})
		if b.Descriptor() != a.Descriptor() {
			t.Errorf("opened %+v, created %+v", b.Descriptor(), a.Descriptor())
		}
		if d := b.Descriptor(); d.Kind != 42 || d.Params != params || d.BodyOffset != 4096+8192 || d.Total != 4096+8192+12288 || d.CreatorPID != os.Getpid() {
			t.Errorf("%+v", d)
		}
		if b.Name() != name || len(b.Body()) != 10000 || cap(b.Body()) != 10000 || len(b.Table()) != 20*256 {
			t.Errorf("%q, body %d, table %d", b.Name(), len(b.Body()), len(b.Table()))
		}
		if !strings.HasPrefix(string(b.Body()[:9]), "formatted") {
			t.Errorf("body is %q", b.Body()[:9])
		}
		a.Body()[9999] = 'x'
		b.Table()[256+EntryCounters] = 'y'
		if b.Body()[9999] != 'x' || a.Table()[256+EntryCounters] != 'y' {
			t.Error("what one wrote the other does not see")
		}
		ro := open(t, name, OpenOptions{Dir: dir, ReadOnly: true, Prefault: true})
		if !ro.ReadOnly() || ro.Body()[9999] != 'x' {
			t.Error("the read-only section is different")
		}
		var page [PageSize]byte
		copy(page[:], a.b.mem)
		d := a.Descriptor()
		if page != *d.encode() {
			t.Error("the descriptor's page has more than the descriptor")
		}
		for _, s := range []*Section{a, b, ro} {
			if same, err := s.SameName(); !same || err != nil {
				t.Error(same, err)
			}
			if g := s.Guard(); g.Faulted() {
				t.Error("faulted")
			}
		}
		if err := Remove(name, dir); err != nil {
			t.Error(err)
		}
	})
}

func TestARemovedOrClosedSectionIsGone(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		refused(t, dir, name, ErrNotExist, "")
		if err := Remove(name, dir); !errors.Is(err, ErrNotExist) {
			t.Error(err)
		}
		a := create(t, name, small(dir))
		if err := Remove(name, dir); err != nil {
			t.Error(err)
		}
		if dir == "" {
			// It has its name until the last process has closed it.
			b := open(t, name, OpenOptions{})
			a.Close()
			if c := open(t, name, OpenOptions{}); c.Descriptor() != b.Descriptor() {
				t.Error("another generation")
			} else {
				c.Close()
			}
			b.Close()
		} else if same, err := a.SameName(); same || err != nil {
			t.Error(same, err)
		}
		refused(t, dir, name, ErrNotExist, "")
		if b := create(t, name, small(dir)); b.Descriptor().Region == a.Descriptor().Region {
			t.Error("the same generation")
		}
		if dir != "" { // the first one goes on
			a.Body()[0] = 1
			if same, err := a.SameName(); same || err != nil {
				t.Error(same, err)
			}
		}
	})
}

func TestCloseWorksOnceAndUnmaps(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		s := create(t, name, small(dir))
		p := attach(t, s, 0, 0)
		addr := address(s.Body())
		if !mapped(t, addr) {
			t.Error("not mapped")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_, attachErr := s.Attach(0, 0)
		_, peerErr := s.Peer(0)
		_, nameErr := s.SameName()
		for i, err := range []error{s.Close(), attachErr, peerErr, nameErr, p.Detach()} {
			if !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if s.Body() != nil || s.Table() != nil || mapped(t, addr) {
			t.Error("still mapped")
		}
		if s.Name() != name || s.Descriptor().BodySize != 10000 {
			t.Error("it has forgotten what it was")
		}
	})
}

func TestCreateOfATakenNameSaysHowToGoOn(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		a := create(t, name, small(dir))
		_, err := Create(name, small(dir))
		if !errors.Is(err, ErrExist) || !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "open it; or") {
			t.Error(err)
		}
		if d := open(t, name, OpenOptions{Dir: dir}).Descriptor(); d != a.Descriptor() {
			t.Errorf("the first section is now %+v", d)
		}
	})
}

func TestAPanicInInitLeavesNothing(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		func() {
			defer func() {
				if recover() != "init" {
					t.Error("the panic was lost")
				}
			}()
			o := small(dir)
			o.Init = func([]byte) { panic("init") }
			Create(name, o)
		}()
		if dir != "" {
			if got := names(t, dir); len(got) != 0 {
				t.Errorf("left behind: %q", got)
			}
		}
		create(t, name, small(dir))
	})
}

func TestNamesDifferInCaseAndDotsWhereTheSystemCanTell(t *testing.T) {
	a := unique(t)
	create(t, a, small(""))
	for _, b := range []string{strings.ToUpper(a), a + "."} {
		create(t, b, small(""))
	}
	dir := t.TempDir()
	create(t, "a", small(dir))
	create(t, "a.", small(dir)) // the ordinary way of naming files would take it for the first
	long := strings.Repeat("n", MaxName)
	create(t, long, small(dir))
	open(t, long, OpenOptions{Dir: dir})
	create(t, long, small("")).Close()
	infos, err := List(dir)
	if len(infos) != 3 || err != nil {
		t.Error(infos, err)
	}
	for _, in := range infos {
		if in.Err != nil {
			t.Error(in.Err)
		}
	}
}

func TestMoreThanThereIsIsErrNoSpace(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		o := small(dir)
		o.Body = MaxBody
		_, err := Create(name, o)
		if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "asked for 70368744185856 bytes") || !strings.Contains(err.Error(), "available") {
			t.Error(err)
		}
		refused(t, dir, name, ErrNotExist, "")
		if dir != "" && len(names(t, dir)) != 0 {
			t.Errorf("left behind: %q", names(t, dir))
		}
	})
}

func TestHugePagesAreUnsupported(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		o := small(dir)
		o.HugePages = true
		_, createErr := Create(name, o)
		create(t, name, small(dir))
		_, openErr := Open(name, OpenOptions{Dir: dir, HugePages: true})
		for _, err := range []error{createErr, openErr} {
			if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "SeLockMemoryPrivilege") {
				t.Error(err)
			}
		}
	})
}

func TestNothingLeaks(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		hurry(t, 0)
		h, err := windows.CreateEvent(nil, 0, 0, windows.StringToUTF16Ptr(objectPrefix+name+".event"))
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(h)
		bad := image(t)
		bad[offTotal]++
		cycle := func() {
			s, err := Create(name, small(dir))
			if err != nil {
				t.Fatal(err)
			}
			o, err := Open(name, OpenOptions{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			p, _ := o.Attach(0, 0)
			o.Attach(0, 0) // busy
			s.Attach(1, 0) // closed by Close
			s.Peer(0)
			p.Detach()
			o.SameName()
			Create(name, small(dir))                                                // exists
			Open(name+".missing", OpenOptions{Dir: dir})                            // does not
			Open(name+".event", OpenOptions{Dir: dir})                              // is something else
			Create(name+".vast", Options{Dir: dir, Body: 1 << 43, Participants: 1}) // no space
			Create(name+".vast", Options{Dir: dir, Body: MaxBody, Participants: 1}) // no space
			Open(name, OpenOptions{Dir: dir, HugePages: true})                      // not here
			List(dir)
			o.Close()
			Remove(name, dir)
			s.Close()
			if dir != "" {
				plantFile(t, dir, name, bad)
				Open(name, OpenOptions{Dir: dir}) // corrupt
				Remove(name, dir)
			}
		}
		cycle()
		before := handles(t)
		for range 100 {
			cycle()
		}
		if after := handles(t); after > before+10 {
			t.Errorf("%d handles became %d", before, after)
		}
	})
}
