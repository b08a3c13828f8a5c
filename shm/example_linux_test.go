package shm_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/ringway/ringway/shm"
)

// One program makes a section, another one opens it and finds out who is there.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	s, err := shm.Create("orders", shm.Options{
		Dir:          dir, // leave it empty for sections in memory
		Body:         1 << 20,
		Participants: 2,
		Init:         func(body []byte) { copy(body, "hello") },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	defer shm.Remove("orders", dir)
	if _, err := s.Attach(0, 1); err != nil {
		log.Fatal(err)
	}

	o, err := shm.Open("orders", shm.OpenOptions{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer o.Close()
	fmt.Printf("%s, %d bytes\n", o.Body()[:5], len(o.Body()))
	for slot := range 2 {
		peer, err := o.Peer(slot)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(slot, peer.State)
	}
	_, err = o.Attach(0, 1)
	fmt.Println(errors.Is(err, shm.ErrBusy))
	// Output:
	// hello, 1048576 bytes
	// 0 alive
	// 1 absent
	// true
}
