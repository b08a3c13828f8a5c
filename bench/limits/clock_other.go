//go:build !windows

package limits

import "time"

var started = time.Now().Add(-time.Hour)

func monotonic() int64 { return int64(time.Since(started)) }

func sharedNow() int64 { return time.Now().UnixNano() }
