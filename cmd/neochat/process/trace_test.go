package process

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// syscall lines of "strace -f -yy -xx -tt -o": every string is hex, and the order
// of the lines is the order in which calls began and ended.
var (
	traceLine    = regexp.MustCompile(`^(\d+) +\S+ (.*)$`)
	traceCall    = regexp.MustCompile(`^(\w+)\((\d+)(?:<((?:->|[^>])*)>)?(.*)$`)
	traceResumed = regexp.MustCompile(`^<\.\.\. (\w+) resumed>(.*)$`)
	traceResult  = regexp.MustCompile(` = (-?\d+|\?)[^=]*$`)
	traceString  = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?`)
)

const unfinished = " <unfinished ...>"

// traced is one system call on a file or socket. begin and end are line numbers:
// a before b means a.end < b.begin.
type traced struct {
	name       string
	fd         string
	file       string // path or socket; strace cannot always tell
	data       []byte // what it writes
	begin, end int
	result     int // -1: it failed or never returned
}

// readTrace parses what strace wrote. Calls come in the order of their beginning.
func readTrace(r io.Reader) ([]*traced, error) {
	var calls []*traced
	open := map[string]*traced{} // by thread
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		m := traceLine.FindStringSubmatch(lines.Text())
		if m == nil {
			return nil, fmt.Errorf("line %d is none of strace's: %.80s", n, lines.Text())
		}
		thread, what := m[1], m[2]
		if resumed := traceResumed.FindStringSubmatch(what); resumed != nil {
			c := open[thread]
			if c == nil || c.name != resumed[1] {
				continue // a call that began before the trace, or is none on a descriptor
			}
			delete(open, thread)
			c.end, c.result = n, resultOf(resumed[2])
			continue
		}
		c, err := beginCall(what, n)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if c == nil {
			continue
		}
		calls = append(calls, c)
		if strings.HasSuffix(what, unfinished) {
			open[thread] = c
		} else {
			c.end, c.result = n, resultOf(what)
		}
	}
	for _, c := range open { // never returned
		c.end = int(^uint(0) >> 1)
	}
	return calls, lines.Err()
}

// beginCall reads a line on which a call begins; nil: it is about something else.
func beginCall(what string, n int) (*traced, error) {
	m := traceCall.FindStringSubmatch(what)
	if m == nil {
		return nil, nil
	}
	c := &traced{name: m[1], fd: m[2], file: unhex(m[3]), begin: n, result: -1}
	for _, s := range traceString.FindAllStringSubmatch(m[4], -1) {
		if s[2] != "" {
			return nil, fmt.Errorf("%s has more data than was traced", c.name)
		}
		c.data = append(c.data, unhex(s[1])...)
	}
	return c, nil
}

func resultOf(rest string) int {
	m := traceResult.FindStringSubmatch(rest)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// unhex turns \x2f\x74 into /t, and leaves what is not written so alone.
func unhex(s string) string {
	if !strings.HasPrefix(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i+4 <= len(s); i += 4 {
		v, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			return s
		}
		b.WriteByte(byte(v))
	}
	return b.String()
}
