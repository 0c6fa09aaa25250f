package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// mirror is a device that keeps messages and learns of them by Sync alone, as docs/protocol.md tells clients to.
type mirror struct {
	t        *testing.T
	s        *Store
	account  string
	cursor   int64
	lines    map[Place]mirrored
	receipts map[string]Watermark // by conversation and account
}

type mirrored struct{ what, tallies string }

func newMirror(t *testing.T, s *Store, account string) *mirror {
	return &mirror{t: t, s: s, account: account, lines: map[Place]mirrored{}, receipts: map[string]Watermark{}}
}

func shownAs(m *Message) mirrored {
	if m.Hidden {
		return mirrored{what: fmt.Sprint("hidden ", m.Author)}
	}
	return mirrored{fmt.Sprint(m.Kind, m.Author, m.Text, string(m.Carry), m.Edited, m.Time, m.Group, m.PairA, m.PairB), fmt.Sprint(m.Tallies)}
}

// sync takes pages of at most limit items until there are no more.
func (d *mirror) sync(limit int) {
	for more := true; more; {
		page, err := d.s.Sync(d.t.Context(), d.account, d.cursor, limit)
		if err != nil {
			d.t.Error(err)
			return
		}
		last := d.cursor
		for i := range page.Items {
			if page.Items[i].Change <= last {
				d.t.Errorf("%s: change %d after %d", d.account, page.Items[i].Change, last)
			}
			last = page.Items[i].Change
			d.apply(&page.Items[i])
		}
		if page.UpTo < last || len(page.Items) > limit {
			d.t.Errorf("%s: up to %d, but %d items reach %d", d.account, page.UpTo, len(page.Items), last)
		}
		d.cursor, more = page.UpTo, page.More
	}
}

func (d *mirror) apply(i *SyncItem) {
	switch {
	case i.Message != nil:
		d.message(i.Message)
		d.invited(i.Message)
	case i.Reaction != nil:
		if line, ok := d.lines[i.Reaction.Place]; ok {
			line.tallies = fmt.Sprint(i.Reaction.Tallies)
			d.lines[i.Reaction.Place] = line
		}
	case i.Receipt != nil:
		d.raise(i.Receipt.Conversation, i.Receipt.Account, i.Receipt.Watermark)
	case i.Account.Kind == "delete":
		var at Place
		fmt.Sscan(i.Account.Lines["conversation"]+" "+i.Account.Lines["seq"], &at.Conversation, &at.Seq)
		if line, ok := d.lines[at]; ok && !strings.HasPrefix(line.what, "hidden") {
			d.lines[at] = mirrored{what: "hidden"}
		}
	}
}

// message keeps a line; who wrote it has read up to there.
func (d *mirror) message(m *Message) {
	d.lines[Place{m.Conversation, m.Seq}] = shownAs(m)
	d.raise(m.Conversation, m.Author, Watermark{m.Seq, m.Seq})
}

// invited notes that who was invited begins with what comes then.
func (d *mirror) invited(m *Message) {
	var record struct {
		Event   string
		Friends []string
	}
	if m.Kind != recordKind || json.Unmarshal(m.Carry, &record) != nil || record.Event != "invited" {
		return
	}
	for _, account := range record.Friends {
		d.raise(m.Conversation, account, Watermark{m.Seq - 1, m.Seq - 1})
	}
	if slices.Contains(record.Friends, d.account) {
		d.begin(m.Conversation)
	}
}

func (d *mirror) raise(conversation int64, account string, to Watermark) {
	key := fmt.Sprint(conversation, account)
	d.receipts[key] = d.receipts[key].raised(to)
}

// begin reads what is there of a conversation that begins, or begins again, for the account.
func (d *mirror) begin(conversation int64) {
	for at, line := range freshLines(d.t, d.s, d.account, conversation) {
		d.lines[at] = line
	}
	all, err := d.s.Receipts(d.t.Context(), d.account, conversation)
	if err != nil && !errors.Is(err, ErrNotFound) {
		d.t.Error(err)
	}
	for _, r := range all {
		d.raise(conversation, r.Account, r.Watermark)
	}
}

func freshLines(t *testing.T, s *Store, account string, conversation int64) map[Place]mirrored {
	lines := map[Place]mirrored{}
	for after, more := int64(-1), true; more; {
		var page []Message
		var err error
		if page, more, err = s.History(t.Context(), account, conversation, 0, after, 7); err != nil {
			t.Error(err)
			return nil
		}
		for i := range page {
			after = page[i].Seq
			lines[Place{conversation, after}] = shownAs(&page[i])
		}
	}
	return lines
}

// compare holds the mirror against what is read afresh.
func (d *mirror) compare() {
	all, err := d.s.Conversations(d.t.Context(), d.account, 0, 500)
	if err != nil {
		d.t.Fatal(err)
	}
	lines := 0
	for _, c := range all {
		fresh := freshLines(d.t, d.s, d.account, c.ID)
		for at, want := range fresh {
			got, ok := d.lines[at]
			if ok {
				lines++
			}
			d.compareLine(at, got, want, c.Left)
		}
		if !c.Left {
			d.compareReceipts(c.ID)
		}
	}
	if lines != len(d.lines) {
		d.t.Errorf("%s: %d lines mirrored, %d of them there", d.account, len(d.lines), lines)
	}
}

// compareLine lets who has left keep, or miss, what was changed since: that is not for it.
func (d *mirror) compareLine(at Place, got, want mirrored, left bool) {
	if strings.HasPrefix(want.what, "hidden") && strings.HasPrefix(got.what, "hidden") {
		return
	}
	if left && (strings.HasPrefix(want.what, KindDeleted) || got.what == want.what) {
		return
	}
	if got != want {
		d.t.Errorf("%s: line %d: mirrored %q, there %q", d.account, at, got, want)
	}
}

func (d *mirror) compareReceipts(conversation int64) {
	all, err := d.s.Receipts(d.t.Context(), d.account, conversation)
	if err != nil {
		d.t.Error(err)
	}
	for _, r := range all {
		if got := d.receipts[fmt.Sprint(conversation, r.Account)]; got != r.Watermark {
			d.t.Errorf("%s: %s in %d: mirrored %v, there %v", d.account, r.Account, conversation, got, r.Watermark)
		}
	}
}

// actor is somebody who does things at random.
type actor struct {
	s       *Store
	account string
	all     []string
	groups  []Group
	random  *rand.Rand
	n       int
}

// act does one thing; what is not permitted is refused and changes nothing.
func (a *actor) act() error {
	a.n++
	group := a.groups[a.random.IntN(len(a.groups))]
	other := a.all[a.random.IntN(len(a.all))]
	at := Place{int64(1 + a.random.IntN(8)), int64(1 + a.random.IntN(40))}
	text := fmt.Sprint(a.account, a.n)
	var err error
	switch a.random.IntN(16) {
	case 0, 1, 2, 3:
		_, err = a.s.postWait(Draft{Author: a.account, To: []Target{{Group: group.ID}}, Kind: KindText, Text: text, ClientID: text, Mentions: []string{other}})
	case 4, 5:
		_, err = a.s.postWait(Draft{Author: a.account, To: []Target{{Account: other}}, Kind: KindText, Text: text})
	case 6, 7:
		_, err = a.s.editWait(Edit{By: a.account, Place: at, Text: text})
	case 8:
		_, err = a.s.deleteWait(a.account, at, a.random.IntN(2) == 0)
	case 9, 10, 11:
		_, err = a.s.reactWait(a.account, at, []string{"👍", "❤"}[a.random.IntN(2)], a.random.IntN(3) == 0)
	case 12, 13:
		_, err = a.s.watermarkWait(a.account, at.Conversation, Watermark{Read: at.Seq, Delivered: at.Seq + 2})
	case 14:
		_, err = a.s.inviteWait(a.account, group.ID, a.all...)
	case 15:
		_, err = a.s.leaveWait(a.account, group.ID)
	}
	if isDomain(err) {
		return nil
	}
	return err
}

// TestAMirrorEqualsItsOriginal lets several people do things at random, at the same time, while a device of each
// follows by Sync alone. In the end each has what one would have that reads everything afresh.
func TestAMirrorEqualsItsOriginal(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := []string{"a", "b", "c", "d"}
	s := openNew(t, append(slices.Clone(people), "keeper")...)
	var groups []Group
	for _, history := range []string{"join", "all"} {
		g, _, err := s.groupWait(Group{Name: history, Founder: "keeper", History: history}, people...)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, g)
	}
	mirrors := map[string]*mirror{}
	var working sync.WaitGroup
	for i, account := range people {
		mirrors[account] = newMirror(t, s, account)
		a := &actor{s: s, account: account, all: people, groups: groups, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		working.Go(func() {
			for n := range 150 {
				if err := a.act(); err != nil {
					t.Error(err)
					return
				}
				if n%10 == 9 {
					mirrors[account].sync(1 + a.random.IntN(40))
				}
			}
		})
	}
	working.Wait()
	tellNow(t, s)
	for _, account := range slices.Sorted(maps.Keys(mirrors)) {
		mirrors[account].sync(50)
		mirrors[account].compare()
		cold := newMirror(t, s, account)
		cold.sync(11)
		cold.compare()
	}
}

// tellNow has the receipts told that are held back.
func tellNow(t *testing.T, s *Store) {
	t.Helper()
	if err := <-enqueueCall(s, func(b *batch) error { b.telling = true; return nil }); err != nil {
		t.Fatal(err)
	}
}
