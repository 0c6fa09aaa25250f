package live

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
)

// mirror is what a device knows that goes by its events alone.
type mirror struct {
	t        *testing.T
	messages map[string]*message // by id
	read     map[string]int64    // by account and conversation
}

type message struct {
	kind, text string
	reactions  map[string]bool // by account and sign
}

func newMirror(t *testing.T) *mirror {
	return &mirror{t: t, messages: map[string]*message{}, read: map[string]int64{}}
}

func (m *mirror) take(e sdk.Event) {
	m.t.Helper()
	switch v := e.(type) {
	case sdk.Message:
		if m.messages[v.ID] != nil {
			m.t.Errorf("%s came twice", v.ID)
		}
		m.messages[v.ID] = &message{kind: v.Type, text: v.Text, reactions: map[string]bool{}}
	case sdk.Edit:
		m.at(v.MessageID).text = v.Text
	case sdk.Deletion:
		*m.at(v.MessageID) = message{kind: sdk.TypeDeleted, reactions: map[string]bool{}}
	case sdk.Reaction:
		if v.Gone {
			delete(m.at(v.MessageID).reactions, v.Account+v.Reaction)
		} else {
			m.at(v.MessageID).reactions[v.Account+v.Reaction] = true
		}
	case sdk.Receipt:
		key := v.Account + " " + v.Conversation
		m.read[key] = max(m.read[key], v.ReadSeq)
	}
}

func (m *mirror) at(id string) *message {
	m.t.Helper()
	if m.messages[id] == nil {
		m.t.Fatalf("%s was changed, but never given", id)
	}
	return m.messages[id]
}

// String lists all of it in an order of its own.
func (m *mirror) String() string {
	var lines []string
	for id, one := range m.messages {
		lines = append(lines, fmt.Sprintln(id, one.kind, one.text, slices.Sorted(maps.Keys(one.reactions))))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// afresh is what history says.
func afresh(t *testing.T, p *sdk.Client) string {
	t.Helper()
	m := newMirror(t)
	all, err := p.AllConversations(ctx(t))
	must(t, err)
	for _, conv := range all {
		page, more, err := p.History(ctx(t), conv.ID, sdk.HistoryQuery{FromStart: true, Limit: 200})
		must(t, err)
		want(t, more, false)
		for _, one := range page {
			m.take(one)
			if len(one.Reactions) == 0 {
				continue
			}
			who, err := p.Reactions(ctx(t), one.ID)
			must(t, err)
			for _, r := range who {
				m.take(r)
			}
		}
	}
	return m.String()
}

// rumpus does n things at random to what was sent before.
func rumpus(t *testing.T, r *rand.Rand, people []*person, to sdk.To, sent *[]sdk.Sent, n int) {
	t.Helper()
	for range n {
		by := r.IntN(len(people))
		p := people[by]
		if len(*sent) == 0 || r.IntN(3) == 0 {
			one, err := p.Text(ctx(t), to, fmt.Sprint("text ", len(*sent)))
			must(t, err)
			one.Account = p.Account()
			*sent = append(*sent, one)
			continue
		}
		one := (*sent)[r.IntN(len(*sent))]
		var err error
		switch r.IntN(6) {
		case 0:
			err = p.Edit(ctx(t), one.MessageID, fmt.Sprint("edited ", r.IntN(1000)))
		case 1:
			err = p.Delete(ctx(t), one.MessageID, true)
		case 2, 3:
			err = p.React(ctx(t), one.MessageID, []string{"👍", "❤"}[r.IntN(2)])
		case 4:
			err = p.Unreact(ctx(t), one.MessageID, []string{"👍", "❤"}[r.IntN(2)])
		case 5:
			err = p.MarkRead(ctx(t), one.Conversation, one.Seq)
		}
		// another's or a deleted one is refused, and nothing happens; what was cut off may have
		if err != nil && sdk.Stat(err) == 0 && !errors.Is(err, sdk.ErrConnectionLost) {
			t.Fatal(err)
		}
	}
	one, err := people[0].Text(ctx(t), to, "so far")
	must(t, err)
	*sent = append(*sent, one)
}

// A device that only goes by its events knows in the end what history says, though its connection is
// cut, its program ended and the server killed in the middle of everything; and nothing comes twice.
func TestEventsTellAllThatHistoryDoes(t *testing.T) {
	w := newWorld(t, "ann", "bob", "carl")
	a, b := w.dial("ann", "x"), w.dial("bob", "x")
	g, err := a.CreateGroup(ctx(t), "Team", "", "bob", "carl")
	must(t, err)
	line, err := sdktest.NewCutter(w.server.URL) // carl's alone
	must(t, err)
	t.Cleanup(line.Close)
	phone := func(state sdk.State) sdk.Options {
		opt := w.options("carl", "phone")
		opt.URL, opt.State = line.URL, state
		return opt
	}
	path := filepath.Join(t.TempDir(), "state")
	know := newMirror(t)
	file, err := sdk.OpenFileState(path)
	must(t, err)
	carl, err := sdk.Dial(ctx(t), phone(file))
	must(t, err)
	page, _, err := carl.History(ctx(t), g.Conversation, sdk.HistoryQuery{})
	must(t, err)
	for _, m := range page { // what was there before
		know.take(m)
	}
	r := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	var sent []sdk.Sent
	for round := range 12 {
		rumpus(t, r, []*person{a, b}, sdk.To{GroupID: g.ID}, &sent, 12)
		switch round % 4 {
		case 0: // everybody's connection breaks, and carl's stays away for a while
			line.To("http://127.0.0.1:1")
			line.Cut()
			w.cutter.Cut()
			rumpus(t, r, []*person{a, b}, sdk.To{GroupID: g.ID}, &sent, 12)
			line.To(w.server.URL)
		case 1:
			w.server.Kill()
			w.start()
			rumpus(t, r, []*person{a, b}, sdk.To{GroupID: g.ID}, &sent, 12)
			line.To(w.server.URL)
		case 2: // the program ends, and another one goes on
			know.until(carl, sent[len(sent)-1], 5)
			carl.Close()
			must(t, file.Close())
			rumpus(t, r, []*person{a, b}, sdk.To{GroupID: g.ID}, &sent, 12)
			file, err = sdk.OpenFileState(path)
			must(t, err)
			carl, err = sdk.Dial(ctx(t), phone(file))
			must(t, err)
		}
		know.until(carl, sent[len(sent)-1], 10)
	}
	last, err := a.Text(ctx(t), sdk.To{GroupID: g.ID}, "the end")
	must(t, err)
	know.until(carl, last, 1_000_000)
	if got, history := know.String(), afresh(t, carl); got != history {
		t.Errorf("by its events a device knows\n%s\nhistory says\n%s", got, history)
	}
	carl.Close()
	must(t, file.Close())
}

// until takes events until a message came, at most n.
func (m *mirror) until(c *sdk.Client, sent sdk.Sent, n int) {
	m.t.Helper()
	enough := time.After(patience)
	for ; n > 0 && m.messages[sent.MessageID] == nil; n-- {
		select {
		case e, ok := <-c.Events():
			if !ok {
				m.t.Fatal("the client ended: ", c.Err())
			}
			m.take(e)
		case <-enough:
			m.t.Fatal("the events stopped")
		}
	}
}

// The plain device is sent what it missed, and resumes by sync after a loss.
func TestPlainDevice(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a := w.dial("ann", "x")
	for i := range 5 {
		_, err := a.Text(ctx(t), sdk.To{Account: "bob"}, fmt.Sprint(i))
		must(t, err)
	}
	b := w.dial("bob", "")
	for i := range 5 {
		want(t, await[sdk.Message](b, nil).Text, fmt.Sprint(i))
	}
	w.cutter.Cut()
	sent, err := a.Text(ctx(t), sdk.To{Account: "bob"}, "five")
	must(t, err, a.Edit(ctx(t), sent.MessageID, "five, edited"))
	m := await[sdk.Message](b, nil)
	for m.Text != "five, edited" { // or it came before it was edited
		want(t, m.Text, "five")
		m.Text = await[sdk.Edit](b, nil).Text
	}
	last, err := a.Text(ctx(t), sdk.To{Account: "bob"}, "six")
	must(t, err)
	want(t, await[sdk.Message](b, nil).ID, last.MessageID)
}
