package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
)

// maxTargets bounds the conversations one Draft goes to.
const maxTargets = 1000

// Target is where a message goes: exactly one field is set.
type Target struct {
	Account      string
	Group        string
	Conversation int64
}

// Draft is a message to be sent. The store keeps its slices until it is done.
type Draft struct {
	Author string
	To     []Target // at most 1,000; a conversation named twice gets one message
	Kind   string   // the protocol's message_type
	Text   string
	Carry  []byte   // a JSON object of what comes along, or nil; reply, mentions, asked and file_info in it are the store's
	Files  []string // names of files the text names, in that order
	// Record: it tells what has happened, so the author need not be let write there by the other of a pair.
	Record bool
	// Reply is the message this one answers, in the one conversation it goes to; zero: none.
	Reply Place
	// Mentions are accounts, or Everybody. Those that are no members are dropped, and Everybody where
	// the author may not mention all.
	Mentions []string
	// ClientID makes the send idempotent for its author; "" does not.
	ClientID string
}

// Place is where a message stands.
type Place struct{ Conversation, Seq int64 }

// Message is a stored line of a conversation. One that was handed out is
// shared: do not change it.
type Message struct {
	Conversation int64
	Seq          int64 // rises by one within the conversation, from 1
	Change       int64 // rises over all conversations, and when it is edited or deleted
	Author       string
	Kind         string
	Text         string
	Carry        []byte // JSON or nil
	Time         int64  // Unix ms
	Edited       int64  // Unix ms; 0: never
	ClientID     string // the author's own; not for others
	Hidden       bool   // the reader deleted it for itself: Kind is KindDeleted
	Tallies      []Tally
	Group        string // "" in a pair
	PairA, PairB string // the two of a pair, in byte order; equal for notes to oneself
}

// ID is the public name of the message: "<conversation>-<seq>".
func (m *Message) ID() string {
	return strconv.FormatInt(m.Conversation, 10) + "-" + strconv.FormatInt(m.Seq, 10)
}

// Peer is the other one of a pair as account sees it ("" in a group).
func (m *Message) Peer(account string) string {
	if m.PairA == account {
		return m.PairB
	}
	return m.PairA
}

// Posted is a message and whom it concerns.
type Posted struct {
	Message
	// Recipients are the members at that moment, the author included. Shared: read only.
	Recipients []string
	// Repeated: it was stored before (the same ClientID, or an earlier target of
	// the same draft leads to the same conversation). Answer, but deliver nothing.
	Repeated bool
}

// post is a Draft on its way.
type post struct {
	draft   Draft
	named   []string // draft.Files in their order
	done    func([]Posted, error)
	results []result // one per target
}

// result is a Posted whose message may still wait for its seq.
type result struct {
	message    *Message
	recipients []string
	repeated   bool
}

func posted(results []result) []Posted {
	all := make([]Posted, len(results))
	for i, r := range results {
		all[i] = Posted{*r.message, r.recipients, r.repeated}
	}
	return all
}

// Post sends d and returns at once; done is called after the commit with one
// Posted per target, in order, or an error: all of it is stored, or nothing.
//
//   - ErrNotFound: an account, group or conversation that does not exist, or that
//     the author is not a member of, or a Reply to what the author cannot see there.
//   - ErrRefused: an account that takes nothing from the author.
//   - ErrForbidden: a file that does not exist, or that the author may not read.
//   - ErrConflict: the ClientID stands for other content or other targets.
//   - ErrTooLarge: too many targets.
//   - ErrUnavailable: unknown; send again with the same ClientID. When the queue
//     is full or the store closed, done is called from within Post.
//
// A pair's conversation begins with its first message. The author has read what
// the author sent. Naming a file gives the conversation's members the right to it.
func (s *Store) Post(d Draft, done func([]Posted, error)) {
	named := inOrder(d.Files)
	d.Files, d.Mentions = unique(d.Files), unique(d.Mentions)
	s.writer.enqueue(&post{draft: d, named: named, done: done})
}

func (p *post) changes() int { return min(len(p.draft.To), maxTargets) }

func (p *post) finish(err error) {
	if err != nil {
		p.done(nil, err)
		return
	}
	p.done(posted(p.results), nil)
}

func (p *post) run(b *batch) error {
	p.results = make([]result, 0, len(p.draft.To))
	if len(p.draft.To) == 0 {
		return fmt.Errorf("no recipient: %w", ErrNotFound)
	}
	if len(p.draft.To) > maxTargets {
		return fmt.Errorf("%d recipients: %w", len(p.draft.To), ErrTooLarge)
	}
	if p.draft.ClientID != "" {
		if stored := b.byClient[clientKey{p.draft.Author, p.draft.ClientID}]; stored != nil {
			return p.repeat(stored)
		}
	}
	err := p.send(b)
	if err == nil || !isDomain(err) || b.lookedUp || p.draft.ClientID == "" {
		return err
	}
	return p.refused(b, err)
}

// refused looks whether what may not be sent now was sent when it still might.
func (p *post) refused(b *batch, refusal error) error {
	key := clientKey{p.draft.Author, p.draft.ClientID}
	b.args = append(b.args[:0], key.author, key.id)
	if err := b.readSent(); err != nil {
		return err
	}
	if stored := b.byClient[key]; stored != nil {
		p.results = p.results[:0]
		return p.repeat(stored)
	}
	return refusal
}

// send checks everything first, so that a refusal has written nothing.
func (p *post) send(b *batch) error {
	places := make([]place, len(p.draft.To))
	for i, to := range p.draft.To {
		var err error
		if places[i], err = b.resolve(&p.draft, to); err != nil {
			return err
		}
	}
	files, err := b.mayName(p.draft.Author, p.named)
	if err != nil {
		return err
	}
	if err := p.mayReply(b, places); err != nil {
		return err
	}
	if err := b.fasten(files); err != nil {
		return err
	}
	for _, place := range places {
		t := place.talk
		if t == nil {
			var err error
			if t, err = b.makePair(place.pair); err != nil {
				return err
			}
		}
		if err := p.add(b, t, files); err != nil {
			return err
		}
	}
	return nil
}

// add stages the message for t, once.
func (p *post) add(b *batch, t *talk, files []named) error {
	for _, r := range p.results {
		if r.message.Conversation == t.id {
			p.results = append(p.results, result{r.message, r.recipients, true})
			return nil
		}
	}
	d := &p.draft
	part := 0 // of those that share the client id, which is what the database tells them apart by
	for _, r := range p.results {
		if !r.repeated {
			part++
		}
	}
	kept, mentioned, err := b.mentioned(t, d.Author, d.Mentions)
	if err != nil {
		return err
	}
	m := &Message{Author: d.Author, Kind: d.Kind, Text: d.Text, Carry: along(d.Carry, d.Reply.Seq, kept, d.Mentions, files), ClientID: d.ClientID}
	if err := b.stage(t, m, d.Files, mentioned); err != nil {
		return err
	}
	b.staged[len(b.staged)-1].part = part
	p.results = append(p.results, result{m, t.present, false})
	return nil
}

// place is a resolved target; without a talk the pair's conversation is yet to be made.
type place struct {
	talk *talk
	pair [2]string
}

// resolve finds where author may write.
func (b *batch) resolve(d *Draft, to Target) (place, error) {
	author := d.Author
	switch {
	case to.Account != "":
		return b.resolvePair(d, ordered(author, to.Account))
	case to.Group != "":
		t, err := b.group(to.Group)
		return b.present(t, err, author)
	default:
		t, err := b.talk(to.Conversation)
		p, err := b.present(t, err, author)
		if err == nil && t.group == "" && !d.Record {
			err = b.mayWrite(author, [2]string{t.pairA, t.pairB}, t)
		}
		return p, err
	}
}

func (b *batch) present(t *talk, err error, account string) (place, error) {
	if err != nil {
		return place{}, err
	}
	if _, ok := t.stay(account); !ok {
		return place{}, fmt.Errorf("conversation: %w", ErrNotFound)
	}
	return place{talk: t}, nil
}

func (b *batch) resolvePair(d *Draft, pair [2]string) (place, error) {
	t, err := b.pair(pair)
	if err == nil && !d.Record {
		err = b.mayWrite(d.Author, pair, t)
	}
	if t == nil && err == nil {
		err = b.accounts(pair[:]) // of notes to oneself and of records mayWrite looked at nobody
	}
	return place{talk: t, pair: pair}, err
}

// repeat answers a draft whose ClientID was used before: with what was stored,
// or with ErrConflict if it says something else or goes elsewhere.
func (p *post) repeat(stored []*staged) error {
	used := map[*staged]bool{}
	for _, to := range p.draft.To {
		i := slices.IndexFunc(stored, func(m *staged) bool { return m.talk.is(to, p.draft.Author) })
		if i < 0 || !p.same(stored[i]) {
			return fmt.Errorf("client id: %w", ErrConflict)
		}
		used[stored[i]] = true
		p.results = append(p.results, result{stored[i].Message, stored[i].talk.present, true})
	}
	if len(used) != len(stored) {
		return fmt.Errorf("client id: %w", ErrConflict)
	}
	return nil
}

func (p *post) same(m *staged) bool {
	d := &p.draft
	carry := along(d.Carry, d.Reply.Seq, d.Mentions, d.Mentions, nil)
	if m.firstDigest != nil {
		return bytes.Equal(m.firstDigest, digest(d.Kind, d.Text, carry, d.Files))
	}
	return m.Kind == d.Kind && m.Text == d.Text && slices.Equal(m.files, d.Files) &&
		(bytes.Equal(m.Carry, carry) || bytes.Equal(asked(m.Carry), asked(carry)))
}

// is tells whether author's target leads to this conversation.
func (t *talk) is(to Target, author string) bool {
	switch {
	case to.Account != "":
		return t.group == "" && [2]string{t.pairA, t.pairB} == ordered(author, to.Account)
	case to.Group != "":
		return t.group == to.Group
	}
	return t.id == to.Conversation
}

// carefully is for how many batches sent messages are looked up after one was sent again.
const carefully = 64

// lookUpSent reads, for the whole batch at once, what was already sent under the client ids in it. Hardly
// anything ever was, and looking costs much: so it is done only after the database has refused a
// client id, for this batch and some more.
func (b *batch) lookUpSent(jobs []job) error {
	b.lookedUp = b.w.careful > 0
	if !b.lookedUp {
		return nil
	}
	b.w.careful--
	b.args = b.args[:0]
	for _, j := range jobs {
		if p, ok := j.op.(*post); ok && p.draft.ClientID != "" {
			b.args = append(b.args, p.draft.Author, p.draft.ClientID)
		}
	}
	return b.readSent()
}

// readSent reads what was sent under the authors and client ids in args.
func (b *batch) readSent() error {
	var found []*staged
	err := b.w.multis[mSent].each(b.args, func(stmt *sql.Stmt, piece []any) error {
		some, err := collect(b.ctx, stmt, scanSent, piece...)
		found = append(found, some...)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for client ids: %w", err)
	}
	return b.rememberSent(found)
}

func (b *batch) rememberSent(found []*staged) (err error) {
	for _, m := range found {
		key := clientKey{m.Author, m.ClientID}
		again := func(known *staged) bool { return known.Conversation == m.Conversation }
		if slices.ContainsFunc(b.byClient[key], again) {
			continue // two operations asked for it, in different statements
		}
		if m.talk, err = b.talk(m.Conversation); err != nil {
			return err
		}
		m.Group, m.PairA, m.PairB = m.talk.group, m.talk.pairA, m.talk.pairB
		b.byClient[key] = append(b.byClient[key], m)
	}
	return nil
}

func scanSent(row scanner) (*staged, error) {
	m := &staged{Message: &Message{}}
	var files sql.NullString
	err := row.Scan(&m.Author, &m.ClientID, &m.Conversation, &m.Seq, &m.Change, &m.Kind, &m.Text, &m.Carry, &files, &m.Time, &m.firstDigest)
	m.files = splitFiles(files.String)
	return m, err
}
