//go:build !linux && !windows

package fallback

import "os"

func testPipes([]*os.File, string) (stream, error) { return nil, ErrUnsupported }
