// Probe is the program that the tests of scripts/wine-exec run.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "args":
		for _, a := range args {
			fmt.Printf("%q\n", a)
		}
	case "env":
		fmt.Print(os.Getenv(args[0]))
	case "cwd":
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		fmt.Print(dir)
	case "cat":
		n, err := io.Copy(os.Stdout, os.Stdin)
		fmt.Fprint(os.Stderr, n, err)
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "grow":
		// Lengthens a file for as long as it lives: a sign of life that
		// nobody needs to ask for.
		f, err := os.Create(args[0])
		if err != nil {
			return err
		}
		for {
			if _, err := f.WriteString("alive\n"); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	default:
		return fmt.Errorf("nothing called %q", what)
	}
	return nil
}
