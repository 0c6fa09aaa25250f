package signaling

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"neochat/store"
)

// things are names of what somebody may be a stranger to. Those of a kind are equally long,
// so that the answers to both can be compared byte for byte.
type things struct {
	group        string // group_id
	conversation string // of the group
	message      string // message_id in it
	file         string // named in that message
	key          string // connection_key of a call in the group
	session      string // public id of a member's session
}

// strangerCase is how a stranger tries a verb. A verb has several where it names things in several ways.
type strangerCase struct {
	name  string
	lines func(things) []string // what follows message_type and type
}

// nothing says why a verb names nothing that somebody could be a stranger to.
type nothing string

// strangerCases must have an entry for every verb of the command table: either cases, or why there can be none.
func strangerCases() map[string]any {
	byKey := []strangerCase{{"key", func(x things) []string { return []string{"connection_key", x.key} }}}
	byCellKey := []strangerCase{{"key", func(x things) []string { return []string{"cell_key", x.key} }}}
	byGroup := []strangerCase{{"group", func(x things) []string { return []string{"group_id", x.group} }}}
	withText := func(more ...string) []strangerCase {
		return []strangerCase{
			{"group", func(x things) []string { return append([]string{"group_id", x.group}, more...) }},
			{"conversation", func(x things) []string { return append([]string{"conversation", x.conversation}, more...) }},
		}
	}
	byMessage := func(more ...string) []strangerCase {
		return []strangerCase{{"message", func(x things) []string { return append([]string{"message_id", x.message}, more...) }}}
	}
	return map[string]any{
		"login POST":       nothing("accounts and passwords are compared elsewhere: unknown and wrong are one answer"),
		"registered POST":  nothing("it makes one's own account"),
		"logout POST":      nothing("one's own session"),
		"profile GET":      nothing("everybody may know everybody's account and name"),
		"password POST":    nothing("one's own password"),
		"device GET":       nothing("one's own list"),
		"device DELETE":    []strangerCase{{"session", func(x things) []string { return []string{"session", x.session} }}},
		"turn GET":         nothing("what the relay lends to oneself"),
		"account GET":      nothing("one's own account"),
		"account DELETE":   nothing("one's own account"),
		"profile PATCH":    []strangerCase{{"avatar", func(x things) []string { return []string{"avatar", x.file} }}},
		"friend GET":       nothing("one's own list"),
		"friend POST":      nothing("everybody may ask everybody"),
		"friend PATCH":     nothing("it answers a question to oneself"),
		"friend DELETE":    nothing("it ends a friendship of one's own"),
		"block GET":        nothing("one's own list"),
		"block POST":       nothing("everybody may block everybody"),
		"block DELETE":     nothing("it ends a block of one's own"),
		"presence GET":     nothing("who does not show it and who does not exist are offline alike: TestPresence"),
		"presence POST":    nothing("one's own state"),
		"typing POST":      withText(),
		"conversation GET": nothing("one's own list"),
		"cell GET":         nothing("one's own list"),
		"group POST":       nothing("it makes one's own group"),
		"text POST": append(withText("text", "hello"),
			strangerCase{"reply", func(x things) []string { return []string{"friends", "eve", "text", "x", "reply_to", x.message} }},
			strangerCase{"file", func(x things) []string { return []string{"friends", "eve", "text", "<file>" + x.file + "</file>"} }}),
		"voice POST":   append(withText("file", "eve_1_voice", "duration_ms", "10"), strangerCase{"file", func(x things) []string { return []string{"friends", "eve", "file", x.file, "duration_ms", "10"} }}),
		"edit POST":    byMessage("text", "hello"),
		"delete POST":  append(byMessage(), byMessage("for", "all")...),
		"react POST":   byMessage("reaction", "x"),
		"react DELETE": byMessage("reaction", "x"),
		"react GET":    byMessage(),
		"receipt GET":  []strangerCase{{"conversation", func(x things) []string { return []string{"conversation", x.conversation} }}},
		"sync GET":     nothing("what changed for oneself"),
		"sync POST":    nothing("one's own cursor"),
		"history GET":  []strangerCase{{"conversation", func(x things) []string { return []string{"conversation", x.conversation} }}},
		"receipt POST": []strangerCase{{"conversation", func(x things) []string {
			return []string{"conversation", x.conversation, "read_seq", "1"}
		}}},
		"search GET": []strangerCase{{"conversation", func(x things) []string {
			return []string{"conversation", x.conversation, "text", "see"}
		}}},
		"group GET":   byGroup,
		"member GET":  byGroup,
		"member POST": []strangerCase{{"group", func(x things) []string { return []string{"group_id", x.group, "friends", "eve"} }}},
		"member DELETE": append(byGroup,
			strangerCase{"others", func(x things) []string { return []string{"group_id", x.group, "friends", "b"} }}),
		"member PATCH": []strangerCase{{"group", func(x things) []string {
			return []string{"group_id", x.group, "friends", "b", "permissions", "admin"}
		}}},
		"group PATCH":  []strangerCase{{"group", func(x things) []string { return []string{"group_id", x.group, "name", "mine"} }}},
		"group DELETE": byGroup,
		"file POST":    nothing("it makes one's own file; its name begins with one's account"),
		"file GET": []strangerCase{
			{"file", func(x things) []string { return []string{"file", x.file} }},
			{"stat", func(x things) []string { return []string{"file", x.file, "want", "stat"} }},
			{"address", func(x things) []string { return []string{"file", x.file, "want", "address"} }},
		},
		"file DELETE": []strangerCase{{"file", func(x things) []string { return []string{"file", x.file} }}},
		"cell POST": []strangerCase{
			{"group", func(x things) []string { return []string{"group_id", x.group} }},
			{"answer", func(x things) []string { return []string{"cell_type", "200", "friends", "a", "cell_key", x.key} }},
		},
		"cell DELETE":      byCellKey,
		"call POST":        byCellKey,
		"call DELETE":      byCellKey,
		"videocall POST":   byCellKey,
		"videocall DELETE": byCellKey,
		"join POST":        byKey,
		"restart POST":     byKey,
		"leave POST":       append(byKey, strangerCase{"others", func(x things) []string { return []string{"connection_key", x.key, "participant", "1"} }}),
		"guest POST":       byKey,
		"guest GET":        byKey,
		"guest DELETE":     []strangerCase{{"key", func(x things) []string { return []string{"connection_key", x.key, "link", "1"} }}},
		"whip GET":         byKey,
		"whep GET":         byKey,
		"description POST": []strangerCase{{"key", func(x things) []string {
			return []string{"connection_key", x.key, "sdp_type", "offer", "sdp", "v=0"}
		}}},
		"candidate POST": []strangerCase{{"key", func(x things) []string {
			return []string{"connection_key", x.key, "candidate", "", "mid", "0", "mline", "0"}
		}}},
		"track POST": []strangerCase{{"key", func(x things) []string {
			return []string{"connection_key", x.key, "mid", "0", "source", "camera", "muted", "no"}
		}}},
		"track PATCH": []strangerCase{
			{"key", func(x things) []string { return []string{"connection_key", x.key, "source", "camera", "muted", "yes"} }},
			{"others", func(x things) []string {
				return []string{"connection_key", x.key, "participant", "1", "source", "camera", "muted", "yes"}
			}},
		},
		"track DELETE": []strangerCase{{"key", func(x things) []string { return []string{"connection_key", x.key, "source", "camera"} }}},
		"subscribe POST": []strangerCase{{"key", func(x things) []string {
			return []string{"connection_key", x.key, "tracks", "1 camera 640x360"}
		}}},
	}
}

// TestStrangers drives every verb of the command table: what a stranger is answered about a thing is, byte for
// byte, what is answered about one that does not exist, and nobody it belongs to is told anything.
func TestStrangers(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "eve")
	a, b := w.login("a", "1"), w.login("b", "1")
	real := w.furnish(a, b)
	missing := absentLike(real)
	eve := w.strangerConnection("eve")
	cases := strangerCases()
	for kind, verbs := range w.srv.commands {
		for verb := range verbs {
			name := kind + " " + verb
			switch tries := cases[name].(type) {
			case nil:
				t.Errorf("%s has no case: say in strangerCases how a stranger tries it", name)
			case []strangerCase:
				for _, try := range tries {
					t.Run(name+" by "+try.name, func(t *testing.T) { eve.compare(t, kind, verb, try, real, missing) })
				}
			}
			delete(cases, name)
		}
	}
	for name := range cases {
		t.Errorf("%s is no verb", name)
	}
	a.quiet()
	b.quiet()
}

// furnish gives a and b a group with a message, a file, and a call.
func (w *world) furnish(a, b *client) things {
	w.t.Helper()
	var x things
	m := a.ask("message_type", "group", "name", "garden", "friends", "b")
	x.group, x.conversation = m.Get("group_id"), m.Get("conversation")
	f, err := w.store.PutFile(context.Background(), store.File{Name: "a_1_secret.txt", Owner: "a", Hash: "h", ContentType: "text/plain", Size: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	x.file = f.Name
	x.message = a.ask("message_type", "text", "group_id", x.group, "text", "see <file>"+x.file+"</file>").Get("message_id")
	x.key = a.call("videocall", "group_id", x.group)
	a.join(x.key)
	session, err := w.store.CreateSession(context.Background(), "b", "phone")
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := w.store.Session(context.Background(), session.Token)
	if err != nil {
		w.t.Fatal(err)
	}
	x.session = found.ID
	b.await("message_type", "videocall", "cell_key", x.key)
	for _, c := range []*client{a, b} { // it comes a moment later
		c.await("message_type", "cell", "type", "PATCH", "connection_key", x.key)
	}
	a.ask("message_type", "profile", "type", "GET")
	a.settle()
	b.settle()
	return x
}

// settle takes what was pushed so far.
func (c *client) settle() {
	c.t.Helper()
	c.ask("message_type", "profile", "type", "GET")
	for len(c.got) > 0 {
		<-c.got
	}
}

// absentLike names things that do not exist, each as long as the real one.
func absentLike(x things) things {
	other := func(s string) string { // the last character is exchanged for another of its kind
		last := s[len(s)-1]
		if last == '1' || last == 'a' {
			return s[:len(s)-1] + string(last+1)
		}
		if last >= '0' && last <= '9' {
			return s[:len(s)-1] + "1"
		}
		return s[:len(s)-1] + "a"
	}
	far := "7" + strings.Repeat("0", 8)
	return things{group: other(x.group), conversation: far, message: far + "-1", file: strings.Replace(x.file, "secret", "absent", 1),
		key: other(x.key), session: other(x.session)}
}

// rawClient reads answers as bytes.
type rawClient struct{ ws *websocket.Conn }

func (w *world) strangerConnection(account string) *rawClient {
	w.t.Helper()
	ws, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(w.http.URL, "http")+"/message", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	w.t.Cleanup(func() { ws.CloseNow() })
	c := &rawClient{ws}
	if b := c.ask(w.t, encode("message_type", "login", "user_account", account, "user_password", password, "device", "x")); !bytes.Contains(b, []byte("stat: 200")) {
		w.t.Fatalf("login: %s", b)
	}
	return c
}

// ask sends a request and returns the next frame: a stranger is pushed nothing.
func (c *rawClient) ask(t *testing.T, request []byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, request); err != nil {
		t.Fatal(err)
	}
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *rawClient) compare(t *testing.T, kind, verb string, try strangerCase, real, missing things) {
	t.Helper()
	head := []string{"task_id", "7", "message_type", kind, "type", verb}
	known := c.ask(t, encode(append(head, try.lines(real)...)...))
	unknown := c.ask(t, encode(append(head, try.lines(missing)...)...))
	if got := neutral(known, real); !bytes.Equal(got, neutral(unknown, missing)) {
		t.Errorf("a thing that is there is answered\n%s\nand one that is not\n%s", known, unknown)
	}
	if bytes.Contains(known, []byte("stat: 200")) || bytes.Contains(known, []byte("stat: 400")) {
		t.Errorf("the stranger is answered\n%s", known)
	}
}

// neutral takes out what an answer echoes.
func neutral(answer []byte, x things) []byte {
	for _, echoed := range []string{x.group, x.message, x.file, x.key, x.session} {
		answer = bytes.ReplaceAll(answer, []byte(echoed), []byte("…"))
	}
	return bytes.ReplaceAll(answer, []byte("conversation: "+x.conversation+"\n"), []byte("conversation: …\n"))
}
