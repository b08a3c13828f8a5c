package shm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/wine"
)

// listed returns what List("") says about name.
func listed(t *testing.T, name string) (Info, bool) {
	t.Helper()
	infos, err := List("")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
	i := slices.IndexFunc(infos, func(in Info) bool { return in.Name == name })
	if i < 0 {
		return Info{}, false
	}
	return infos[i], true
}

func TestListHasTheSectionsOfTheSession(t *testing.T) {
	name := unique(t)
	if _, ok := listed(t, name); ok {
		t.Error("it lists what is not there")
	}
	s := create(t, name, small(""))
	in, ok := listed(t, name)
	if !ok || in.Err != nil || in.Descriptor != s.Descriptor() || in.Size != s.Descriptor().Total {
		t.Errorf("%+v", in)
	}
	plantObject(t, name+"-bad", PageSize, "")[0] = 1
	if in, ok := listed(t, name+"-bad"); !ok || !errors.Is(in.Err, ErrNotRingway) || in.Size != PageSize || in.Descriptor != (Descriptor{}) {
		t.Errorf("%+v", in)
	}
	copy(plantObject(t, name+" odd", 1<<16, ""), image(t))
	if in, ok := listed(t, name+" odd"); !ok || !errors.Is(in.Err, ErrBadName) || in.Descriptor != (Descriptor{}) {
		t.Errorf("%+v", in)
	}
	s.Close()
	if _, ok := listed(t, name); ok {
		t.Error("it lists what is gone")
	}
}

func TestAnObjectOfAnotherKindIsNotRingway(t *testing.T) {
	name := unique(t)
	h, err := windows.CreateEvent(nil, 0, 0, windows.StringToUTF16Ptr(objectPrefix+name))
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	refused(t, "", name, ErrNotRingway, "another kind")
	if _, err := Create(name, small("")); !errors.Is(err, ErrExist) {
		t.Error(err)
	}
	if err := Remove(name, ""); !errors.Is(err, ErrNotRingway) {
		t.Error(err)
	}
	if in, ok := listed(t, name); ok {
		t.Errorf("%+v", in)
	}
}

func TestAnObjectThatOthersMayUseIsInsecure(t *testing.T) {
	hurry(t, 0)
	good := image(t)
	for _, c := range []struct{ what, sddl, words string }{
		{"rights for everybody", "O:MED:P(A;;GA;;;ME)(A;;GR;;;WD)", "gives rights to S-1-1-0"},
		{"rights for administrators", "O:MED:P(A;;GA;;;BA)(A;;GA;;;ME)", "gives rights to S-1-5-32-544"},
		{"no rights for us", "O:MED:P(A;;GA;;;BG)", "may not open it"},
		{"no access list", "O:MED:NO_ACCESS_CONTROL", ""},
		{"another owner", "O:SYD:P(A;;GA;;;ME)", "belongs to user S-1-5-18, this program runs as user S-1-5-21-"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if strings.HasPrefix(c.sddl, "O:SY") && !wine.Running() {
				t.Skip("Windows lets nobody make an object of another user")
			}
			name := unique(t)
			copy(plantObject(t, name, 1<<16, c.sddl), good)
			refused(t, "", name, ErrInsecure, c.words)
			if _, err := Create(name, small("")); !errors.Is(err, ErrExist) {
				t.Errorf("Create: %v", err)
			}
			if in, ok := listed(t, name); !ok || !errors.Is(in.Err, ErrInsecure) {
				t.Errorf("%+v", in)
			}
		})
	}
	name := unique(t)
	copy(plantObject(t, name, 1<<16, "O:MED:P(D;;GA;;;BG)(A;;GA;;;ME)(A;;GA;;;SY)"), good)
	open(t, name, OpenOptions{}) // who is kept out does not matter
}

func TestZerosAndOtherContentAreNotRingway(t *testing.T) {
	hurry(t, 50*time.Millisecond)
	name := unique(t)
	m := plantObject(t, name, 1<<16, "")
	start := time.Now()
	refused(t, "", name, ErrNotRingway, "nobody says that he is at work")
	if d := time.Since(start); d < 100*time.Millisecond {
		t.Errorf("two calls waited %v", d)
	}
	if _, err := Create(name, small("")); !errors.Is(err, ErrExist) {
		t.Error(err)
	}
	if in, ok := listed(t, name); !ok || !errors.Is(in.Err, ErrNotRingway) {
		t.Errorf("%+v", in)
	}
	m[7] = 1
	refused(t, "", name, ErrNotRingway, "it starts with 00 00 00 00 00 00 00 01")
	copy(m, image(t))
	open(t, name, OpenOptions{})
}

func TestEveryFlippedBitInAnObjectsDescriptorIsRefusedByOpen(t *testing.T) {
	name := unique(t)
	m := plantObject(t, name, 1<<16, "")
	copy(m, image(t))
	for bit := range endUsed * 8 {
		m[bit/8] ^= 1 << (bit % 8)
		if s, err := Open(name, OpenOptions{}); err == nil {
			s.Close()
			t.Fatalf("bit %d flipped, and opened", bit)
		}
		m[bit/8] ^= 1 << (bit % 8)
	}
	s := open(t, name, OpenOptions{})
	before := s.Descriptor()
	for i := range m[:PageSize] { // later changes mean nothing
		m[i] = 0xff
	}
	if s.Descriptor() != before || int64(len(s.b.mem)) != before.Total || len(s.Body()) != 10000 || len(s.Table()) != 3*EntrySize {
		t.Error("an overwritten descriptor changed an open section")
	}
	attach(t, s, 2, 0)
}

func TestAnObjectThatIsNotWhatItSaysIsRefused(t *testing.T) {
	good := image(t)
	short := unique(t) + "-short"
	copy(plantObject(t, short, int64(len(good)-PageSize), ""), good)
	refused(t, "", short, ErrCorrupt, "but the section has only")

	hurry(t, 20*time.Millisecond)
	const secReserve = 0x4000000 // SEC_RESERVE: touching it ends the program
	for what, protect := range map[string]uint32{
		"reserved": windows.PAGE_READWRITE | secReserve,
		"readonly": windows.PAGE_READONLY,
	} {
		name := unique(t) + "-" + what
		h, err := createMapping(windows.InvalidHandle, attributes(t, ""), protect, 1<<16, objectPrefix+name)
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(h)
		if _, err := Open(name, OpenOptions{}); !errors.Is(err, ErrNotRingway) {
			t.Errorf("%s: %v", what, err)
		}
		hurry(t, 0)
		if _, err := Open(name, OpenOptions{ReadOnly: true}); !errors.Is(err, ErrNotRingway) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
