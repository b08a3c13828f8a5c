//go:build windows

package winsec

import (
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
)

// WhoAmI returns the user of this process, and the system's own account, which
// may do everything anyway.
var WhoAmI = sync.OnceValues(func() (sids [2]*windows.SID, err error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return sids, err
	}
	system, err := windows.CreateWellKnownSid(windows.WinLocalSystemSid)
	return [2]*windows.SID{user.User.Sid, system}, err
})

// Check returns an error matching errs.Insecure for what does not belong to the user of this process, or
// gives others rights. Wine shows the mode of a file as its access list.
func Check(h windows.Handle, kind windows.SE_OBJECT_TYPE) error {
	trusted, err := WhoAmI()
	if err != nil {
		return err
	}
	sd, err := windows.GetSecurityInfo(h, kind, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return failf(errs.Insecure, "its access list cannot be read: %v", err)
	}
	defer runtime.KeepAlive(sd)
	owner, _, err := sd.Owner()
	if err != nil || owner == nil {
		return failf(errs.Insecure, "it has no owner")
	}
	if !owner.Equals(trusted[0]) {
		return failf(errs.Insecure, "it belongs to user %v, this program runs as user %v", owner, trusted[0])
	}
	list, _, err := sd.DACL()
	if err != nil || list == nil {
		return failf(errs.Insecure, "it has no access list: everybody may use it")
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return failf(errs.Insecure, "its access list cannot be read: %v", err)
		}
		switch ace.Header.AceType {
		case windows.ACCESS_DENIED_ACE_TYPE:
		case windows.ACCESS_ALLOWED_ACE_TYPE:
			if sid := sidOf(ace); !sid.Equals(trusted[0]) && !sid.Equals(trusted[1]) {
				return failf(errs.Insecure, "it gives rights to %v", sid)
			}
		default:
			return failf(errs.Insecure, "its access list has an entry of kind %d", ace.Header.AceType)
		}
	}
	return nil
}

func failf(err error, format string, a ...any) error {
	return &errs.Error{Op: "check", Err: err, Detail: fmt.Sprintf(format, a...)}
}
