package contract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A pattern is the lines a message must begin with; further ones may follow
// (docs/protocol.md: what a client does not know it ignores). In a line … stands
// for anything and {name} for anything that is kept, or for what was kept. A line
// of only ~ lets further lines stand there too; a last line of only . says that
// the message ends. A last line that begins with \0 is the body.

// fits returns "", or why m does not fit; what {names} caught is added to vars.
func fits(pattern []string, m message, vars map[string]string) string {
	n := len(pattern)
	if n > 0 && strings.HasPrefix(pattern[n-1], "\x00") {
		if m.body == nil || !fitsLine("\x00"+pattern[n-1][1:], "\x00"+string(m.body), vars) {
			return fmt.Sprintf("the body is %q", tail(string(m.body), 200))
		}
		pattern = pattern[:n-1]
	}
	at, skip := 0, false
	for i, p := range pattern {
		switch {
		case p == "~":
			skip = true
			continue
		case p == "." && i == len(pattern)-1:
			if at < len(m.lines) {
				return "there are further lines"
			}
			continue
		}
		for skip && at < len(m.lines) && !fitsLine(p, m.lines[at], vars) {
			at++
		}
		if at == len(m.lines) {
			return "missing: " + p
		}
		if !fitsLine(p, m.lines[at], vars) {
			return fmt.Sprintf("line %d is %q, not %q", at+1, m.lines[at], p)
		}
		at, skip = at+1, false
	}
	return ""
}

var holes = regexp.MustCompile(`…|\{[a-z_0-9]+\}`)

func fitsLine(pattern, line string, vars map[string]string) bool {
	if !holes.MatchString(pattern) {
		return pattern == line
	}
	var re strings.Builder
	var names []string
	at := 0
	for _, h := range holes.FindAllStringIndex(pattern, -1) {
		re.WriteString(regexp.QuoteMeta(pattern[at:h[0]]))
		hole := pattern[h[0]:h[1]]
		at = h[1]
		if hole == "…" {
			re.WriteString("(?s:.*)")
		} else if v, bound := vars[hole[1:len(hole)-1]]; bound {
			re.WriteString(regexp.QuoteMeta(v))
		} else {
			re.WriteString("(.+)")
			names = append(names, hole[1:len(hole)-1])
		}
	}
	re.WriteString(regexp.QuoteMeta(pattern[at:]))
	found := regexp.MustCompile(`\A` + re.String() + `\z`).FindStringSubmatch(line)
	if found == nil {
		return false
	}
	for i, name := range names {
		vars[name] = found[i+1]
	}
	return true
}

// fill puts what was kept into a line that is sent.
func fill(line string, vars map[string]string) string {
	return holes.ReplaceAllStringFunc(line, func(h string) string {
		if v, ok := vars[strings.Trim(h, "{}")]; ok {
			return v
		}
		return h
	})
}

func lines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

func TestPatterns(t *testing.T) {
	m := message{lines: []string{"stat: 200", "file: a_1_b", "size: 3"}, body: []byte("abc")}
	for _, c := range []struct {
		pattern string
		fit     bool
	}{
		{"stat: 200", true}, {"file: a_1_b", false}, {"~\nfile: a_{n}_b", true}, {"stat: 200\nsize: 3", false},
		{"stat: 200\n~\nsize: …\n.", true}, {"stat: 200\n.", false}, {"stat: 20", false}, {"stat: 200\n\x00abc", true},
		{"stat: 200\n\x00ab", false}, {"stat: 200\nfile: …\nsize: 3\nmore: yes", false}, {"~\nsize: {n}\n\x00…", true},
	} {
		vars := map[string]string{}
		if why := fits(lines(c.pattern), m, vars); (why == "") != c.fit {
			t.Errorf("pattern %q: %q", c.pattern, why)
		}
		if strings.Contains(c.pattern, "{n}") && vars["n"] == "" {
			t.Errorf("pattern %q caught nothing", c.pattern)
		}
	}
}
