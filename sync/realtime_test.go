package sync

import (
	"errors"
	"os"
	"testing"

	"github.com/ringway/ringway/internal/errs"
)

func TestRealTimeIsGivenOrRefusedWithTheReason(t *testing.T) {
	leave, err := Realtime{CPU: 0}.Enter()
	supported(t, err)
	leave()
	for _, rt := range []Realtime{{CPU: -1, Priority: 100}, {CPU: -1, Priority: -1}, {CPU: 1 << 20}, {CPU: 1000}} {
		if _, err := rt.Enter(); !errors.Is(err, errs.BadArgument) {
			t.Errorf("%+v: %v", rt, err)
		}
	}
	for _, priority := range []int{1, 99} {
		leave, err := Realtime{CPU: -1, Priority: priority}.Enter()
		switch {
		case err == nil:
			leave()
		case !errors.Is(err, os.ErrPermission):
			t.Errorf("priority %d: %v", priority, err)
		}
	}
}
