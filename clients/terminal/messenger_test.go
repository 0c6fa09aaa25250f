package terminal

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
)

// person is an interactive chat that is in a conversation with another one.
func person(t *testing.T, s *sdktest.Server, account, with string) *talk {
	t.Helper()
	k := start(t, s, account, func(o *Options) { o.Interactive, o.Device = true, "x" })
	k.types(t, "/to "+with)
	k.out.has(t, with+"> ")
	return k
}

func (k *talk) quit(t *testing.T) {
	t.Helper()
	if err := k.end(); err != nil {
		t.Error(err)
	}
}

func TestRepliesEditsReactions(t *testing.T) {
	s := world(t)
	a, b := person(t, s, ann, bob), person(t, s, bob, ann)
	a.types(t, "shall we 吃饭 at noon?")
	b.out.has(t, " #1] "+ann+": shall we 吃饭 at noon?")
	b.types(t, "/reply 1 yes, @"+ann+"!")
	a.out.has(t, " #2] "+bob+` (to #1 “shall we 吃饭 at noon?”): yes, @`+ann+"! ← you")
	a.types(t, "/edit 1 at one?", "/react 2 👍", "/unreact 2 👍", "/react #2 ❤")
	b.out.has(t, ann+" changed #1: at one?")
	b.out.has(t, ann+" 👍 to #2 “yes, @")
	b.out.has(t, ann+" took 👍 back from #2")
	b.out.has(t, ann+" ❤ to #2")
	b.types(t, "/delete 2 all", "/history")
	a.out.has(t, bob+" deleted #2")
	b.out.has(t, ": at one? (edited)")
	b.out.has(t, " #2] you: (deleted)")
	b.types(t, "/reply 9 x", "/reply x", "/delete 1", "/edit 1")
	b.out.has(t, "no message has the number 9 here")
	b.out.has(t, "write it so: /reply N TEXT")
	b.out.has(t, "write it so: /delete N all|me")
	b.out.has(t, "write it so: /edit N TEXT")
	a.quit(t)
	b.quit(t)
}

func TestStatusShowsWhatBecameOfATextAndWhoWrites(t *testing.T) {
	s := world(t)
	a := person(t, s, ann, bob)
	a.types(t, "are you there?")
	a.out.has(t, "#1 sent")
	b := start(t, s, bob, func(o *Options) { o.Interactive, o.Device = true, "x" })
	b.out.has(t, "1 new")
	b.types(t, "/to "+ann)
	a.out.has(t, "#1 ✓✓ read")
	if _, err := io.WriteString(b.in, "ye"); err != nil {
		t.Fatal(err)
	}
	a.out.has(t, bob+" is writing …")
	b.types(t, "s")
	a.out.has(t, bob+": yes")
	b.types(t, "/away")
	a.out.has(t, bob+" is away")
	b.types(t, "back")
	a.out.has(t, bob+" is online")
	a.types(t, "/history")
	a.out.has(t, "you: are you there? ✓✓")
	a.quit(t)
	b.quit(t)
}

func TestVoiceIsShown(t *testing.T) {
	s := world(t)
	b := person(t, s, bob, ann)
	a, err := sdk.Dial(t.Context(), sdk.Options{URL: s.URL, Account: ann, Password: right, Device: "y"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	file, err := a.Upload(t.Context(), "voice.ogg", strings.NewReader("sound"))
	if err != nil {
		t.Fatal(err)
	}
	voice := sdk.Voice{File: file, Duration: 67 * time.Second, Waveform: "048cF"}
	if _, err := a.Send(t.Context(), sdk.To{Account: bob}, sdk.Draft{Voice: &voice}); err != nil {
		t.Fatal(err)
	}
	b.out.has(t, ann+": ♪ 1:07 ▁▃▅▇█ [file voice.ogg: /save 1]")
	path := filepath.Join(t.TempDir(), "v")
	b.types(t, "/save 1 "+path)
	b.out.has(t, "(5 bytes)")
	b.quit(t)
}

func TestStateGoesOn(t *testing.T) {
	s := world(t)
	with := func(o *Options) { o.Device, o.State = "x", filepath.Join(t.TempDir(), "state") }
	path := ""
	first := start(t, s, bob, func(o *Options) { with(o); path = o.State })
	s.Say(ann, bob, "one")
	first.out.has(t, "] "+ann+": one")
	first.quit(t)
	s.Say(ann, bob, "two")
	second := start(t, s, bob, func(o *Options) { o.Device, o.State = "x", path })
	second.out.has(t, "] "+ann+": two")
	if out := second.out.String(); strings.Contains(out, "] "+ann+": one") {
		t.Errorf("what was shown came again:\n%s", out)
	}
	second.quit(t)
	opt := Options{URL: s.URL, Account: ann, Password: func() (string, error) { return right, nil }, State: path,
		In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	if err := Run(t.Context(), opt); ExitCode(err) != ExitUsage {
		t.Error(err)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]string{
		"no one": "", "@ann": "ann", "hi @ann, @+86101! and @ann": "ann +86101", "mail a@b.org": "", "@": "", "@all @ann": "all",
		"你好 @bob。": "bob", "@(x)": "",
	} {
		if got := strings.Join(mentions(text), " "); got != want {
			t.Errorf("%q mentions %q, want %q", text, got, want)
		}
	}
}

func TestWaveform(t *testing.T) {
	for _, c := range []struct {
		heights string
		n       int
		want    string
	}{{"", 8, ""}, {"0f", 8, "▁█"}, {"00ff", 2, "▁█"}, {"01234567", 4, "▁▂▃▄"}, {"xy", 8, ""}} {
		if got := waveform(c.heights, c.n); got != c.want {
			t.Errorf("%q: %q, want %q", c.heights, got, c.want)
		}
	}
}

func TestPasswordIsNotSeen(t *testing.T) {
	s := world(t)
	a := person(t, s, ann, bob)
	a.types(t, "/password")
	a.out.has(t, "present password: ")
	a.types(t, "secret-1")
	a.out.has(t, "new password: ")
	a.types(t, "secret-2")
	a.out.has(t, "new password again: ")
	a.types(t, "secret-3")
	a.out.has(t, "the new passwords differ")
	if out := a.out.String(); strings.Contains(out, "secret") {
		t.Errorf("a password is on the screen:\n%s", out)
	}
	a.quit(t)
}
