package contract

import (
	"bytes"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4/pkg/media"
)

// A link lets somebody without an account into one call: heard there, muted by who opened it, unmuted by himself, removed, and not back.
func TestGuestInACall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	pa := enter(t, a, key)
	b.ask("message_type: guest\nconnection_key: "+key+"\n\n").fails(t, "403")
	a.send("message_type: guest\nconnection_key: " + key + "\nlifetime: 3600\nuses: 2\n\n")
	link := a.find("message_type: guest\nstat: 200\nconnection_key: " + key + "\nlink: {l}\nsecret: {s}\nuntil: …\nuses: 2")
	g := s.open("/message")
	g.ask("message_type: guest\nsecret: "+link["s"]+"\nguest_name: a\tb\n\n").fails(t, "400")
	g.ask("message_type: guest\nsecret: AAAAAAAAAAAAAAAAAAAAAA\nguest_name: Zoë\n\n").fails(t, "404")
	g.send("message_type: guest\nsecret: " + link["s"] + "\nguest_name: Zoë\n\n")
	name := g.find("message_type: guest\nstat: 200\nuser_account: guest:{g}\nguest_name: Zoë\nsession: …\nconnection_key: " + key + "\ncall: call\nfriends: +1")["g"]
	pg := enter(t, g, key)
	a.find("user_account: guest:" + name + "\nmessage_type: join\nconnection_key: " + key + "\nparticipant: " + pg.id + "\nguest_name: Zoë")
	for _, frame := range []string{"message_type: text\nfriends: +1\ntext: hello", "message_type: profile\ntype: GET\nfriends: +1", "message_type: conversation\ntype: GET",
		"message_type: cell\ntype: GET", "message_type: cell\nfriends: +1", "message_type: call\nfriends: +3\ncell_key: " + key, "message_type: search\ntype: GET\ntext: x"} {
		g.send("task_id: no\n" + frame + "\n\n")
		g.find("task_id: no\n~\nstat: 403\nreason: …")
	}
	track := pg.publish()
	pa.receive()
	<-pa.connected
	<-pg.connected
	muting := "message_type: track\ntype: PATCH\nconnection_key: " + key + "\nsource: microphone\nmuted: "
	g.send(muting + "yes\nparticipant: " + pa.id + "\n\n")
	g.find("message_type: track\ntype: PATCH\nstat: 403\nreason: …")
	a.send(muting + "yes\nparticipant: " + pg.id + "\n\n")
	a.find("message_type: track\ntype: PATCH\nstat: 200")
	g.find("user_account: +1\nmessage_type: track\ntype: PATCH\nconnection_key: " + key + "\nparticipant: " + pg.id + "\nsource: microphone\nmuted: yes")
	for range 25 {
		if err := track.WriteSample(media.Sample{Data: []byte("silenced"), Duration: 20 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // as microphones send
	}
	a.send(muting + "no\nparticipant: " + pg.id + "\n\n")
	a.find("message_type: track\ntype: PATCH\nstat: 400\nreason: …")
	time.Sleep(500 * time.Millisecond) // what was sent has arrived by then
	g.send(muting + "no\n\n")
	g.find("message_type: track\ntype: PATCH\nstat: 200")
	if got := pa.hear(track); !bytes.HasPrefix(got.payload, []byte("a frame")) {
		t.Errorf("who was muted is heard saying %q", got.payload)
	}
	a.send("message_type: leave\nconnection_key: " + key + "\nparticipant: " + pg.id + "\n\n")
	a.find("message_type: leave\nstat: 200")
	g.find("message_type: cell\ntype: DELETE\ncell_key: " + key + "\ncause: removed")
	if code := g.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("the guest's connection was closed with %d", code)
	}
	s.open("/message").ask("message_type: guest\nsecret: "+link["s"]+"\nguest_name: Zoë\n\n").fails(t, "404")
}

// Who is in a call rings further people into it; the call between two is one of several then.
func TestInviteIntoACall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	c := s.login("/cell", "+3", "c")
	join := func(x *client) string {
		x.send("message_type: join\nconnection_key: " + key + "\n\n")
		return x.find("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: {p}")["p"]
	}
	join(a)
	join(b)
	b.send("message_type: call\nfriends: +3\ncell_key: " + key + "\n\n")
	b.find("message_type: call\nstat: 200")
	c.want("user_account: +2\nmessage_type: call\ncell_key: " + key + "\n.")
	join(c)
	b.find("user_account: +3\nmessage_type: cell\ncell_type: 200\nfriends: +3\ncell_key: " + key)
	a.find("message_type: cell\ntype: PATCH\nconnection_key: " + key + "\ncall: call\nuser_account: +1\nfriends: +2,+3\n~\nparticipants: 3\njoined: +1,+2,+3")
	a.send("message_type: leave\nconnection_key: " + key + "\n\n")
	c.find("user_account: +1\nmessage_type: leave")
	c.send("message_type: leave\nconnection_key: " + key + "\n\n")
	b.send("message_type: leave\nconnection_key: " + key + "\n\n")
	a.find("user_account: +1\nmessage_type: call_record\ncall: call\noutcome: answered")
	c.find("user_account: +2\nmessage_type: call_record\ncall: call\noutcome: answered")
}
