package live

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"neochat/clients/sdk"
)

func TestMessages(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	first, err := a.Text(ctx(t), sdk.To{Account: "bob"}, "first 你好")
	must(t, err)
	m := await(b, text("first 你好"))
	want(t, m.ID, first.MessageID)
	if m.Change == 0 {
		t.Error("no change came with it")
	}
	await(a, func(r sdk.Receipt) bool { return r.Account == "bob" && r.DeliveredSeq == 1 && r.ReadSeq == 0 })
	must(t, b.MarkRead(ctx(t), m.Conversation, 1))
	await(a, func(r sdk.Receipt) bool { return r.Account == "bob" && r.ReadSeq == 1 })
	receipts, err := a.Receipts(ctx(t), m.Conversation)
	must(t, err)
	want(t, len(receipts), 2)

	answer, err := b.Send(ctx(t), sdk.To{Account: "ann"}, sdk.Draft{Text: "@ann yes", ReplyTo: m.ID, Mentions: []string{"ann"}})
	must(t, err)
	m = await(a, text("@ann yes"))
	want(t, m.ReplyTo, first.MessageID)
	want(t, m.Mentions, []string{"ann"})
	convs, err := a.AllConversations(ctx(t))
	must(t, err)
	want(t, convs[0].Unread, 1)
	want(t, convs[0].Mentions, 1)

	must(t, b.Edit(ctx(t), answer.MessageID, "no"))
	want(t, await[sdk.Edit](a, nil).Text, "no")
	must(t, a.React(ctx(t), answer.MessageID, "👍"), a.React(ctx(t), answer.MessageID, "❤"), a.Unreact(ctx(t), answer.MessageID, "❤"))
	want(t, await[sdk.Reaction](b, nil).Reaction, "👍")
	await(b, func(r sdk.Reaction) bool { return r.Gone })
	who, err := b.Reactions(ctx(t), answer.MessageID)
	must(t, err)
	want(t, who[0].Account+who[0].Reaction, "ann👍")
	page, _, err := a.History(ctx(t), m.Conversation, sdk.HistoryQuery{})
	must(t, err)
	want(t, page[1].Reactions, []sdk.ReactionCount{{Reaction: "👍", Count: 1}})
	want(t, page[1].MyReactions, []string{"👍"})
	want(t, page[1].Edited.IsZero(), false)

	must(t, a.Delete(ctx(t), first.MessageID, true), a.Delete(ctx(t), answer.MessageID, false))
	want(t, await[sdk.Deletion](b, nil).ForAll, true)
	page, _, err = b.History(ctx(t), m.Conversation, sdk.HistoryQuery{})
	must(t, err)
	want(t, page[0].Type+" "+page[1].Text, "deleted no")
}

func TestVoice(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	sound := bytes.Repeat([]byte("sound"), 1000)
	file, err := a.Upload(ctx(t), "v.ogg", bytes.NewReader(sound))
	must(t, err)
	voice := sdk.Voice{File: file, Duration: 1500 * time.Millisecond, Waveform: "08f"}
	_, err = a.Send(ctx(t), sdk.To{Account: "bob"}, sdk.Draft{Voice: &voice})
	must(t, err)
	m := await(b, func(m sdk.Message) bool { return m.Type == sdk.TypeVoice })
	want(t, m.Voice, voice)
	f, err := b.Download(ctx(t), m.Voice.File)
	must(t, err)
	got, err := io.ReadAll(f)
	must(t, err, f.Close())
	want(t, bytes.Equal(got, sound), true)
}

func TestPeople(t *testing.T) {
	w := newWorld(t, "ann", "bob", "carl")
	a, b, other := w.dial("ann", "x"), w.dial("bob", "x"), w.dial("ann", "y")
	must(t, a.SetProfile(ctx(t), map[sdk.ProfileField]string{sdk.ProfileName: "Ann 安", sdk.ProfileAddress: "here"}))
	want(t, await[sdk.ProfileEvent](other, nil).Changed[sdk.ProfileName], "Ann 安")
	p, err := a.Profile(ctx(t), "")
	must(t, err)
	want(t, p.Account+p.Name+p.Address+p.MessagesFrom, "annAnn 安hereeveryone")
	all, err := b.Profiles(ctx(t), "ann", "nobody", "carl")
	must(t, err)
	want(t, len(all), 2)
	if _, err := b.Profile(ctx(t), "nobody"); sdk.Stat(err) != 404 {
		t.Error(err)
	}

	must(t, a.AskFriend(ctx(t), "bob", "it is me"))
	e := await[sdk.FriendEvent](b, nil)
	want(t, e.Account+e.State+e.Text, "annaskedit is me")
	must(t, b.AnswerFriend(ctx(t), "ann", true))
	await(a, func(e sdk.FriendEvent) bool { return e.State == sdk.FriendAccepted })
	friends, err := a.Friends(ctx(t))
	must(t, err)
	want(t, friends[0].Account+friends[0].State, "bobaccepted")
	must(t, b.EndFriend(ctx(t), "ann"))
	await(a, func(e sdk.FriendEvent) bool { return e.State == sdk.FriendEnded })

	must(t, a.Block(ctx(t), "carl"))
	want(t, await[sdk.BlockEvent](other, nil).Account, "carl")
	c := w.dial("carl", "x")
	if _, err := c.Text(ctx(t), sdk.To{Account: "ann"}, "x"); sdk.Stat(err) != 403 {
		t.Error(err)
	}
	blocked, err := a.Blocked(ctx(t))
	must(t, err)
	want(t, blocked[0].Account, "carl")
	must(t, a.Unblock(ctx(t), "carl"))
	_, err = c.Text(ctx(t), sdk.To{Account: "ann"}, "again")
	must(t, err)
}

func TestPresenceAndTyping(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	states, err := a.Watch(ctx(t), "bob")
	must(t, err)
	want(t, states[0].State, sdk.StateOnline)
	must(t, b.SetState(ctx(t), sdk.StateAway))
	await(a, func(p sdk.Presence) bool { return p.Account == "bob" && p.State == sdk.StateAway })
	_, err = a.Text(ctx(t), sdk.To{Account: "bob"}, "typing needs a conversation")
	must(t, err)
	must(t, b.Typing(ctx(t), sdk.To{Account: "ann"}, false), b.Typing(ctx(t), sdk.To{Account: "ann"}, true))
	want(t, await[sdk.Typing](a, nil).Stopped, false)
	want(t, await[sdk.Typing](a, nil).Stopped, true)
	w.cutter.Cut()
	await[sdk.Online](a, nil)
	await[sdk.Online](b, nil) // who is watched, and that bob is away, outlived that
	if now, err := a.Presence(ctx(t), "bob"); err != nil || now[0].State != sdk.StateAway {
		t.Errorf("%+v %v", now, err)
	}
	b.Close()
	await(a, func(p sdk.Presence) bool { return p.State == sdk.StateOffline && !p.LastSeen.IsZero() })
}

func TestGroups(t *testing.T) {
	w := newWorld(t, "ann", "bob", "carl")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	g, err := a.CreateGroup(ctx(t), "Team", "", "bob")
	must(t, err)
	await(b, func(m sdk.Message) bool { return m.Event == "created" })
	must(t, a.DescribeGroup(ctx(t), g.ID, map[sdk.GroupField]string{sdk.GroupIntroduction: "what for", sdk.GroupHistory: sdk.HistoryAll}))
	got, err := b.Group(ctx(t), g.ID)
	must(t, err)
	want(t, got.Introduction+got.History+got.Permissions+got.Founder, "what forallmemberann")
	if err := b.DescribeGroup(ctx(t), g.ID, map[sdk.GroupField]string{sdk.GroupName: "x"}); sdk.Stat(err) != 403 {
		t.Error(err)
	}
	must(t, a.SetPermissions(ctx(t), g.ID, sdk.PermissionAdmin, "bob"))
	want(t, await(b, func(m sdk.Message) bool { return m.Event == "permissions" }).Permissions, "admin")
	must(t, b.Invite(ctx(t), g.ID, "carl"))
	c := w.dial("carl", "x")
	members, err := c.Members(ctx(t), g.ID)
	must(t, err)
	want(t, len(members), 3)
	must(t, b.RemoveMembers(ctx(t), g.ID, "carl"))
	await(c, func(m sdk.Message) bool { return m.Event == "removed" })
	if _, err := c.Text(ctx(t), sdk.To{GroupID: g.ID}, "x"); sdk.Stat(err) != 404 {
		t.Error(err)
	}
	must(t, a.SetPermissions(ctx(t), g.ID, sdk.PermissionCreator, "bob"))
	must(t, a.Leave(ctx(t), g.ID))
	must(t, b.DissolveGroup(ctx(t), g.ID))
	if groups, err := b.Groups(ctx(t)); err != nil || len(groups) != 0 {
		t.Error(groups, err)
	}
}

func TestCalls(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b, elsewhere := w.dial("ann", "x"), w.dial("bob", "x"), w.dial("bob", "y")
	key, err := a.OpenCell(ctx(t), "", "bob")
	must(t, err)
	join, err := a.RingCell(ctx(t), key, true)
	must(t, err)
	want(t, join, key)
	ring := await[sdk.Ring](b, nil)
	want(t, ring.Account+ring.CellKey, "ann"+key)
	want(t, ring.Video, true)
	cells, err := b.Cells(ctx(t))
	must(t, err)
	want(t, cells[0].Ringing, true)
	await[sdk.Ring](elsewhere, nil)
	must(t, b.AnswerCell(ctx(t), ring, true))
	want(t, await[sdk.Cell](a, nil).Type, sdk.CellAccepted)
	want(t, await[sdk.Cell](elsewhere, nil).Type, sdk.CellElsewhere)
	must(t, a.CloseCell(ctx(t), key))
	await(b, func(c sdk.Cell) bool { return c.Over })
	want(t, await(b, func(m sdk.Message) bool { return m.Type == sdk.TypeCallRecord }).Call, "videocall")

	key, err = a.OpenCell(ctx(t), "", "bob")
	must(t, err)
	made, err := a.MakeGuestLink(ctx(t), key, time.Hour, 3)
	must(t, err)
	want(t, len(made.Secret), 22)
	want(t, made.Until.After(time.Now()), true)
	links, err := a.GuestLinks(ctx(t), key)
	must(t, err)
	want(t, links[0], sdk.GuestLink{ID: made.ID, By: "ann", Until: made.Until, Uses: 3})
	must(t, a.RevokeGuestLink(ctx(t), key, made.ID, true))
	if err := a.RevokeGuestLink(ctx(t), key, made.ID, true); sdk.Stat(err) != 404 {
		t.Error(err)
	}
	_, err = a.RingCell(ctx(t), key, false)
	must(t, err)
	await[sdk.Ring](b, nil)
	must(t, a.StopRinging(ctx(t), key, false))
	want(t, await[sdk.RingEnd](b, nil).Cause, "cancelled")
}

func TestDevicesAndPassword(t *testing.T) {
	w := newWorld(t, "ann")
	a, phone, tablet := w.dial("ann", "x"), w.dial("ann", "phone"), w.dial("ann", "tablet")
	devices, err := a.Devices(ctx(t))
	must(t, err)
	sessions := map[string]string{}
	for _, d := range devices {
		sessions[d.Name] = d.Session
		want(t, d.Online, true)
		want(t, d.Current, d.Name == "x")
	}
	want(t, len(sessions), 3)
	// whose session is revoked logs in anew, as it knows the password
	must(t, a.RevokeSession(ctx(t), sessions["phone"]))
	await[sdk.Offline](phone, nil)
	await[sdk.Online](phone, nil)
	must(t, a.RevokeDevice(ctx(t), "tablet"))
	await[sdk.Offline](tablet, nil)
	await[sdk.Online](tablet, nil)

	if err := a.ChangePassword(ctx(t), "wrong", "another password"); sdk.Stat(err) != 404 {
		t.Error(err)
	}
	before := a.Session()
	must(t, a.ChangePassword(ctx(t), right, "another password"))
	if a.Session() == before {
		t.Error("the session is the former one")
	}
	for range phone.events { // it has the former password, and ends
		continue
	}
	want(t, sdk.Stat(phone.Err()), 404)
	w.cutter.Cut() // this client comes back with what it has by now
	await[sdk.Online](a, nil)
	info, err := a.AccountInfo(ctx(t))
	must(t, err)
	want(t, info.Account, "ann")
	want(t, info.BytesUsed, 0)
	must(t, a.DeleteAccount(ctx(t), "another password"))
	if _, err := sdk.Dial(ctx(t), w.options("ann", "x")); sdk.Stat(err) != 404 {
		t.Error(err)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	for _, s := range []string{"the roses need water", "今天天气很好", "roses again", "roses for the third time"} {
		_, err := a.Text(ctx(t), sdk.To{Account: "bob"}, s)
		must(t, err)
	}
	find := func(q sdk.SearchQuery) ([]sdk.Message, bool) {
		page, more, err := b.Search(ctx(t), q)
		must(t, err)
		return page, more
	}
	page, more := find(sdk.SearchQuery{Text: "third"})
	for len(page) == 0 { // it is indexed within two seconds
		time.Sleep(50 * time.Millisecond) // lest it be too often
		page, more = find(sdk.SearchQuery{Text: "third"})
	}
	want(t, page[0].Text, "roses for the third time")
	want(t, more, false)
	page, more = find(sdk.SearchQuery{Text: "roses", Limit: 2, Author: "ann", Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)})
	want(t, page[1].Text, "roses again")
	want(t, more, true)
	page, more = find(sdk.SearchQuery{Text: "roses", Limit: 2, BeforeChange: page[1].Change})
	want(t, page[0].Text, "the roses need water")
	want(t, more, false)
	page, _ = find(sdk.SearchQuery{Text: "气", Conversation: page[0].Conversation})
	want(t, page[0].Text, "今天天气很好")
	page, _ = find(sdk.SearchQuery{Text: "roses", Author: "bob"})
	want(t, len(page), 0)
}

func TestFiles(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	file, err := a.Upload(ctx(t), "two words.txt", strings.NewReader("some words"))
	must(t, err)
	other, err := a.Upload(ctx(t), "b.txt", strings.NewReader("b"))
	must(t, err)
	sent, err := a.Send(ctx(t), sdk.To{Account: "bob"}, sdk.Draft{Text: sdk.FileText(other) + sdk.FileText(file)})
	must(t, err)
	m := await(b, func(m sdk.Message) bool { return m.Type == sdk.TypeText })
	info := sdk.FileInfo{Name: file, Size: 10, ContentType: "text/plain;charset=utf-8"}
	want(t, len(m.Files), 2)
	want(t, m.Files[0].Name, other)
	want(t, m.Files[1], info)
	must(t, a.Edit(ctx(t), sent.MessageID, sdk.FileText(file)))
	e := await[sdk.Edit](b, nil)
	want(t, e.Files, []sdk.FileInfo{info})

	stat, err := b.StatFile(ctx(t), file)
	must(t, err)
	want(t, stat.Name+" "+stat.ContentType, file+" text/plain; charset=utf-8")
	want(t, stat.Size, int64(10))
	want(t, len(stat.Hash), 64)
	want(t, stat.Time.IsZero() || stat.Preview, false)

	page, err := a.OwnFiles(ctx(t), sdk.LargestFirst, "", 1)
	must(t, err)
	want(t, page.Files[0].Name+" "+page.Files[0].MessageID, file+" "+sent.MessageID)
	want(t, page.Count, int64(2))
	want(t, page.BytesUsed, int64(11))
	page, err = a.OwnFiles(ctx(t), sdk.LargestFirst, page.Next, 1)
	must(t, err)
	want(t, page.Files[0].Name+page.Files[0].MessageID+page.Next, other)

	address, err := b.FileAddress(ctx(t), file)
	must(t, err)
	resp, err := http.Get(address)
	must(t, err)
	text, err := io.ReadAll(resp.Body)
	must(t, err, resp.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	want(t, string(text), "some words")

	if err := b.DeleteFile(ctx(t), file); sdk.Stat(err) != 403 {
		t.Errorf("bob deletes ann's file: %v", err)
	}
	must(t, a.DeleteFile(ctx(t), file))
	if _, err := b.StatFile(ctx(t), file); sdk.Stat(err) != 404 {
		t.Errorf("the deleted file: %v", err)
	}
}
