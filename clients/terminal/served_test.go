package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/clients/sdk/sdktest"
)

// served is the real server as a process; start needs no more of it than its URL.
func served(t *testing.T) *sdktest.Server {
	t.Helper()
	if testing.Short() {
		t.Skip("processes are left out of short runs")
	}
	before := goleak.IgnoreCurrent()
	bin, err := sdktest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := sdktest.StartProcess(bin, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		goleak.VerifyNone(t, before)
	})
	return &sdktest.Server{URL: p.URL}
}

func newcomer(t *testing.T, s *sdktest.Server, account string) *talk {
	t.Helper()
	return start(t, s, account, func(o *Options) { o.Interactive, o.Device, o.Register = true, "x", true })
}

// What people do with each other, on the real server.
func TestPeopleOnARealServer(t *testing.T) {
	s := served(t)
	b := newcomer(t, s, "bob")
	a := newcomer(t, s, "ann")
	a.types(t, "/friend", "/friend ask bob it is me", "/friend nonsense x", "/profile name Ann 安", "/profile", "/who bob")
	a.out.has(t, "no friends yet")
	b.out.has(t, "ann asks to be your friend: “it is me”; /friend accept ann")
	a.out.has(t, "write it so: /friend [ask A [WORDS]], or /friend accept|refuse|end A")
	a.out.has(t, "name           Ann 安")
	a.out.has(t, "  bob  online")
	b.types(t, "/friend", "/friend accept ann", "/friend", "/who ann")
	b.out.has(t, "asks you: /friend accept ann")
	b.out.has(t, "you and ann are friends")
	a.out.has(t, "you and bob are friends")
	b.out.has(t, "  ann  Ann 安  online")
	b.types(t, "/block ann", "/block", "/friend")
	a.out.has(t, "you and bob are no longer friends")
	b.out.has(t, "you hear nothing more from ann")
	b.out.has(t, " since "+time.Now().Format("2 January 2006"))
	a.types(t, "/to bob", "do you hear me?")
	a.out.has(t, "! not sent: ")
	b.types(t, "/unblock ann", "/block")
	b.out.has(t, "you blocked nobody")
	a.types(t, "do you hear me?")
	b.out.has(t, "] ann: do you hear me?")
	a.quit(t)
	b.quit(t)
}

func TestLargeFileOnARealServer(t *testing.T) {
	s := served(t)
	b := newcomer(t, s, "bob")
	a := newcomer(t, s, "ann")
	content := bytes.Repeat([]byte("0123456789abcdef"), 6<<16) // 6 MiB
	path := filepath.Join(t.TempDir(), "large file.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	a.types(t, "/to bob", "/file "+path)
	a.out.has(t, "sending large file.bin: ")
	a.out.has(t, "· sent large file.bin")
	b.out.has(t, "[file large file.bin: /save 1]")
	to := filepath.Join(t.TempDir(), "saved")
	b.types(t, "/save 1 "+to)
	b.out.has(t, "saved "+to+" (6291456 bytes)")
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes were saved, %v", len(got), err)
	}
	a.quit(t)
	b.quit(t)
}

func TestGroupOnARealServer(t *testing.T) {
	s := served(t)
	b := newcomer(t, s, "bob")
	a := newcomer(t, s, "ann")
	a.types(t, `/group new "花 园" bob`, "/group about what grows where", "/group history all", "/group admin bob", "/members", "/group")
	b.out.has(t, "花 园 / ann made the group with you")
	b.out.has(t, "花 园 / ann made you admin")
	a.out.has(t, "bob                      admin")
	a.out.has(t, "about          what grows where")
	a.out.has(t, "history        all: who")
	b.types(t, "/to 花 园", "/group name Garden", "water the roses, @ann", "/group dissolve Garden")
	a.out.has(t, "bob: water the roses, @ann ← you are meant")
	b.out.has(t, "! /group: ")
	a.types(t, "/search roses")
	for !strings.Contains(a.out.String(), "   1  ") { // it is indexed within two seconds
		time.Sleep(300 * time.Millisecond) // lest it be too often
		a.types(t, "/search roses")
	}
	a.types(t, "/jump 1", "/search in:here from:bob since:2000-01-01 until:2999-01-01 ros water", "/search since:monday x", "/jump 99")
	a.out.has(t, "▶ [")
	a.out.has(t, "nothing was found")
	a.out.has(t, "is no day; write it like 2026-11-23")
	a.out.has(t, "found nothing with the number 99")
	a.types(t, "/group remove bob", "/group dissolve Garden")
	b.out.has(t, "ann removed you")
	a.out.has(t, "is dissolved; what was said stays")
	a.quit(t)
	b.quit(t)
}

func TestAccountOnARealServer(t *testing.T) {
	s := served(t)
	a := newcomer(t, s, "ann")
	other := start(t, s, "ann", func(o *Options) { o.Device = "phone" })
	a.types(t, "/devices", "/account")
	a.out.has(t, "this one, since ")
	a.out.has(t, "operator       yes")
	number := "1"
	if !strings.Contains(a.out.String(), "   1  phone") {
		number = "2"
	}
	a.types(t, "/devices end 7", "/devices end "+number)
	a.out.has(t, "/devices shows none with the number 7")
	a.out.has(t, number+" is logged out")
	other.err.has(t, "connected again") // it knows the password
	a.types(t, "/password", right, "another password", "another password")
	a.out.has(t, "the password is changed")
	if err := <-other.done; ExitCode(err) != ExitRefused {
		t.Error(err)
	}
	a.types(t, "/account delete", "another password")
	if err := <-a.done; err != nil {
		t.Error(err)
	}
	opt := func(o *Options) { o.Password = func() (string, error) { return "another password", nil } }
	gone := Options{URL: s.URL, Account: "ann", In: strings.NewReader(""), Out: newOutput(), Err: newOutput()}
	opt(&gone)
	if err := Run(t.Context(), gone); ExitCode(err) != ExitRefused {
		t.Error(err)
	}
}
