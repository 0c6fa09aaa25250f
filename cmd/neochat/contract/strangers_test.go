package contract

import (
	"strings"
	"testing"
)

// village is what a stranger must not learn of.
type village struct {
	group, groupConversation, pair, file, key string
}

// settle makes a group, a talk between two, a file and a ringing call of +1 and +2.
func settle(t *testing.T, s *server) (v village, a, b *client) {
	t.Helper()
	a, b = s.login("/message", "+1", "a"), s.login("/message", "+2", "b")
	a.send("message_type: group\nname: inner circle\nfriends: +2\n\n")
	got := a.find("message_type: group\nstat: 200\ngroup_id: {g}\nconversation: {c}")
	v.group, v.groupConversation = got["g"], got["c"]
	a.send("message_type: text\nfriends: +2\ntext: between us\n\n")
	v.pair = a.find("message_type: text\nstat: 200\nmessage_id: …\nconversation: {c}")["c"]
	a.sendBinary("message_type: file\ntime: 1\nfile_name: x\n\n\x00secret")
	v.file = a.find("message_type: file\nstat: 200\nfile: {f}")["f"]
	a.send("message_type: cell\nfriends: +2\n\n")
	v.key = a.find("message_type: cell\nstat: 200\nconnection_key: {k}")["k"]
	a.send("message_type: call\ncell_key: " + v.key + "\n\n")
	a.find("message_type: call\nstat: 200")
	b.find("user_account: +1\nmessage_type: call\ncell_key: " + v.key)
	return v, a, b
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	v, a, b := settle(t, s)
	c := s.login("/message", "+3", "c")
	noKey := "%2B1_%2B2_1"
	for _, x := range []struct{ what, there, missing string }{
		{"history", "type: GET\nmessage_type: history\nconversation: " + v.pair, "type: GET\nmessage_type: history\nconversation: 99999"},
		{"history of a group", "type: GET\nmessage_type: history\nconversation: " + v.groupConversation, "type: GET\nmessage_type: history\nconversation: 99999"},
		{"group", "type: GET\nmessage_type: group\ngroup_id: " + v.group, "type: GET\nmessage_type: group\ngroup_id: 99999"},
		{"members", "type: GET\nmessage_type: member\ngroup_id: " + v.group, "type: GET\nmessage_type: member\ngroup_id: 99999"},
		{"file", "type: GET\nmessage_type: file\nfile: " + v.file, "type: GET\nmessage_type: file\nfile: %2B1_2_x"},
		{"what a file is", "type: GET\nmessage_type: file\nwant: stat\nfile: " + v.file, "type: GET\nmessage_type: file\nwant: stat\nfile: %2B1_2_x"},
		{"a file's address", "type: GET\nmessage_type: file\nwant: address\nfile: " + v.file, "type: GET\nmessage_type: file\nwant: address\nfile: %2B1_2_x"},
		{"deleting a file", "type: DELETE\nmessage_type: file\nfile: " + v.file, "type: DELETE\nmessage_type: file\nfile: %2B1_2_x"},
		{"receipt", "message_type: receipt\nread_seq: 1\nconversation: " + v.pair, "message_type: receipt\nread_seq: 1\nconversation: 99999"},
		{"text", "message_type: text\ntext: x\nconversation: " + v.pair, "message_type: text\ntext: x\nconversation: 99999"},
		{"text to a group", "message_type: text\ntext: x\ngroup_id: " + v.group, "message_type: text\ntext: x\ngroup_id: 99999"},
		{"inviting oneself", "message_type: member\nfriends: +3\ngroup_id: " + v.group, "message_type: member\nfriends: +3\ngroup_id: 99999"},
		{"leaving", "message_type: member\ntype: DELETE\ngroup_id: " + v.group, "message_type: member\ntype: DELETE\ngroup_id: 99999"},
		{"calling a group", "message_type: cell\ngroup_id: " + v.group, "message_type: cell\ngroup_id: 99999"},
		{"join", "message_type: join\nconnection_key: " + v.key, "message_type: join\nconnection_key: " + noKey},
		{"restart", "message_type: restart\nconnection_key: " + v.key, "message_type: restart\nconnection_key: " + noKey},
		{"leave", "message_type: leave\nconnection_key: " + v.key, "message_type: leave\nconnection_key: " + noKey},
		{"ring", "message_type: call\ncell_key: " + v.key, "message_type: call\ncell_key: " + noKey},
		{"cancel", "message_type: call\ntype: DELETE\ncell_key: " + v.key, "message_type: call\ntype: DELETE\ncell_key: " + noKey},
		{"answer", "message_type: cell\ncell_type: 200\nfriends: +1\ncell_key: " + v.key, "message_type: cell\ncell_type: 200\nfriends: +1\ncell_key: " + noKey},
		{"close", "message_type: cell\ntype: DELETE\ncell_key: " + v.key, "message_type: cell\ntype: DELETE\ncell_key: " + noKey},
		{"description", "message_type: description\nsdp_type: offer\nsdp: x\nconnection_key: " + v.key, "message_type: description\nsdp_type: offer\nsdp: x\nconnection_key: " + noKey},
		{"candidate", "message_type: candidate\ncandidate: \nmid: 0\nmline: 0\nconnection_key: " + v.key, "message_type: candidate\ncandidate: \nmid: 0\nmline: 0\nconnection_key: " + noKey},
		{"track", "message_type: track\nmid: 0\nsource: camera\nconnection_key: " + v.key, "message_type: track\nmid: 0\nsource: camera\nconnection_key: " + noKey},
		{"mute", "message_type: track\ntype: PATCH\nsource: camera\nmuted: yes\nconnection_key: " + v.key, "message_type: track\ntype: PATCH\nsource: camera\nmuted: yes\nconnection_key: " + noKey},
		{"muting another", "message_type: track\ntype: PATCH\nparticipant: 1\nsource: camera\nmuted: yes\nconnection_key: " + v.key, "message_type: track\ntype: PATCH\nparticipant: 1\nsource: camera\nmuted: yes\nconnection_key: " + noKey},
		{"removing", "message_type: leave\nparticipant: 1\nconnection_key: " + v.key, "message_type: leave\nparticipant: 1\nconnection_key: " + noKey},
		{"making a link", "message_type: guest\nconnection_key: " + v.key, "message_type: guest\nconnection_key: " + noKey},
		{"links", "message_type: guest\ntype: GET\nconnection_key: " + v.key, "message_type: guest\ntype: GET\nconnection_key: " + noKey},
		{"revoking a link", "message_type: guest\ntype: DELETE\nlink: 1\nconnection_key: " + v.key, "message_type: guest\ntype: DELETE\nlink: 1\nconnection_key: " + noKey},
	} {
		there, missing := c.ask(x.there+"\n\n"), c.ask(x.missing+"\n\n")
		there.fails(t, "404")
		if there.String() != missing.String() {
			t.Errorf("%s tells a stranger that it is there:\n%v\nmissing:\n%v", x.what, there, missing)
		}
	}
	for _, kind := range []string{"conversation", "group", "cell"} {
		c.send("message_type: " + kind + "\ntype: GET\n\n")
		c.want("message_type: " + kind + "\ntype: GET\nstat: 200\ncount: 0\n.")
	}
	if got, _ := s.get("GET", "/files/"+v.file, "", "Authorization", "Bearer "+s.token("+3")); got.StatusCode != 404 {
		t.Errorf("a stranger's GET of the file: %s", got.Status)
	}
	a.find("user_account: +1\nmessage_type: member_record")
	a.quiet() // nothing the stranger did reached the members
	b.find("user_account: +1\nmessage_type: member_record")
	b.find("user_account: +1\nmessage_type: text\ntext: between us")
	b.quiet()
}

// A stranger's HTTP answer for a file that is there equals that for one that is not, byte for byte.
func TestStrangersFileOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/file", "+1", "a")
	a.sendBinary("time: 1\nfile_name: x\n\n\x00secret")
	file := a.want("stat: 200\nfile: {f}")["f"]
	answer := func(name, method string) string {
		resp, body := s.get(method, "/files/"+name, "", "Authorization", "Bearer "+s.token("+3"), "Range", "bytes=0-1")
		resp.Header.Del("Date")
		var b strings.Builder
		resp.Header.Write(&b)
		return resp.Status + "\n" + b.String() + "\n" + body
	}
	for _, method := range []string{"GET", "HEAD"} {
		there, missing := answer(file, method), answer("%2B1_2_x", method)
		if there != missing || !strings.HasPrefix(there, "404 ") {
			t.Errorf("%s: there:\n%s\nmissing:\n%s", method, there, missing)
		}
	}
	if resp, _ := s.get("GET", "/files/"+file, ""); resp.StatusCode != 401 {
		t.Errorf("nobody's GET of a file: %s", resp.Status)
	}
	if resp, _ := s.get("GET", "/files/"+file, "", "Authorization", "Bearer nonsense"); resp.StatusCode != 401 {
		t.Errorf("a GET with a bad token: %s", resp.Status)
	}
}

// Every verb refuses a claimed account, and does nothing.
func TestSpoofedAccount(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, path := range []string{"/message", "/cell", "/file"} {
		a := s.login(path, "+1", "a")
		for _, frame := range []string{"message_type: text\nfriends: +2\ntext: x", "message_type: profile\ntype: GET", "message_type: cell\nfriends: +2",
			"message_type: group\nname: x", "message_type: conversation\ntype: GET", "message_type: call\ncell_key: x", "message_type: logout"} {
			m := a.ask("task_id: 1\nuser_account: +2\n" + frame + "\n\n")
			m.fails(t, "403")
		}
		a.sendBinary("message_type: file\nuser_account: +2\ntime: 1\nfile_name: x\n\n\x00x")
		a.next().fails(t, "403")
		a.send("message_type: conversation\ntype: GET\n\n")
		a.want("message_type: conversation\ntype: GET\nstat: 200\ncount: 0\n.")
	}
}
