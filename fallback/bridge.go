package fallback

import (
	"errors"

	"github.com/ringway/ringway/shm"
)

// A bridge joins a Linux process and a Windows process under Wine on the same
// machine. They negotiate over TCP; the rings are in a file that both can map,
// in the directory that both give (/dev/shm, which is Z:\dev\shm under Wine). A
// futex wakes no Wine process, and an event no Linux one; so both sleep on FIFOs
// beside the file, one for each end of each ring. The Linux side has to listen,
// since Windows can't make FIFOs. Once both have opened everything, the names are
// taken away by the Linux side.
//
// Two Linux processes can use a bridge as well, for what that is worth.

// bridgeSection opens the section that an accept names.
func bridgeSection(a accept, o Options) (*shm.Section, error) {
	if o.Dir == "" {
		return nil, failf(ErrTransport, "a bridge needs a directory that both sides can reach")
	}
	return shm.Open(a.section, shm.OpenOptions{Dir: o.Dir, Prefault: o.Prefault})
}

// takeBridge opens what the other side has made.
func takeBridge(a accept, o Options) (*shm.Section, *Doorbells, error) {
	s, err := bridgeSection(a, o)
	if err != nil {
		return nil, nil, err
	}
	d := &Doorbells{}
	for i, name := range doorbellNames {
		if d.files[i], err = openBridgeFIFO(o.Dir, a.section, name); err != nil {
			return nil, nil, errors.Join(err, d.Close(), s.Close())
		}
	}
	d.reopen()
	return s, d, nil
}
