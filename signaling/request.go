package signaling

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

// requestTimeout bounds what one request may take.
const requestTimeout = 30 * time.Second

// request is one message of a client, on its way through a command.
type request struct {
	c    *conn
	m    wire.Message
	body *wire.Reader // what follows the message in its frame
	kind string       // message_type, or the URL's default
	verb string       // type, or POST
	task string       // task_id where it was sent and can be echoed
	said string       // message_type where it was sent and can be echoed
}

func newRequest(c *conn, m wire.Message, r *wire.Reader) *request {
	q := &request{c: c, m: m, body: r, kind: c.def, verb: "POST"}
	q.task, q.said = echoable(m.Get("task_id")), echoable(m.Get("message_type"))
	if v, ok := m.Lookup("message_type"); ok {
		q.kind = v
	}
	if v, ok := m.Lookup("type"); ok {
		q.verb = v
	}
	return q
}

// echoable returns v if it may stand in an answer: short, and without control characters.
func echoable(v string) string {
	if len(v) > wire.MaxName || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return v
}

// begin counts a send in that will be answered from the database's side; false:
// the connection has ended. Its answer stays in order: other commands wait for it.
func (q *request) begin() bool {
	select {
	case q.c.open <- struct{}{}:
		q.c.sends.Add(1)
		return true
	case <-q.c.ctx.Done():
		return false
	}
}

// end counts the send out, after its answer.
func (q *request) end() {
	<-q.c.open
	q.c.sends.Done()
}

// run checks what every command needs and runs it. Answers leave in the order of
// the requests: what is answered at once waits for the sends before it.
func (q *request) run() {
	var cmd command
	err := q.allowed()
	if err == nil {
		cmd, err = q.command()
	}
	if err == nil {
		if !cmd.ordered {
			q.c.sends.Wait()
		}
		err = cmd.run(q)
	}
	if err != nil {
		q.c.sends.Wait()
		q.refuse(err)
	}
}

// refusal is an error that the client is told as it stands.
func refusal(stat int, reason string) error { return &wire.Error{Stat: stat, Reason: reason} }

// command finds what to run, or why nothing may be.
func (q *request) command() (command, error) {
	verbs, known := q.c.srv.commands[q.kind]
	cmd, has := verbs[q.verb]
	account, said := q.m.Lookup("user_account")
	switch {
	case !q.c.loggedIn.Load() && q.kind != "login" && q.kind != "registered" && !(q.kind == "guest" && q.verb == "POST"):
		return cmd, errLogin()
	case q.task != q.m.Get("task_id"):
		return cmd, refusal(wire.StatBadRequest, "task_id has at most 64 bytes and no control characters")
	case q.kind == "":
		return cmd, refusal(wire.StatBadRequest, "message_type is missing")
	case !known:
		return cmd, refusal(wire.StatBadRequest, "this message_type is not known here")
	case !has:
		return cmd, refusal(wire.StatBadRequest, "this message_type has no such type; one of "+verbNames(verbs))
	case q.c.guest && !cmd.guests:
		return cmd, errGuest()
	case said && account != q.c.account && !cmd.names:
		return cmd, refusal(wire.StatForbidden, "user_account is not the account logged in on this connection")
	}
	return cmd, nil
}

func errLogin() error {
	return refusal(wire.StatLogin, "log in first: message_type: login with user_account and user_password")
}

// context bounds the request's work on the database and elsewhere.
func (q *request) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(q.c.ctx, requestTimeout)
}

// head begins an answer: task_id, message_type, type, stat.
func (q *request) head(stat int) []byte {
	q.c.srv.counts.answered(q.kind, stat)
	b := make([]byte, 0, 192)
	if q.task != "" {
		b = wire.Append(b, "task_id", q.task)
	}
	if q.said != "" {
		b = wire.Append(b, "message_type", q.said)
	}
	if v := echoable(q.m.Get("type")); v != "" && v != "POST" {
		b = wire.Append(b, "type", v)
	}
	return wire.AppendInt(b, "stat", int64(stat))
}

// fail answers an error; reason is for the client's author or user to read.
func (q *request) fail(stat int, reason string) {
	q.c.answer(item{data: wire.End(wire.Append(q.head(stat), "reason", reason))})
}

// ok answers 200 with further lines, given as name, value, name, value.
func (q *request) ok(lines ...string) {
	b := q.head(wire.StatOK)
	for i := 0; i+1 < len(lines); i += 2 {
		if lines[i+1] != "" {
			b = wire.Append(b, lines[i], lines[i+1])
		}
	}
	q.c.answer(item{data: wire.End(b)})
}

// list answers 200 with count items, which items holds encoded; more says that there are further ones.
func (q *request) list(count int, items []byte, more bool) {
	b := wire.AppendInt(q.head(wire.StatOK), "count", int64(count))
	if more {
		b = wire.Append(b, "more", "yes")
	}
	q.c.answer(item{data: append(wire.End(b), items...)})
}

// refuse answers an error of the store or of the media with the stat and the words that fit it.
func (q *request) refuse(err error) {
	var mistake *wire.Error
	var often *tooOften
	switch {
	case errors.As(err, &mistake):
		q.fail(mistake.Stat, mistake.Reason)
	case errors.As(err, &often):
		q.c.srv.counts.refused[often.of].Add(1)
		b := wire.Append(q.head(wire.StatTooOften), "reason", often.Error())
		q.c.answer(item{data: wire.End(wire.Append(b, "retry_after", often.seconds()))})
	case errors.Is(err, store.ErrNotFound):
		q.fail(wire.StatNotFound, "no such thing, or none that you may know of")
	case errors.Is(err, store.ErrExists):
		q.fail(wire.StatConflict, "exists already")
	case errors.Is(err, store.ErrConflict):
		q.fail(wire.StatConflict, "was sent before with other content")
	case errors.Is(err, store.ErrForbidden):
		q.fail(wire.StatForbidden, "you may not read a file that this names; write &lt;file> to mean the characters")
	case errors.Is(err, store.ErrRefused):
		q.fail(wire.StatForbidden, "this person takes no messages, calls or questions from you")
	case errors.Is(err, store.ErrPermissions):
		q.fail(wire.StatForbidden, "your permissions in this group do not cover that; its creator may hand over, dissolve, and make admins, admins describe it and remove members")
	case errors.Is(err, store.ErrNotYours):
		q.fail(wire.StatForbidden, "this is not yours to do")
	case errors.Is(err, store.ErrSuspended):
		q.fail(wire.StatForbidden, "this account is suspended; ask the server's operator")
	case errors.Is(err, store.ErrTooLarge):
		q.fail(wire.StatTooLarge, "too many")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		q.fail(wire.StatUnavailable, "the server cannot do this now; try again, a send with the same client_message_id")
	default:
		q.c.srv.failed(q.c.ctx, "answering "+q.kind, err)
		q.fail(wire.StatFailed, "the server failed; nothing was done")
	}
}

// friends returns the accounts that the message names, each once; an *Error if one cannot be an account.
func (q *request) friends() ([]string, error) { return q.accounts("friends", 1000) }

// accounts returns the accounts in a line, at most so many, each once; an *Error if one cannot be an account.
func (q *request) accounts(name string, most int) ([]string, error) {
	v := q.m.Get(name)
	if v == "" {
		return nil, nil
	}
	names := strings.Split(v, ",")
	if len(names) > most {
		return nil, refusal(wire.StatBadRequest, name+" names more than "+strconv.Itoa(most)+" accounts")
	}
	seen := make(map[string]bool, len(names))
	unique := names[:0]
	for _, n := range names {
		if n = strings.TrimSpace(n); !wire.ValidAccount(n) {
			return nil, refusal(wire.StatBadRequest, name+" names something that cannot be an account")
		}
		if !seen[n] {
			seen[n] = true
			unique = append(unique, n)
		}
	}
	return unique, nil
}

// place returns which message a line names; a message_id is a conversation and a seq.
func (q *request) place(name string) (store.Place, error) {
	before, after, _ := strings.Cut(q.m.Get(name), "-")
	conversation, err := strconv.ParseUint(before, 10, 63)
	seq, err2 := strconv.ParseUint(after, 10, 63)
	if err != nil || err2 != nil || seq == 0 {
		return store.Place{}, refusal(wire.StatBadRequest, name+" must be the message_id of a message, like 12-7")
	}
	return store.Place{Conversation: int64(conversation), Seq: int64(seq)}, nil
}

// number returns the value of name as a number ≥ 0, or def where it is missing.
func (q *request) number(name string, def int64) (int64, error) {
	v, ok := q.m.Lookup(name)
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, refusal(wire.StatBadRequest, name+" must be a whole number, not negative")
	}
	return n, nil
}

// numbers reads several numbers at once, each missing one 0.
func (q *request) numbers(names ...string) ([]int64, error) {
	out := make([]int64, len(names))
	for i, name := range names {
		n, err := q.number(name, 0)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// targets returns whom a message is for: friends, group_id or conversation, exactly one of them.
func (q *request) targets() ([]store.Target, error) {
	accounts, err := q.friends()
	if err != nil {
		return nil, err
	}
	var to []store.Target
	for _, a := range accounts {
		to = append(to, store.Target{Account: a})
	}
	ways := min(len(to), 1)
	if g := q.m.Get("group_id"); g != "" {
		to, ways = append(to, store.Target{Group: g}), ways+1
	}
	if _, ok := q.m.Lookup("conversation"); ok {
		id, err := q.number("conversation", 0)
		if err != nil {
			return nil, err
		}
		to, ways = append(to, store.Target{Conversation: id}), ways+1
	}
	if ways != 1 {
		return nil, refusal(wire.StatBadRequest, "say for whom: one of friends, group_id, conversation")
	}
	return to, nil
}

// text returns a value that must be there, of at most limit bytes.
func (q *request) text(name string, limit int) (string, error) {
	v := q.m.Get(name)
	switch {
	case v == "":
		return "", refusal(wire.StatBadRequest, name+" is missing")
	case len(v) > limit:
		return "", refusal(wire.StatTooLarge, name+" has at most "+strconv.Itoa(limit)+" bytes")
	}
	return v, nil
}
