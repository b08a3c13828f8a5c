package fallback

import "os"

func testPipes(theirs []*os.File, _ string) (stream, error) { return theirs[0], nil }
