//go:build !linux && !windows

package fallback

import "os"

func testPipes([]*os.File, string) (stream, error) { return nil, ErrUnsupported }

// UnderWine reports whether this is Wine.
func UnderWine() bool { return false }
