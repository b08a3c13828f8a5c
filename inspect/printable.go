package inspect

import (
	"strconv"
	"strings"
)

// Printable returns s as it is if it consists of nothing but printable ASCII
// without quotes and backslashes, and quoted otherwise: so that no name or
// message of somebody else's can move a cursor, forge a line of a log, or pass
// for another text. Of more than most bytes the rest is left out, marked by
// "…"; most 0 sets no bound.
func Printable(s string, most int) string {
	cut := ""
	if most > 0 && len(s) > most {
		s, cut = s[:most], "…"
	}
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
	if plain && s != "" {
		return s + cut
	}
	return strconv.QuoteToASCII(s) + cut
}
