package process

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func status(t *testing.T, s *server, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + s.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// TestHealth takes the folder for files away and gives it back.
func TestHealth(t *testing.T) {
	t.Parallel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := start(t, t.TempDir())
	want := func(path string, code int) string {
		t.Helper()
		got, text := status(t, s, path)
		if got != code {
			t.Errorf("%s is %d, want %d: %s", path, got, code, text)
		}
		return text
	}
	want("/healthz", 200)
	want("/readyz", 200)
	files, aside := filepath.Join(s.data, "files"), filepath.Join(s.data, "aside")
	if err := os.Rename(files, aside); err != nil {
		t.Fatal(err)
	}
	write(t, files, "in the way")
	if says := want("/readyz", 503); !strings.Contains(says, "files") {
		t.Errorf("it does not say what is wrong: %s", says)
	}
	want("/healthz", 200)
	register(t, s, "ann") // what needs no files goes on
	if err := os.Remove(files); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, files); err != nil {
		t.Fatal(err)
	}
	want("/readyz", 200)
}

// TestLogKeepsSecrets runs a session full of recognisable secrets, mistakes
// included, with everything logged, and looks for them in the log.
func TestLogKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			s := start(t, t.TempDir(), "--log-level=debug", "--log-format="+format)
			secrets := secretSession(t, s)
			s.stop(t)
			printed := s.log.String()
			if !strings.Contains(printed, "stopp") {
				t.Fatalf("nothing was logged:\n%s", printed)
			}
			for what, secret := range secrets {
				if secret == "" {
					t.Errorf("there was no %s", what)
				} else if strings.Contains(printed, secret) {
					t.Errorf("the log holds the %s", what)
				}
			}
		})
	}
}

// secretSession does what people do, rightly and wrongly, and returns what nobody must find in a log.
func secretSession(t *testing.T, s *server) map[string]string {
	t.Helper()
	register(t, s, "bob")
	const word, wrong, text = "pa55word-canary", "wr0ng-pa55word-canary", "text-canary"
	c := dial(t, s, "/message")
	c.want(t, "200", "message_type: registered", "user_account: ann", "user_password: "+word, "user_phone: phone-canary")
	c.want(t, "409", "message_type: registered", "user_account: ann", "user_password: "+word)
	c.want(t, "404", "message_type: login", "user_account: ann", "user_password: "+wrong)
	token := c.want(t, "200", "message_type: login", "user_account: ann", "user_password: "+word).get("session")
	c.want(t, "200", "message_type: text", "friends: ann", "text: "+text, "client_message_id: one")
	c.want(t, "409", "message_type: text", "friends: ann", "text: "+text+" two", "client_message_id: one")
	c.want(t, "404", "message_type: text", "friends: nobody", "text: "+text)
	c.want(t, "403", "message_type: text", "friends: ann", "text: "+text+" <file>nothing</file>")
	c.want(t, "400", "message_type: nonsense", "text: "+text)
	c.want(t, "400", "message_type: history", "type: GET", "conversation: x")
	c.want(t, "400", "message_type: text", "text: "+text, "text: "+text)
	key := c.want(t, "200", "message_type: cell", "friends: bob").get("connection_key")
	c.want(t, "200", "message_type: join", "connection_key: "+key)
	if m := c.ask(t, "message_type: description", "connection_key: "+key, "sdp_type: offer", "sdp: sdp-canary"); m.get("stat") == "200" {
		t.Errorf("nonsense was taken for an offer: %s", m.raw)
	}
	cookie := webSession(t, s, word)
	c.want(t, "200", "message_type: logout")
	return map[string]string{"password": word, "wrong password": wrong, "token": token, "text": text, "cookie": cookie,
		"phone": "phone-canary", "description": "sdp-canary"}
}

// webSession logs in as a browser does, looks, and logs out; it returns the cookie's value.
func webSession(t *testing.T, s *server, word string) string {
	t.Helper()
	form := strings.NewReader("user_account=ann&user_password=" + word)
	r, err := http.Post("http://"+s.addr+"/session", "application/x-www-form-urlencoded", form)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer r.Body.Close()
	if r.StatusCode != 200 || len(r.Cookies()) == 0 {
		t.Fatalf("POST /session: %s", r.Status)
	}
	cookie := r.Cookies()[0]
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		q, err := http.NewRequest(method, "http://"+s.addr+"/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.AddCookie(cookie)
		again, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
	}
	return cookie.Value
}
