package ringway

import (
	"testing"
	"testing/synctest"
	"time"
)

// The old deadline's timer may have fired, and its function be about to run, when
// a new deadline is set: the new one must not end for it.
func TestADeadlineThatIsReplacedAsItPassesDoesNotEndTheNewOne(t *testing.T) {
	for range 2000 {
		synctest.Test(t, func(t *testing.T) {
			var d deadline
			d.init()
			defer d.end()
			d.set(time.Now().Add(time.Millisecond))
			time.Sleep(time.Millisecond)
			d.set(time.Time{})
			ctx := d.context()
			synctest.Wait()
			if err := ctx.Err(); err != nil {
				t.Fatalf("a connection without a deadline: %v", err)
			}
		})
		if t.Failed() {
			return
		}
	}
}
