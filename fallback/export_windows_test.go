package fallback

import "os"

func testPipes(theirs []*os.File, _ string) (stream, error) { return theirs[0], nil }

// UnderWine reports whether this is Wine.
func UnderWine() bool { return underWine() }
