package process

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	tracedTalkers = 4
	tracedSingles = 8  // texts sent one by one, each after the last one's answer
	tracedBurst   = 40 // texts sent without waiting: half in one frame, half in frames of their own
)

// TestAnswerFollowsSync traces the server's system calls and proves from them that
// no 200 to a send, and no delivery, leaves before the row's transaction is synced.
func TestAnswerFollowsSync(t *testing.T) {
	t.Parallel()
	marks, calls := tracedSession(t)
	problems, seen := durabilityProblems(calls, marks)
	for _, p := range problems[:min(len(problems), 10)] {
		t.Error(p)
	}
	for _, mark := range seen.silent {
		for _, c := range calls {
			if bytes.Contains(c.data, []byte("task_id: "+mark)) {
				t.Errorf("the answer to %s was not told apart: %s to fd %s %q, result %d", mark, c, c.fd, c.file, c.result)
			}
		}
	}
	if seen.syncs == 0 || seen.answers != len(marks) || seen.pushes < len(marks) {
		t.Fatalf("the trace does not show what happened: %+v for %d texts; write(2), pwrite64(2) or fsync(2) were not seen", seen, len(marks))
	}
	t.Logf("%d texts, %+v, %d system calls", len(marks), seen, len(calls))
}

// tracedSession sends texts to a server under strace, ends it, and reads the trace.
func tracedSession(t *testing.T) (marks []string, calls []*traced) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("this test needs strace(1) in the PATH: ", err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "trace")
	// -D: the server is our child, and strace its sibling, which holds standard error until the trace is complete.
	s := startUnder(t, []string{strace, "-D", "-f", "-yy", "-xx", "-tt", "-s", "1000000", "-o", out,
		"-e", "trace=fsync,fdatasync,sync_file_range,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg"}, filepath.Join(dir, "data"))
	register(t, s, "hub")
	hub := login(t, s, "hub")
	var clients []*client
	for i := range tracedTalkers {
		account := fmt.Sprintf("talker%d", i)
		register(t, s, account)
		clients = append(clients, login(t, s, account, "device: d"))
	}
	marks = talkTogether(t, clients)
	for range marks {
		hub.told(t, func(m message) bool { return m.get("message_type") == "text" })
	}
	s.stop(t)
	f, err := os.Open(out)
	if err != nil {
		t.Fatalf("strace wrote nothing (is ptrace permitted here?): %v\n%s", err, s.log)
	}
	defer f.Close()
	if calls, err = readTrace(f); err != nil {
		t.Fatal(err)
	}
	return marks, calls
}

// talkTogether lets all of them talk at once and returns the marks of their texts.
func talkTogether(t *testing.T, clients []*client) (marks []string) {
	t.Helper()
	var talking sync.WaitGroup
	made := make([][]string, len(clients))
	failed := make([]error, len(clients))
	for i, c := range clients {
		talking.Go(func() {
			k := &marker{c: c, name: fmt.Sprintf("mark-%d", i)}
			failed[i] = errors.Join(k.singles(), k.burst())
			made[i] = k.marks
		})
	}
	talking.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(made...)
}

// marker sends texts that can be found again in a trace.
type marker struct {
	c     *client
	name  string
	marks []string
}

func (k *marker) text() []string {
	mark := fmt.Sprintf("%s-%04d.", k.name, len(k.marks))
	k.marks = append(k.marks, mark)
	return []string{"task_id: " + mark, "message_type: text", "friends: hub", "text: " + mark}
}

func (k *marker) answered() error {
	m, err := k.c.next()
	if err == nil && m.get("stat") != "200" {
		err = fmt.Errorf("a send was answered %s", m.raw)
	}
	return err
}

func (k *marker) singles() error {
	for range tracedSingles {
		if err := errors.Join(k.c.write(k.text()...), k.answered()); err != nil {
			return err
		}
	}
	return nil
}

func (k *marker) burst() error {
	var together strings.Builder
	for range tracedBurst / 2 {
		together.WriteString(frame(k.text()...))
	}
	err := k.c.write(strings.TrimSuffix(together.String(), "\n\n"))
	for range tracedBurst / 2 {
		err = errors.Join(err, k.c.write(k.text()...))
	}
	for i := 0; i < tracedBurst && err == nil; i++ {
		err = k.answered()
	}
	return err
}

// seenInTrace counts what the proof rests on.
type seenInTrace struct {
	syncs, answers, pushes int
	silent                 []string // marks whose answer was not seen
}

// durabilityProblems looks, for each mark, for the WAL frames that hold it, the
// commit frame of their transaction, the first sync of the WAL that began after
// that, and whatever carried the mark to a socket earlier than the end of the sync.
func durabilityProblems(calls []*traced, marks []string) (problems []string, seen seenInTrace) {
	var wal, syncs []*traced
	sockets := map[string]*stream{} // by descriptor; connections that had the same one follow each other
	for _, c := range calls {
		switch {
		case !strings.HasPrefix(c.file, "/"):
			if sockets[c.fd] == nil {
				sockets[c.fd] = &stream{}
			}
			sockets[c.fd].add(c)
		case !strings.HasSuffix(c.file, "neochat.db-wal"):
		case c.name == "fsync" || c.name == "fdatasync":
			syncs = append(syncs, c)
		default:
			wal = append(wal, c)
		}
	}
	seen.syncs = len(syncs)
	for _, mark := range marks {
		durable, before := syncedAt(wal, syncs, mark), seen.answers
		for _, out := range sockets {
			answer := out.find("task_id: " + mark + "\nmessage_type: text\nstat: 200\n")
			push := out.find("message_type: text\ntext: " + mark + "\n")
			for _, c := range slices.Concat(answer, push) {
				if durable == nil || c.begin <= durable.end {
					problems = append(problems, fmt.Sprintf("%s left on line %d of the trace, to %s; the sync of its row: %s", mark, c.begin, c.file, durable))
				}
			}
			seen.answers += len(answer)
			seen.pushes += len(push)
		}
		if seen.answers == before {
			seen.silent = append(seen.silent, mark)
		}
	}
	return problems, seen
}

// stream is what was written to one descriptor.
type stream struct {
	bytes []byte
	ends  []int // of each call's data within bytes
	calls []*traced
}

func (s *stream) add(c *traced) {
	s.bytes = append(s.bytes, c.data[:max(0, min(c.result, len(c.data)))]...) // a short write is tried again
	s.ends = append(s.ends, len(s.bytes))
	s.calls = append(s.calls, c)
}

// find returns the calls that wrote the beginnings of what.
func (s *stream) find(what string) (found []*traced) {
	for at := 0; ; at += len(what) {
		i := bytes.Index(s.bytes[at:], []byte(what))
		if i < 0 {
			return found
		}
		at += i
		n, _ := slices.BinarySearch(s.ends, at+1)
		found = append(found, s.calls[n])
	}
}

func (c *traced) String() string {
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%s from line %d to %d", c.name, c.begin, c.end)
}

// syncedAt returns the call that made the mark's row durable; nil: none did.
func syncedAt(wal, syncs []*traced, mark string) *traced {
	i := slices.IndexFunc(wal, func(c *traced) bool { return bytes.Contains(c.data, []byte(mark)) })
	if i < 1 {
		return nil
	}
	i-- // the frame's header
	for i < len(wal) && !commits(wal[i]) {
		i++
	}
	i++ // the commit frame's page
	if i >= len(wal) {
		return nil
	}
	page := wal[i]
	n, _ := slices.BinarySearchFunc(syncs, page.end+1, func(c *traced, line int) int { return cmp.Compare(c.begin, line) })
	for n < len(syncs) && syncs[n].result != 0 {
		n++
	}
	if n == len(syncs) {
		return nil
	}
	return syncs[n]
}

// commits reports whether the call writes the header of a WAL frame that ends a
// transaction: 24 bytes, with the database's size in pages in the second four
// (sqlite.org/fileformat2.html, section 4.1).
func commits(c *traced) bool {
	return len(c.data) == 24 && binary.BigEndian.Uint32(c.data[4:]) != 0
}
