package contract

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func loginFrame(account, password string) string {
	return "message_type: login\ntype: POST\nuser_account: " + account + "\nuser_password: " + password + "\n\n"
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	s := serve(t)
	header := func(name, value string) http.Header { return http.Header{name: {value}} }
	for _, path := range []string{"/message", "/cell", "/file"} {
		for _, c := range []struct {
			name     string
			d        dialing
			status   int
			protocol string
		}{
			{"bare", dialing{}, 101, ""},
			{"ours", dialing{protocols: []string{"neochat.v1"}}, 101, "neochat.v1"},
			{"ours among others", dialing{protocols: []string{"chat", "neochat.v1"}}, 101, "neochat.v1"},
			{"only unknown", dialing{protocols: []string{"chat", "neochat.v2"}}, 400, ""},
			{"own origin", dialing{header: header("Origin", "http://"+s.addr)}, 101, ""},
			{"foreign origin", dialing{header: header("Origin", "http://elsewhere.example")}, 403, ""},
			{"origin of another port", dialing{header: header("Origin", "http://127.0.0.1:1")}, 403, ""},
			{"null origin", dialing{header: header("Origin", "null")}, 403, ""},
			{"origin that ends like ours", dialing{header: header("Origin", "http://evil."+s.addr)}, 403, ""},
		} {
			c.d.path = path
			conn, resp := s.dial(c.d)
			if resp.StatusCode != c.status {
				t.Errorf("%s, %s: status %d, not %d", path, c.name, resp.StatusCode, c.status)
			}
			if conn != nil && conn.ws.Subprotocol() != c.protocol {
				t.Errorf("%s, %s: subprotocol %q", path, c.name, conn.ws.Subprotocol())
			}
			if strings.Contains(resp.Header.Get("Sec-Websocket-Extensions"), "deflate") {
				t.Errorf("%s, %s: permessage-deflate is on", path, c.name)
			}
		}
	}
	if resp, _ := s.get("GET", "/message", ""); resp.StatusCode/100 != 4 {
		t.Errorf("a plain GET of /message: %s", resp.Status)
	}
}

func TestNothingBeforeLogin(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, kind := range []string{"logout", "profile", "text", "conversation", "history", "receipt", "group", "member", "file", "cell", "call",
		"videocall", "join", "leave", "restart", "description", "candidate", "track"} {
		c := s.open("/message")
		m := c.ask("task_id: 1\nmessage_type: " + kind + "\n\n")
		m.fails(t, "401")
		if strings.Join(m.lines[:3], "\n") != "task_id: 1\nmessage_type: "+kind+"\nstat: 401" {
			t.Errorf("before login:\n%v", m)
		}
		c.login("+1", "d") // it may still log in
	}
	c := s.open("/cell")
	c.ask("task_id: 1\nfriends: +1\n\n").fails(t, "401")
}

func TestBearerAndCookie(t *testing.T) {
	t.Parallel()
	s := serve(t)
	form := url.Values{"user_account": {"+1"}, "user_password": {password}}.Encode()
	resp, body := s.get("POST", "/session", form, "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://"+s.addr)
	if resp.StatusCode != 200 || !strings.HasPrefix(body, "stat: 200\n") || !strings.HasSuffix(body, "\n\n") {
		t.Fatalf("POST /session: %s\n%s", resp.Status, body)
	}
	if strings.Contains(body, "session: ") {
		t.Error("POST /session tells scripts the token")
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("POST /session answers %s", kind)
	}
	cookies := resp.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Secure {
		t.Fatalf("the cookie: %v", cookies)
	}
	cookie := cookies[0].Name + "=" + cookies[0].Value
	if resp, body := s.get("GET", "/session", "", "Cookie", cookie); resp.StatusCode != 200 || !strings.Contains(body, "user_account: +1\n") {
		t.Errorf("GET /session: %s\n%s", resp.Status, body)
	}
	for name, h := range map[string]http.Header{"cookie": {"Cookie": {cookie}}, "bearer": {"Authorization": {"Bearer " + s.token("+1")}}} {
		c, _ := s.dial(dialing{path: "/message", header: h})
		c.name = name
		c.ask("message_type: profile\ntype: GET\n\n").fails(t, "401") // the upgrade alone logs nobody in
		c.ask("message_type: login\nuser_account: +2\n\n").fails(t, "404")
		c.send("message_type: login\nuser_account: +1\ndevice: w\n\n")
		c.want("message_type: login\nstat: 200\nuser_account: +1")
		if c.last.get("session") != "" {
			t.Errorf("%s: a login without password tells a token", name)
		}
		c.quiet()
	}
	s.logoutOverHTTP(t, cookie)
}

// logoutOverHTTP ends a cookie's session while a connection of it is open.
func (s *server) logoutOverHTTP(t *testing.T, cookie string) {
	t.Helper()
	c, _ := s.dial(dialing{path: "/message", header: http.Header{"Cookie": {cookie}}})
	c.send("message_type: login\nuser_account: +1\ndevice: w\n\n")
	c.want("message_type: login\nstat: 200")
	if resp, _ := s.get("DELETE", "/session", "", "Cookie", cookie, "Origin", "http://elsewhere.example"); resp.StatusCode != 403 {
		t.Errorf("DELETE /session from a foreign page: %s", resp.Status)
	}
	c.quiet()
	if resp, _ := s.get("DELETE", "/session", "", "Cookie", cookie); resp.StatusCode != 200 {
		t.Errorf("DELETE /session: %s", resp.Status)
	}
	if code := c.closed(); code != websocket.StatusNormalClosure {
		t.Errorf("after logging out the connection was closed with %d", code)
	}
	if resp, body := s.get("GET", "/session", "", "Cookie", cookie); resp.StatusCode != 401 || !strings.HasPrefix(body, "stat: 401\nreason: ") {
		t.Errorf("GET /session after logging out: %s\n%s", resp.Status, body)
	}
}

func TestSessionOverHTTPRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t)
	post := func(account, secret string, header ...string) (int, string) {
		form := url.Values{"user_account": {account}, "user_password": {secret}}.Encode()
		resp, body := s.get("POST", "/session", form, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
		if len(resp.Cookies()) != 0 {
			t.Errorf("a refused login sets a cookie")
		}
		return resp.StatusCode, body
	}
	code, wrong := post("+1", "not the password")
	if code != 404 || !strings.HasPrefix(wrong, "stat: 404\nreason: ") {
		t.Errorf("a wrong password: %d\n%s", code, wrong)
	}
	if _, unknown := post("+404", "not the password"); unknown != wrong {
		t.Errorf("unknown account and wrong password differ:\n%s\n%s", unknown, wrong)
	}
	if code, _ := post("+1", password, "Origin", "http://elsewhere.example"); code != 403 {
		t.Errorf("a login from a foreign page: %d", code)
	}
	if resp, body := s.get("GET", "/session", ""); resp.StatusCode != 401 || !strings.HasPrefix(body, "stat: 401\n") {
		t.Errorf("nobody's session: %s\n%s", resp.Status, body)
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/message", "+1", "a")
	a.send("message_type: text\nfriends: +2\nclient_message_id: once\ntext: kept\n\n")
	first := a.want("message_type: text\nstat: 200\nmessage_id: {id}\nconversation: {c}\nseq: {seq}\ntime: {time}")
	s.signal(15)
	if code := a.closed(); code != websocket.StatusServiceRestart {
		t.Errorf("at the restart the connection was closed with %d", code)
	}
	s.stop()
	s.start()
	a = s.login("/message", "+1", "a")
	a.send("message_type: text\nfriends: +2\nclient_message_id: once\ntext: kept\n\n")
	again := a.want("message_type: text\nstat: 200\nmessage_id: {id}\nconversation: {c}\nseq: {seq}\ntime: {time}")
	for k, v := range first {
		if again[k] != v {
			t.Errorf("resent after a restart: %s is %s, was %s", k, again[k], v)
		}
	}
}

func TestDurableAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/message", "+1", "a")
	frame := ""
	for i := range 20 {
		frame += "message_type: text\nfriends: +2\ntext: number " + strconv.Itoa(i) + "\n\n"
	}
	a.send(frame)
	for range 20 {
		a.want("message_type: text\nstat: 200")
	}
	s.kill()
	s.start()
	b := s.login("/message", "+2", "b")
	b.send("message_type: history\ntype: GET\nconversation: " + a.last.get("conversation") + "\nlimit: 200\n\n")
	b.want("message_type: history\ntype: GET\nstat: 200\ncount: 20")
	for i := range 20 {
		b.want("user_account: +1\nmessage_type: text\ntext: number " + strconv.Itoa(i) + "\n~\nseq: " + strconv.Itoa(i+1))
	}
}

func TestWrongPasswordCostsWhatAnUnknownAccountCosts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.open("/message")
	refuse := func(account string) string {
		m := c.ask(loginFrame(account, "wrong password"))
		m.fails(t, "404")
		return m.String()
	}
	const n = 8 // fewer than are too many
	var spent [2]int64
	var said [2]string
	for kind, account := range []string{"+1", "+404"} {
		before := s.cpu()
		for range n {
			said[kind] = refuse(account)
		}
		spent[kind] = s.cpu() - before
	}
	if said[0] != said[1] {
		t.Errorf("wrong password and unknown account differ:\n%s\n\n%s", said[0], said[1])
	}
	// In ticks of 10 ms of the server's processor time, not of a clock; a tick or two is noise.
	if low, high := min(spent[0], spent[1]), max(spent[0], spent[1]); high > 2*low+2 {
		t.Errorf("a wrong password took %d ticks, an unknown account %d", spent[0], spent[1])
	}
}

func TestTooManyFailedLogins(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.open("/message")
	for range 10 {
		c.ask(loginFrame("+1", "wrong password")).fails(t, "404")
	}
	c.send(loginFrame("+1", password)) // even the right one
	c.want("message_type: login\nstat: 429\nreason: …\nretry_after: {n}")
	if n, err := strconv.Atoi(c.last.get("retry_after")); err != nil || n < 1 || n > 61 {
		t.Errorf("retry_after is %q", c.last.get("retry_after"))
	}
	form := url.Values{"user_account": {"+1"}, "user_password": {password}}.Encode()
	resp, body := s.get("POST", "/session", form, "Content-Type", "application/x-www-form-urlencoded")
	if resp.StatusCode != 429 || !strings.Contains(body, "\nretry_after: ") {
		t.Errorf("over HTTP: %s\n%s", resp.Status, body)
	}
	other := s.open("/message")
	other.send(loginFrame("+2", password))
	other.want("message_type: login\nstat: 200")
	s.login("/message", "+1", "d").quiet() // a session is no guess
	elsewhere, _ := s.dial(dialing{path: "/message", from: "127.0.0.2"})
	elsewhere.send(loginFrame("+1", password)) // who guesses does not lock the owner out
	elsewhere.want("message_type: login\nstat: 200")
	said := c.last
	third := s.open("/message")
	for range 10 {
		third.ask(loginFrame("+404", "wrong password")).fails(t, "404")
	}
	if m := third.ask(loginFrame("+404", password)); m.get("stat") != "429" || m.get("reason") != said.get("reason") {
		t.Errorf("guessing at an unknown account ends in\n%v\nat one that is there in\n%v", m, said)
	}
}

func TestRegistrationClosed(t *testing.T) {
	t.Parallel()
	s := serve(t, "--registration", "closed")
	c := s.open("/message")
	c.ask("message_type: registered\nuser_account: +1\nuser_password: long enough\n\n").fails(t, "403")
}

func TestPasswordLengths(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.open("/message")
	for secret, stat := range map[string]string{"7 bytes": "400", "": "400", strings.Repeat("x", 1025): "400"} {
		c.ask("message_type: registered\nuser_account: +9\nuser_password: "+secret+"\n\n").fails(t, stat)
	}
	longest := strings.Repeat("é", 512)
	c.send("message_type: registered\nuser_account: +9\nuser_password: " + longest + "\nuser_name: Ana\nuser_phone: 1\nsex: f\nbirthday: 1.1.\naddress: here\n\n")
	c.want("message_type: registered\nstat: 200")
	c.send(loginFrame("+9", longest))
	c.want("message_type: login\nstat: 200")
	c.send("message_type: profile\ntype: GET\n\n")
	c.want("message_type: profile\ntype: GET\nstat: 200\nuser_account: +9\nuser_name: Ana\nuser_phone: 1\nsex: f\nbirthday: 1.1.\naddress: here")
	c.ask("message_type: profile\ntype: GET\nfriends: +404\n\n").fails(t, "404")
}
