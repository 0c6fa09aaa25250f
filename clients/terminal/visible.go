package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible makes of what others wrote something that cannot steer a terminal: control
// characters and those that turn the direction of writing are shown as \x1b or
// \u202e. Line feeds are kept where lines is set, and are shown else.
func visible(s string, lines bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return steers(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case r == '\n' && lines:
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		case !steers(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// steers reports whether a terminal may take r for more than a sign: the controls of
// ISO 6429, line separators, and the bidirectional controls of UAX #9, section 2.
func steers(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r == 0x061c || r == 0x200e || r == 0x200f ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == unicode.ReplacementChar
}

// wide are the ranges that take two columns: the wide and fullwidth ones of UAX #11,
// and the signs that are drawn as pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1},
		{0xa000, 0xa4cf, 1}, {0xa960, 0xa97f, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1},
		{0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x16fe0, 0x18aff, 1}, {0x1b000, 0x1b2ff, 1}, {0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// columns returns how many columns of a terminal r takes.
func columns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// width returns how many columns s takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// cut shortens s to at most n columns, with an ellipsis where something is lost.
func cut(s string, n int) string {
	if width(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		if used += columns(r); used > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// pad fills s with spaces up to n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// wrap breaks s between words into lines of at most n columns.
func wrap(s string, n int) string {
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(s) {
		switch w := width(word); {
		case i == 0:
			used = w
		case used+1+w > n:
			b.WriteByte('\n')
			used = w
		default:
			b.WriteByte(' ')
			used += 1 + w
		}
		b.WriteString(word)
	}
	return b.String()
}

// fold breaks a line that is longer than a row of n columns, at spaces where it can, and indents what
// follows as far as its text begins: behind a time, or else where the line does.
func fold(line string, n int) string {
	if width(line) <= n {
		return line
	}
	margin := len(line) - len(strings.TrimLeft(line, " "))
	if end := strings.Index(line, "] "); strings.HasPrefix(line, "[") && end > 0 && end < 20 {
		margin = end + len("] ")
	}
	if margin > n*2/3 {
		margin = 0
	}
	var b strings.Builder
	row, used, space := 0, 0, -1 // the row begins at row; space is where it may be broken
	for i, r := range line {
		for used+columns(r) > n && i > row {
			end := i
			if space > row && r != ' ' {
				end = space
			}
			b.WriteString(line[row:end] + "\n" + strings.Repeat(" ", margin))
			for row = end; row < i && line[row] == ' '; row++ {
			}
			used, space = margin+width(line[row:i]), -1
		}
		switch {
		case r == ' ' && i == row && row > 0: // a row does not begin with one
			row++
			continue
		case r == ' ' && i > max(row, margin):
			space = i
		case columns(r) == 2:
			space = i + utf8.RuneLen(r) // between wide signs a line may break anywhere
		}
		used += columns(r)
	}
	b.WriteString(line[row:])
	return b.String()
}
