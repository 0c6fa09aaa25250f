package process

import (
	"fmt"
	"strings"
	"testing"
)

// quoted writes bytes as strace -xx does.
func quoted(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return b.String()
}

// TestTraceCheckFindsEarlyAnswers feeds the proof made-up traces: it must see each way to answer too early.
func TestTraceCheckFindsEarlyAnswers(t *testing.T) {
	t.Parallel()
	const mark = "mark-0-0000."
	file := "9<" + quoted("/d/neochat.db-wal") + ">"
	onWAL := func(data string) string {
		return fmt.Sprintf(`11 10:00:00.1 pwrite64(%s, "%s", %d, 0) = %d`, file, quoted(data), len(data), len(data))
	}
	header := func(size string) string {
		return onWAL("\x00\x00\x00\x01\x00\x00\x00" + size + strings.Repeat("s", 16))
	}
	row, index := onWAL("row "+mark), onWAL("an index page")
	sync, begins, ends := `11 10:00:00.2 fsync(`+file+`) = 0`, `11 10:00:00.2 fsync(`+file+` <unfinished ...>`, `11 10:00:00.3 <... fsync resumed>) = 0`
	fails := `11 10:00:00.2 fsync(` + file + `) = -1 EIO (Input/output error)`
	words := "\x81\x40task_id: " + mark + "\nmessage_type: text\nstat: 200\n\n"
	answer := fmt.Sprintf(`12 10:00:00.4 write(7<TCP:[127.0.0.1:1->127.0.0.1:2]>, "%s", %d) = %d`, quoted(words), len(words), len(words))
	signal := `12 10:00:00.4 --- SIGURG {si_signo=SIGURG, si_code=SI_TKILL} ---`
	more, commit := header("\x00"), header("\x05")

	for name, c := range map[string]struct {
		lines []string
		good  bool
	}{
		"in order":                             {[]string{commit, row, sync, answer}, true},
		"row before the commit frame":          {[]string{more, row, commit, index, sync, answer}, true},
		"sync in two parts":                    {[]string{commit, row, begins, signal, ends, answer}, true},
		"second sync after a failed one":       {[]string{commit, row, fails, sync, answer}, true},
		"no sync":                              {[]string{commit, row, answer}, false},
		"answer before the sync":               {[]string{commit, row, answer, sync}, false},
		"answer while it syncs":                {[]string{commit, row, begins, answer, ends}, false},
		"sync before the row":                  {[]string{sync, commit, row, answer}, false},
		"sync began before the row":            {[]string{begins, commit, row, ends, answer}, false},
		"sync between row and commit frame":    {[]string{more, row, sync, commit, index, answer}, false},
		"sync before the commit frame's page":  {[]string{more, row, commit, sync, index, answer}, false},
		"only a failed sync":                   {[]string{commit, row, fails, answer}, false},
		"answer without any row":               {[]string{sync, answer}, false},
		"transaction without its commit frame": {[]string{more, row, sync, answer}, false},
	} {
		calls, err := readTrace(strings.NewReader(strings.Join(c.lines, "\n") + "\n"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		problems, seen := durabilityProblems(calls, []string{mark})
		if seen.answers != 1 {
			t.Errorf("%s: the answer was not seen", name)
		}
		if good := len(problems) == 0; good != c.good {
			t.Errorf("%s: problems %v", name, problems)
		}
	}
}
