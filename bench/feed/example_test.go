package feed_test

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ringway/ringway/bench/feed"
)

func ExampleFeed_Records() {
	f, err := feed.NewFeed([]byte("first\nsecond\n"), "notes.txt", feed.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for rec, err := range f.Records() {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%s: %s\n", f.Format(), rec)
	}
	// Output:
	// lines: first
	// lines: second
}

func ExampleError() {
	f, _ := feed.NewFeed([]byte("aaaabbbbcc"), "log.bin", feed.Options{Record: 4})
	n, _, _, err := f.Count()
	fmt.Println(n, errors.Is(err, feed.ErrTorn))
	fmt.Println(err)
	// Output:
	// 2 true
	// feed: log.bin (raw) at offset 8: torn record: the data ends inside a record: needs 4 bytes, has 2
}

func ExampleGenerateITCH() {
	var day bytes.Buffer
	if err := feed.GenerateITCH(&day, feed.GenerateOptions{Seed: 7, Messages: 500}); err != nil {
		fmt.Println(err)
		return
	}
	f, err := feed.NewFeed(day.Bytes(), "generated", feed.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	n, _, largest, err := f.Count()
	fmt.Println(f.Format(), n, "messages, the largest of", largest, "bytes:", err)
	// Output: itch 500 messages, the largest of 44 bytes: <nil>
}
