package store

import (
	"database/sql"
	"fmt"
	"slices"
)

// Kinds of messages that the store itself tells apart.
const (
	KindText    = "text"
	KindVoice   = "voice"
	KindDeleted = "deleted" // what is left of a deleted one: its author, place and time
)

// Amended is a message after something was done to it.
type Amended struct {
	Message              // as it is then
	By          string   // who did it
	Reaction    string   // of React
	Withdrawn   bool     // of React: it was taken back
	OnlyFor     bool     // of Delete: for By alone
	ChangeOfAct int64    // the number of what was done, or, where nothing had to be, of the last change
	Recipients  []string // members at that moment. Shared: read only
	Unchanged   bool     // it was so before: answer, but deliver nothing
}

// amendment is such an act on its way.
type amendment struct {
	by     string
	place  Place
	act    func(*amendment, *batch, *line, *talk) error
	done   func(Amended, error)
	result Amended
}

// line is a stored message as the writer sees it.
type line struct {
	Message
	id          int64
	files       []string
	firstDigest []byte
	posted      int64 // post_change
}

func (a *amendment) changes() int { return 1 }

func (a *amendment) finish(err error) { a.done(a.result, err) }

func (a *amendment) run(b *batch) error {
	a.result = Amended{}
	l, err := b.line(a.by, a.place)
	if err != nil {
		return err
	}
	t, err := b.talk(a.place.Conversation)
	if err != nil {
		return err
	}
	a.result = Amended{Message: l.Message, By: a.by, ChangeOfAct: l.Change, Recipients: t.present, Unchanged: true}
	err = a.act(a, b, l, t)
	return err
}

// changed notes that the act did change something.
func (a *amendment) changed(m *Message, change int64) {
	a.result.Message, a.result.ChangeOfAct, a.result.Unchanged = *m, change, false
}

// line reads a message that account sees; else ErrNotFound. What is staged for that conversation is
// written first.
func (b *batch) line(account string, at Place) (*line, error) {
	if b.tails[at.Conversation] != nil {
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
	l := &line{}
	var files, client sql.NullString
	err := b.queryRow(wLine, at.Conversation, account, at.Seq, at.Seq, at.Seq, account).Scan(&l.id, &l.Change, &l.posted, &l.Author, &l.Kind,
		&l.Text, &l.Carry, &files, &l.Time, &l.Edited, &client, &l.firstDigest)
	if err != nil {
		return nil, absent(err, "message")
	}
	t, err := b.talk(at.Conversation)
	if err != nil {
		return nil, err
	}
	l.Conversation, l.Seq, l.ClientID, l.files = at.Conversation, at.Seq, client.String, splitFiles(files.String)
	l.Group, l.PairA, l.PairB = t.group, t.pairA, t.pairB
	return l, nil
}

// isPresent returns ErrNotYours to who has left: those only look on.
func isPresent(t *talk, account string) error {
	if _, ok := t.stay(account); !ok {
		return fmt.Errorf("no longer a member: %w", ErrNotYours)
	}
	return nil
}

// mayTell returns an error unless account may tell the others of a conversation something.
func (b *batch) mayTell(t *talk, account string) error {
	if err := isPresent(t, account); err != nil || t.group != "" {
		return err
	}
	return b.mayWrite(account, [2]string{t.pairA, t.pairB}, t)
}

// Edit is a new text for a message.
type Edit struct {
	By       string
	Place    Place
	Text     string
	Files    []string // names of files the text names, in that order
	Mentions []string // as in Draft
}

// Edit changes the text of By's own message and returns at once; done is called after the commit.
// ErrNotFound: no such message that By sees, or it was deleted. ErrNotYours: another's, no text, or By has
// left. ErrRefused: the other takes nothing from By. ErrForbidden: a file that By may not read.
func (s *Store) Edit(e Edit, done func(Amended, error)) {
	e.Files, e.Mentions = inOrder(e.Files), unique(e.Mentions)
	s.writer.enqueue(&amendment{by: e.By, place: e.Place, done: done, act: func(a *amendment, b *batch, l *line, t *talk) error {
		return a.edit(b, l, t, e)
	}})
}

func (a *amendment) edit(b *batch, l *line, t *talk, e Edit) error {
	if l.Kind == KindDeleted {
		return fmt.Errorf("deleted: %w", ErrNotFound)
	}
	if l.Author != a.by || l.Kind != KindText {
		return fmt.Errorf("edit: %w", ErrNotYours)
	}
	if err := b.mayTell(t, a.by); err != nil {
		return err
	}
	left, err := b.withoutGone(e.Files, l.files)
	if err != nil {
		return err
	}
	files, err := b.mayName(a.by, left)
	if err != nil {
		return err
	}
	kept, mentioned, err := b.mentioned(t, a.by, e.Mentions)
	if err != nil {
		return err
	}
	was := ReadAlong(l.Carry)
	if l.Text == e.Text && slices.Equal(was.Mentions, kept) {
		return nil
	}
	if err := b.fasten(files); err != nil {
		return err
	}
	l.keepFirst()
	l.Text, l.Edited, l.Carry = e.Text, b.now, along(nil, was.Reply, kept, kept, files)
	if err := b.rewrite(l, unique(left)); err != nil {
		return err
	}
	if len(was.Mentions) > 0 || len(mentioned) > 0 {
		if err := b.replaceMentions(l, mentioned); err != nil {
			return err
		}
	}
	if _, err := b.exec(wNewEdited, l.Conversation, l.posted, l.Seq); err != nil {
		return fmt.Errorf("note edited message: %w", err)
	}
	a.changed(&l.Message, l.Change)
	return nil
}

// keepFirst keeps what was first sent, so that it may be sent again.
func (l *line) keepFirst() {
	if l.ClientID != "" && l.firstDigest == nil {
		l.firstDigest = digest(l.Kind, l.Text, l.Carry, l.files)
	}
}

// rewrite stores l as it is now, with other files, under a change of its own.
func (b *batch) rewrite(l *line, files []string) (err error) {
	if l.Change, err = b.nextChange(); err != nil {
		return err
	}
	if _, err := b.exec(wRewrite, l.Kind, l.Text, nullBytes(l.Carry), nullString(joinFiles(files)), l.Change, l.Edited, nullBlob(l.firstDigest), l.id); err != nil {
		return fmt.Errorf("rewrite message: %w", err)
	}
	for _, file := range l.files {
		if _, err := b.exec(wDropGrant, file, l.Conversation, l.Seq); err != nil {
			return fmt.Errorf("withdraw file: %w", err)
		}
	}
	for _, file := range files {
		if _, err := b.exec(wNewGrant, file, l.Conversation, l.Seq); err != nil {
			return fmt.Errorf("grant file: %w", err)
		}
	}
	for _, file := range l.files {
		if slices.Contains(files, file) {
			continue
		}
		if err := b.loosen(file); err != nil {
			return err
		}
	}
	if _, err := b.exec(wIndexAgain, l.id); err != nil {
		return fmt.Errorf("note for the index: %w", err)
	}
	b.touch(l.Conversation, l.Change)
	return nil
}

func (b *batch) replaceMentions(l *line, accounts []string) error {
	if _, err := b.exec(wDropMentions, l.Conversation, l.Seq); err != nil {
		return fmt.Errorf("drop mentions: %w", err)
	}
	args := make([]any, 0, 3*len(accounts))
	for _, account := range accounts {
		args = append(args, account, l.Conversation, l.Seq)
	}
	if err := b.w.multis[mMentions].exec(b.ctx, args); err != nil {
		return fmt.Errorf("note mentions: %w", err)
	}
	return nil
}

// Delete takes a message away: for by alone, or, from its author or a group's admin, for all. It returns
// at once; done is called after the commit. ErrNotFound: no such message that by sees. ErrNotYours: not by's
// to delete for all.
func (s *Store) Delete(by string, at Place, all bool, done func(Amended, error)) {
	act := (*amendment).hide
	if all {
		act = (*amendment).erase
	}
	s.writer.enqueue(&amendment{by: by, place: at, done: done, act: act})
}

func (a *amendment) hide(b *batch, l *line, _ *talk) error {
	if _, err := b.exec(wHide, a.by, l.Conversation, l.Seq); err != nil {
		return fmt.Errorf("hide message: %w", err)
	}
	if _, err := b.exec(wDropMention, a.by, l.Conversation, l.Seq); err != nil {
		return fmt.Errorf("drop mention: %w", err)
	}
	change, err := b.noteAccount(a.by, "delete", map[string]string{"for": "me", "message_id": l.ID(),
		"conversation": fmt.Sprint(l.Conversation), "seq": fmt.Sprint(l.Seq)})
	if err != nil {
		return err
	}
	a.changed(&l.Message, change)
	a.result.OnlyFor, a.result.Recipients = true, []string{a.by}
	return nil
}

func (a *amendment) erase(b *batch, l *line, t *talk) error {
	if err := isPresent(t, a.by); err != nil {
		return err
	}
	if l.Author != a.by {
		admin, err := b.isAdmin(t, a.by)
		if err != nil {
			return err
		}
		if !admin {
			return fmt.Errorf("delete for all: %w", ErrNotYours)
		}
	}
	switch l.Kind {
	case KindDeleted:
		return nil
	case KindText, KindVoice:
	default:
		return fmt.Errorf("a record stays: %w", ErrNotYours)
	}
	l.keepFirst()
	l.Kind, l.Text, l.Carry, l.Edited = KindDeleted, "", nil, 0
	if err := b.rewrite(l, nil); err != nil {
		return err
	}
	for _, drop := range []writeQuery{wDropMentions, wDropReactions} {
		if _, err := b.exec(drop, l.Conversation, l.Seq); err != nil {
			return fmt.Errorf("drop what hung on it: %w", err)
		}
	}
	a.changed(&l.Message, l.Change)
	return nil
}
