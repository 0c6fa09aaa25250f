package signaling

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// offered is an offer of a sound and a picture, in directions.
func offered(audio, video string) string {
	return strings.ReplaceAll(`v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-options:trickle
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=rtcp-mux
a=`+audio+`
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=rtcp-mux
a=`+video+`
`, "\n", "\r\n")
}

const (
	candidateLines = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n" +
		"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"
	restartLines = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
)

// streamer is a program that speaks WHIP or WHEP.
type streamer struct {
	w     *world
	token string
	base  string // URL of the server
}

// told is an answer over HTTP.
type told struct {
	stat   int
	body   string
	header http.Header
}

func (c *streamer) ask(method, path, body string, header ...string) told {
	c.w.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.w.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return told{resp.StatusCode, string(text), resp.Header}
}

func (c *streamer) post(path, offer string) told {
	c.w.t.Helper()
	return c.ask(http.MethodPost, path, offer, "Content-Type", sdpType)
}

func (c *streamer) patch(path, ifMatch, fragment string) told {
	c.w.t.Helper()
	header := []string{"Content-Type", fragmentType}
	if ifMatch != "" {
		header = append(header, "If-Match", ifMatch)
	}
	return c.ask(http.MethodPatch, path, fragment, header...)
}

// lent asks for a token with the verb whip or whep; it returns the path too.
func (w *world) lent(c *client, kind, key string) (*streamer, string) {
	w.t.Helper()
	m := c.ask("message_type", kind, "type", "GET", "connection_key", key)
	if m.Get("stat") != "200" || m.Get("until") == "" {
		w.t.Fatalf("%s: no token: %q", c.account, m.Fields)
	}
	return &streamer{w: w, token: m.Get("token"), base: w.http.URL}, m.Get("url")
}

// begun posts what must be taken, and returns where the stream's session is.
func (c *streamer) begun(path string) string {
	c.w.t.Helper()
	offer := offered("sendonly", "sendrecv")
	if strings.HasPrefix(path, "/whep/") {
		offer = offered("recvonly", "sendrecv")
	}
	got := c.post(path, offer)
	if got.stat != http.StatusCreated {
		c.w.t.Fatalf("not taken: %d %s", got.stat, got.body)
	}
	return got.header.Get("Location")
}

func TestWhipPublisherIsAParticipant(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("videocall", "friends", "b")
	b.ask("message_type", "cell", "cell_type", "200", "friends", "a", "cell_key", key)
	b.join(key)
	camera, path := w.lent(a, "whip", key)
	if want := "/whip/" + url.PathEscape(key); path != want {
		t.Errorf("the path is %s and not %s", path, want)
	}
	got := camera.post(path, offered("sendonly", "sendrecv"))
	if got.stat != http.StatusCreated || got.header.Get("Content-Type") != sdpType || got.header.Get("ETag") == "" {
		t.Fatalf("answered %d %v %s", got.stat, got.header, got.body)
	}
	if links := got.header.Values("Link"); len(links) != 2 || !strings.Contains(links[1], `; rel="ice-server"; username="a/`) || !strings.HasPrefix(links[1], "<turns:") {
		t.Errorf("the relay is %q", links)
	}
	if strings.Contains(got.body, "sendrecv") || strings.Count(got.body, "a=sendonly\r\n") != 2 || strings.Count(got.body, "a=rtcp-mux-only\r\n") != 2 { // the fake media answer what they are offered
		t.Errorf("the media were offered\n%s", got.body)
	}
	id := b.await("message_type", "join", "user_account", "a").Get("participant")
	if m := a.ask("message_type", "join", "connection_key", key); m.Get("count") != "2" {
		t.Errorf("the call has others: %q", m.Fields)
	}
	session := got.header.Get("Location")
	if got := camera.ask(http.MethodDelete, session, ""); got.stat != http.StatusOK {
		t.Errorf("the end is answered %d %s", got.stat, got.body)
	}
	b.await("message_type", "leave", "user_account", "a", "participant", id)
	if got := camera.ask(http.MethodDelete, session, ""); got.stat != http.StatusNotFound {
		t.Errorf("a second end is answered %d %s", got.stat, got.body)
	}
}

func TestWhipRefusals(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "eve")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("videocall", "friends", "b")
	b.await("message_type", "videocall")
	good, path := w.lent(a, "whip", key)
	session := good.begun(path)
	rung, _ := w.lent(b, "whip", key)
	as := func(token string) *streamer { return &streamer{w: w, token: token, base: w.http.URL} }
	fine := offered("sendonly", "sendonly")
	for _, x := range []struct {
		name         string
		by           *streamer
		method, path string
		body         string
		header       []string
		stat         int
		says         string
	}{
		{"no token", as(""), "POST", path, fine, []string{"Content-Type", sdpType}, 401, "Bearer"},
		{"an unknown token", as("x"), "POST", path, fine, []string{"Content-Type", sdpType}, 401, "Bearer"},
		{"a token with another key", as(good.token[:len(good.token)-1] + "-"), "POST", path, fine, []string{"Content-Type", sdpType}, 401, "Bearer"},
		{"another call's token", good, "POST", path + "1", fine, []string{"Content-Type", sdpType}, 401, "another call's"},
		{"no such call", as(w.token("a", "2")), "POST", path + "1", fine, []string{"Content-Type", sdpType}, 404, "no such call"},
		{"a stranger", as(w.token("eve", "2")), "POST", path, fine, []string{"Content-Type", sdpType}, 404, "no such call"},
		{"a call that rings", rung, "POST", path, fine, []string{"Content-Type", sdpType}, 409, "accept it first"},
		{"JSON", good, "POST", path, fine, []string{"Content-Type", "application/json"}, 415, sdpType},
		{"no type", good, "POST", path, fine, nil, 415, sdpType},
		{"only HTML is accepted", good, "POST", path, fine, []string{"Content-Type", sdpType, "Accept", "text/html, application/sdp;q=0"}, 406, "Accept"},
		{"no SDP", good, "POST", path, "rubbish", []string{"Content-Type", sdpType}, 400, "no SDP"},
		{"nothing", good, "POST", path, "", []string{"Content-Type", sdpType}, 400, "no SDP"},
		{"no sections", good, "POST", path, "v=0\r\n", []string{"Content-Type", sdpType}, 422, "no section"},
		{"an offer to receive", good, "POST", path, offered("sendonly", "recvonly"), []string{"Content-Type", sdpType}, 422, "recvonly"},
		{"an inactive section", good, "POST", path, offered("inactive", "sendonly"), []string{"Content-Type", sdpType}, 422, "inactive"},
		{"two pictures", good, "POST", path, fine + "m=video 9 x 96\r\na=mid:2\r\na=sendonly\r\n", []string{"Content-Type", sdpType}, 422, "at most 1 video"},
		{"data", good, "POST", path, fine + "m=application 9 x y\r\na=mid:2\r\n", []string{"Content-Type", sdpType}, 422, "neither audio nor video"},
		{"far too much", good, "POST", path, fine + strings.Repeat("a=x\r\n", 20_000), []string{"Content-Type", sdpType}, 413, "65536"},
		{"PUT", good, "PUT", path, fine, nil, 405, "POST"},
		{"PATCH of the endpoint", good, "PATCH", path, fine, nil, 405, "POST"},
		{"no key", good, "POST", "/whip/", fine, []string{"Content-Type", sdpType}, 404, "connection_key"},
		{"too deep", good, "POST", session + "/x", fine, []string{"Content-Type", sdpType}, 404, "connection_key"},

		{"a session without a token", as(""), "PATCH", session, candidateLines, []string{"Content-Type", fragmentType, "If-Match", "*"}, 401, "Bearer"},
		{"a session by another token", as(w.token("a", "3")), "DELETE", session, "", nil, 404, "another token"},
		{"no such session", good, "DELETE", path + "/AAAA", "", nil, 404, "no such session"},
		{"the session of another protocol", good, "DELETE", strings.Replace(session, "whip", "whep", 1), "", nil, 404, "--whep"},
		{"POST to a session", good, "POST", session, fine, []string{"Content-Type", sdpType}, 405, "PATCH"},
		{"PATCH of SDP", good, "PATCH", session, candidateLines, []string{"Content-Type", sdpType, "If-Match", "*"}, 415, fragmentType},
		{"PATCH without If-Match", good, "PATCH", session, candidateLines, []string{"Content-Type", fragmentType}, 428, "If-Match"},
		{"PATCH of another ICE session", good, "PATCH", session, candidateLines, []string{"Content-Type", fragmentType, "If-Match", `"ice-7", "x"`}, 412, "ETag"},
		{"PATCH with a weak tag", good, "PATCH", session, candidateLines, []string{"Content-Type", fragmentType, "If-Match", `W/"ice-0"`}, 412, "ETag"},
		{"PATCH with nothing", good, "PATCH", session, "", []string{"Content-Type", fragmentType, "If-Match", "*"}, 400, "neither"},
		{"PATCH with rubbish", good, "PATCH", session, "{}", []string{"Content-Type", fragmentType, "If-Match", "*"}, 400, "a= and m="},
		{"PATCH with half of it", good, "PATCH", session, "a=ice-ufrag:abcd\r\n", []string{"Content-Type", fragmentType, "If-Match", "*"}, 400, "go together"},
		{"PATCH with a short password", good, "PATCH", session, "a=ice-ufrag:abcd\r\na=ice-pwd:x\r\n", []string{"Content-Type", fragmentType, "If-Match", "*"}, 400, "22 to 256"},
		{"PATCH with too much", good, "PATCH", session, strings.Repeat("a=x\r\n", 4000), []string{"Content-Type", fragmentType, "If-Match", "*"}, 413, "16384"},
		{"watching where it is off", as(w.token("a", "4")), "POST", strings.Replace(path, "whip", "whep", 1), fine, []string{"Content-Type", sdpType}, 404, "--whep"},
	} {
		got := x.by.ask(x.method, x.path, x.body, x.header...)
		if got.stat != x.stat || !strings.Contains(got.body, x.says) {
			t.Errorf("%s is answered %d %q, not %d %q", x.name, got.stat, got.body, x.stat, x.says)
		}
		if got.stat == 405 && got.header.Get("Allow") == "" || got.stat == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: the header is %v", x.name, got.header)
		}
	}
	if n := w.srv.streams.size()[whip]; n != 1 {
		t.Errorf("there are %d streams and should be 1", n)
	}
}

func TestWhipChangesItsICE(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	key := a.call("videocall", "friends", "b")
	camera, path := w.lent(a, "whip", key)
	posted := camera.post(path, offered("sendonly", "sendonly"))
	session, first := posted.header.Get("Location"), posted.header.Get("ETag")
	trickles := func(tag string, want int) {
		t.Helper()
		if got := camera.patch(session, tag, candidateLines); got.stat != want || want == 204 && (got.body != "" || got.header.Get("ETag") != "") {
			t.Errorf("candidates with %s: %d %v %s", tag, got.stat, got.header, got.body)
		}
	}
	trickles(first, http.StatusNoContent)
	trickles(`"x", `+first, http.StatusNoContent)
	trickles(`"*"`, http.StatusNoContent)
	again := camera.patch(session, `*`, restartLines+"a=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\n")
	second := again.header.Get("ETag")
	if again.stat != http.StatusOK || second == "" || second == first || again.header.Get("Content-Type") != fragmentType {
		t.Fatalf("the restart is answered %d %v %s", again.stat, again.header, again.body)
	}
	if f, err := parseFragment(again.body); err != nil || f.ufrag == "" {
		t.Errorf("the answer is no fragment: %v\n%s", err, again.body)
	}
	trickles(first, http.StatusPreconditionFailed)
	if got := camera.patch(session, second, restartLines+"a=end-of-candidates\r\n"); got.stat != http.StatusNoContent {
		t.Errorf("candidates after the restart: %d %s", got.stat, got.body)
	}
	if got := camera.ask(http.MethodDelete, session, "", "If-Match", `"whatever"`); got.stat != http.StatusOK {
		t.Errorf("the end is answered %d", got.stat)
	}
}

func TestStreamsAnswerPagesOfAnyOrigin(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.srv.cfg.Watching = true
	a := w.login("a", "1")
	key := a.call("videocall", "friends", "b")
	camera, path := w.lent(a, "whip", key)
	page := &streamer{w: w, base: w.http.URL}
	asks := []string{"Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, content-type"}
	got := page.ask(http.MethodOptions, path, "", asks...)
	if got.stat != 200 || got.header.Get("Accept-Post") != sdpType || got.header.Get("Access-Control-Allow-Origin") != "*" || len(got.header.Values("Link")) != 0 ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("a page is answered %d %v", got.stat, got.header)
	}
	if got := camera.ask(http.MethodOptions, path, ""); got.stat != 200 || len(got.header.Values("Link")) != 2 {
		t.Errorf("who asks with a token is answered %d %v", got.stat, got.header)
	}
	if got := (&streamer{w: w, base: w.http.URL, token: "x"}).ask(http.MethodOptions, path, ""); got.stat != 401 || len(got.header.Values("Link")) != 0 {
		t.Errorf("who asks with a bad token is answered %d %v", got.stat, got.header)
	}
	session := camera.begun(path)
	if got := page.ask(http.MethodOptions, session, "", asks...); got.stat != 200 || got.header.Get("Accept-Patch") != fragmentType || !strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "DELETE") {
		t.Errorf("of a session a page is answered %d %v", got.stat, got.header)
	}
	for at, want := range map[string]int{path: 204, session: 204, strings.Replace(path, "whip", "whep", 1): 200} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if got := camera.ask(method, at, ""); got.stat != want || got.body != "" || want == 200 && got.header.Get("Content-Type") != sdpType {
				t.Errorf("%s %s is answered %d %v %s", method, at, got.stat, got.header, got.body)
			}
		}
	}
	if got := camera.post(path, offered("sendonly", "sendonly")); got.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "Location") {
		t.Errorf("a page could not read the answer: %v", got.header)
	}
}

// A cookie is no token: a page of another origin could make a browser send it.
func TestStreamsTakeNoCookie(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	_, path := w.lent(a, "whip", a.call("videocall", "friends", "b"))
	page := &streamer{w: w, base: w.http.URL}
	got := page.ask(http.MethodPost, path, offered("sendonly", "sendonly"), "Content-Type", sdpType, "Cookie", cookieName+"="+w.token("a", "2"))
	if got.stat != http.StatusUnauthorized {
		t.Errorf("answered %d %s", got.stat, got.body)
	}
}

func TestStreamsEndWithTheSessionBehindThem(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.srv.cfg.Watching = true
	a, a2, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	key := a.call("videocall", "friends", "b")
	b.ask("message_type", "cell", "cell_type", "200", "friends", "a", "cell_key", key)
	b.join(key)
	ours, path := w.lent(a, "whip", key)
	others, _ := w.lent(a2, "whip", key)
	watcher, watched := w.lent(a, "whep", key)
	session, kept, seen := ours.begun(path), others.begun(path), watcher.begun(watched)
	first := b.await("message_type", "join", "user_account", "a").Get("participant")
	a.ask("message_type", "logout")
	b.await("message_type", "leave", "user_account", "a", "participant", first)
	for at, want := range map[string]int{session: 404, seen: 404, kept: 204} {
		by := map[string]*streamer{session: ours, seen: watcher, kept: others}[at]
		if got := by.ask(http.MethodGet, at, ""); got.stat != want {
			t.Errorf("%s is answered %d, not %d", at, got.stat, want)
		}
	}
	if got := ours.post(path, offered("sendonly", "sendonly")); got.stat != http.StatusUnauthorized {
		t.Errorf("the token of a session that is over is answered %d", got.stat)
	}
	if m := a2.ask("message_type", "account", "type", "DELETE", "user_password", password); m.Get("stat") != "200" {
		t.Fatalf("not deleted: %q", m.Fields)
	}
	b.await("message_type", "leave", "user_account", "a")
}

func TestWatchersAreNotParticipants(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "eve")
	w.srv.cfg.Watching = true
	a, b, e := w.login("a", "1"), w.login("b", "1"), w.login("eve", "1")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,eve").Get("group_id")
	key := a.call("videocall", "group_id", group)
	me := a.join(key)
	b.await("message_type", "videocall")
	a.settle()
	watcher, path := w.lent(e, "whep", key)
	session := watcher.begun(path + "?participant=" + me)
	watcher.begun(path + "?user_account=a")
	w.calls.peer(t, key+"/w2 of "+me)
	if got := watcher.post(path+"?user_account=b", offered("recvonly", "recvonly")); got.stat != 404 {
		t.Errorf("an account that is not there: %d %s", got.stat, got.body)
	}
	if got := watcher.post(path+"?participant=99", offered("recvonly", "recvonly")); got.stat != 404 || !strings.Contains(got.body, "participant") {
		t.Errorf("a participant that is not there: %d %s", got.stat, got.body)
	}
	if got := watcher.post(path, offered("sendonly", "recvonly")); got.stat != 422 {
		t.Errorf("a watcher that sends: %d %s", got.stat, got.body)
	}
	if got := watcher.post(strings.Replace(path, "whep", "whip", 1), offered("sendonly", "sendonly")); got.stat != 401 {
		t.Errorf("publishing with a watcher's token: %d %s", got.stat, got.body)
	}
	a.quiet()
	if m := b.ask("message_type", "join", "connection_key", key); m.Get("count") != "1" {
		t.Errorf("the watcher counts: %q", m.Fields)
	}
	anybody := watcher.begun(path)
	a.ask("message_type", "member", "type", "DELETE", "group_id", group, "friends", "eve")
	e.await("message_type", "cell", "type", "DELETE", "cell_key", key) // the answer comes before
	for _, at := range []string{session, anybody} {
		if got := watcher.ask(http.MethodGet, at, ""); got.stat != http.StatusNotFound {
			t.Errorf("who was removed from the group watches on: %d", got.stat)
		}
	}
	if got := watcher.post(path, offered("recvonly", "recvonly")); got.stat != http.StatusNotFound {
		t.Errorf("who was removed from the group watches again: %d", got.stat)
	}
	bobs, _ := w.lent(b, "whep", key)
	last := bobs.begun(path)
	a.ask("message_type", "cell", "type", "DELETE", "cell_key", key)
	if got := bobs.ask(http.MethodGet, last, ""); got.stat != http.StatusNotFound {
		t.Errorf("a call that is over is watched on: %d", got.stat)
	}
	w.until("no streams", func(st Stats) bool { return st.Streams[whep].Now == 0 })
}

func TestStreamsHaveLimits(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.srv.cfg.Watching = true
	a := w.login("a", "1")
	key := a.call("videocall", "friends", "b")
	camera, path := w.lent(a, "whip", key)
	var last string
	for range maxPublishing {
		last = camera.begun(path)
	}
	if got := camera.post(path, offered("sendonly", "sendonly")); got.stat != http.StatusTooManyRequests || !strings.Contains(got.body, "8 streams") {
		t.Errorf("one too many is answered %d %s", got.stat, got.body)
	}
	camera.ask(http.MethodDelete, last, "")
	camera.begun(path)
	watcher, watched := w.lent(a, "whep", key)
	for range maxWatching {
		watcher.begun(watched)
	}
	if got := watcher.post(watched, offered("recvonly", "recvonly")); got.stat != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("one watcher too many is answered %d %v %s", got.stat, got.header, got.body)
	}
	st := w.srv.Stats().Streams
	if st[whip].Now != maxPublishing || st[whep].Now != maxWatching || st[whip].ByClass[2] == 0 || st[whep].ByClass[5] != 1 || st[whip].ByClass[4] != 1 {
		t.Errorf("the figures are %+v", st)
	}
}

func TestStreamsCountAsRequests(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	camera, path := w.lent(a, "whip", a.call("videocall", "friends", "b"))
	w.limit(Rates{Requests: 1})
	for n := 0; ; n++ {
		got := camera.post(path, "v=0")
		if got.stat == http.StatusTooManyRequests && got.header.Get("Retry-After") != "" {
			break
		}
		if got.stat != http.StatusUnprocessableEntity || n > 100 {
			t.Fatalf("request %d is answered %d %s", n, got.stat, got.body)
		}
	}
}

// A body that never comes to its end holds nobody up.
func TestStreamsDoNotWaitForBodies(t *testing.T) {
	w := newWorld(t, Times{Stall: 50 * time.Millisecond}, "a", "b")
	a := w.login("a", "1")
	camera, path := w.lent(a, "whip", a.call("videocall", "friends", "b"))
	body, rest := io.Pipe()
	defer rest.Close()
	req, err := http.NewRequest(http.MethodPost, w.http.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", sdpType)
	req.Header.Set("Authorization", "Bearer "+camera.token)
	go io.WriteString(rest, "v=0\r\n")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("answered %s", resp.Status)
	}
}

// What a stranger is told of a call that is there is byte for byte what is told of one that is not.
func TestStreamsTellStrangersNothing(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "eve")
	w.srv.cfg.Watching = true
	a := w.login("a", "1")
	key := a.call("videocall", "friends", "b")
	camera, path := w.lent(a, "whip", key)
	session := camera.begun(path)
	missing := absentLike(things{group: "x", file: "x", key: key, session: "x"}).key
	for _, kind := range []streamKind{whip, whep} {
		for _, token := range []string{w.token("eve", "1"), "", "x", camera.token + "x"} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"} {
				for _, below := range []string{"", "/" + session[strings.LastIndex(session, "/")+1:]} {
					eve := &streamer{w: w, token: token, base: w.http.URL}
					ask := func(key string) string {
						got := eve.ask(method, kind.path()+url.PathEscape(key)+below, offered("sendonly", "sendonly"), "Content-Type", sdpType)
						return fmt.Sprint(got.stat, got.body)
					}
					if known, unknown := ask(key), ask(missing); known != unknown || strings.HasPrefix(known, "201") {
						t.Errorf("%s %s%s with %q is answered %s, and without a call %s", method, kind.path(), below, token, known, unknown)
					}
				}
			}
		}
	}
}

func TestWhipPathHasTheKeyEitherWay(t *testing.T) {
	w := newWorld(t, Times{}, "+1", "+2")
	a := w.login("+1", "1")
	key := a.call("videocall", "friends", "+2")
	camera, path := w.lent(a, "whip", key)
	if !strings.Contains(key, "%2B1_") || path != "/whip/"+strings.ReplaceAll(key, "%", "%25") {
		t.Fatalf("the path of %s is %s", key, path)
	}
	camera.begun(path)
	camera.begun("/whip/" + key)
}
