package sync

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/winsec"
)

// osBell sleeps on named events: memory can't be slept on across processes on
// Windows. There are two, which stay set until they are reset, so that all who
// sleep wake. Who was told number seq when it announced itself sleeps on event
// seq mod 2. A waker moves to the next number, resets its event and sets the one
// before.
//
// If two wakers overlap, one may undo the other's work, for a sleeper that has
// announced itself and not yet begun to wait, or leave an event set for which
// nobody is due to sleep. Then a sleeper sleeps until the safety net, or wakes
// for nothing, until the next ring.
type osBell struct {
	events [2]windows.Handle
	pool   *poolWait // of a sleeper that polls
	find   func(create bool) (*os.File, error)

	// With a doorbell, which a Linux process can reach that shares the memory,
	// polling sleepers read from that instead.
	doorbell atomic.Pointer[os.File]
}

func (o *osBell) open(name string, _ bool) error {
	attributes, err := winsec.OwnerOnly()
	if err != nil {
		return err
	}
	for i := range o.events {
		path, err := windows.UTF16PtrFromString(fmt.Sprintf(`Local\%s.%d`, name, i))
		if err != nil {
			return err
		}
		const manualReset = 1
		o.events[i], err = windows.CreateEvent(attributes, manualReset, 0, path)
		if o.events[i] == 0 { // otherwise it was created, or there already
			_ = o.close()
			return &errs.Error{Op: "open bell", Name: name, Err: err}
		}
	}
	return nil
}

func (o *osBell) close() (err error) {
	if d := o.doorbell.Swap(nil); d != nil {
		err = d.Close()
	}
	if o.pool != nil {
		o.pool.close()
		o.pool = nil
	}
	for i, e := range o.events {
		if e != 0 {
			err = errors.Join(err, windows.CloseHandle(e))
			o.events[i] = 0
		}
	}
	return err
}

// sleep sleeps until wake or for d, unless the word is no longer seq.
func (o *osBell) sleep(r mem.Region, seq uint32, d time.Duration) {
	if r.Load32(offSeq) != seq {
		return
	}
	// Every outcome means: look again.
	_, _ = windows.WaitForSingleObject(o.events[seq&1], uint32(d.Milliseconds()))
}

// wake wakes everyone who sleeps, now that the word is seq.
func (o *osBell) wake(_ mem.Region, seq, _ uint32) {
	if o.find != nil {
		if d, err := o.openDoorbell(); err == nil {
			// Full is readable, too.
			_ = d.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, _ = d.Write([]byte{1, 0, 0, 0, 0, 0, 0, 0})
		}
	}
	_ = windows.ResetEvent(o.events[seq&1])
	_ = windows.SetEvent(o.events[(seq-1)&1])
}

// poll has this handle wait in the system's pool of threads, one of which waits
// for many. Nobody else has to know.
func (o *osBell) poll() (uint32, error) {
	var err error
	if o.find != nil {
		_, err = o.openDoorbell()
		return onDoorbell, err
	}
	if o.pool == nil {
		o.pool, err = newPoolWait()
	}
	return 0, err
}

// sleepPolling is sleep without a thread.
func (o *osBell) sleepPolling(r mem.Region, seq uint32, d time.Duration) {
	if file := o.doorbell.Load(); file != nil {
		if r.Load32(offSeq) == seq {
			var knocks [64]byte
			_ = file.SetReadDeadline(time.Now().Add(d))
			_, _ = file.Read(knocks[:])
		}
		return
	}
	if r.Load32(offSeq) == seq {
		o.pool.waitFor(o.events[seq&1], d)
	}
}

// openDoorbell opens the doorbell, if it isn't open.
func (o *osBell) openDoorbell() (*os.File, error) {
	if d := o.doorbell.Load(); d != nil {
		return d, nil
	}
	d, err := o.find(false)
	if err != nil {
		return nil, err
	}
	if !o.doorbell.CompareAndSwap(nil, d) {
		_ = d.Close()
	}
	return o.doorbell.Load(), nil
}

// descriptor returns -1: there is none.
func (o *osBell) descriptor() int { return -1 }

func (o *osBell) drain() {}

func (*osBell) tend(func()) bool { return false }
