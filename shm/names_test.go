package shm

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestCheckNameAcceptsPlainNames(t *testing.T) {
	for _, name := range []string{"a", "orders", "A-Z_0.9", "_", "0", "a..b", strings.Repeat("x", MaxName)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
}

func TestBadNamesAreRefusedWithTheReason(t *testing.T) {
	for name, why := range map[string]string{
		"":                                      "empty",
		".":                                     `starts with '.'`,
		"..":                                    `starts with '.'`,
		".hidden":                               `starts with '.'`,
		"-f":                                    `starts with '-'`,
		"a/b":                                   `byte 1 is "/"`,
		"../a":                                  `starts with '.'`,
		"a/../b":                                `byte 1 is "/"`,
		`a\b`:                                   `byte 1 is "\\"`,
		"a\x00b":                                `byte 1 is "\x00"`,
		"a b":                                   `byte 1 is " "`,
		"a\n":                                   `byte 1 is "\n"`,
		"caf\u00e9":                             `byte 3 is "\xc3"`,
		"C:x":                                   `byte 1 is ":"`,
		strings.Repeat("x", 300):                "300 bytes are more than 200",
		strings.Repeat("x", 201):                "201 bytes are more than 200",
		strings.Repeat("x", 100) + "\U0001f600": "byte 100",
	} {
		for what, err := range map[string]error{
			"CheckName": CheckName(name),
			"Create":    second(Create(name, Options{Body: 1, Participants: 1})),
			"Open":      second(Open(name, OpenOptions{})),
			"Remove":    Remove(name, ""),
		} {
			if !errors.Is(err, ErrBadName) || !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), why) {
				t.Errorf("%s(%.20q): %v, want ErrBadName with %q", what, name, err, why)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
