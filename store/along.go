package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Everybody stands in Mentions for all members.
const Everybody = "all"

// smallGroup is up to how many members a group is told of receipts, and anybody may mention all.
const smallGroup = 50

// Along is what the store itself puts into a message's Carry.
type Along struct {
	Reply    int64    `json:"reply"`    // seq of the message it answers; 0: none
	Mentions []string `json:"mentions"` // members, or Everybody
	// Files are those that it names, in that order, as they were when it was sent or edited. Messages of older releases have none.
	Files []FileInfo `json:"file_info"`
}

// ReadAlong reads it; a Carry without is the zero Along.
func ReadAlong(carry []byte) (a Along) {
	if len(carry) > 0 && json.Unmarshal(carry, &a) != nil {
		return Along{}
	}
	return a
}

// along adds to a Carry what a message answers and mentions, and what its files are. Where not all were kept that were
// asked for, those are noted too: sent again, it is compared with what was asked.
func along(carry []byte, reply int64, kept, wanted []string, files []named) []byte {
	if reply == 0 && len(wanted) == 0 && len(files) == 0 {
		return carry
	}
	b := []byte("{")
	if len(carry) > 2 {
		b = append(append(b, carry[1:len(carry)-1]...), ',')
	}
	if reply != 0 {
		b = append(strconv.AppendInt(append(b, `"reply":`...), reply, 10), ',')
	}
	b = appendNames(b, "mentions", kept)
	if !slices.Equal(kept, wanted) {
		b = appendNames(b, "asked", wanted)
	}
	b = appendFileInfo(b, files)
	return append(bytes.TrimSuffix(b, []byte(",")), '}')
}

func appendFileInfo(b []byte, files []named) []byte {
	if len(files) == 0 {
		return b
	}
	infos := make([]FileInfo, len(files))
	for i := range files {
		infos[i] = files[i].FileInfo
	}
	list, err := json.Marshal(infos)
	if err != nil {
		panic(err) // strings and numbers are always encoded
	}
	return append(append(append(b, `"file_info":`...), list...), ',')
}

func appendNames(b []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	list, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings are always encoded
	}
	b = append(strconv.AppendQuote(b, name), ':')
	return append(append(b, list...), ',')
}

// asked is a Carry as it was asked for, in one form; nil: with nothing.
func asked(carry []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(carry, &fields) != nil {
		return carry
	}
	if all, ok := fields["asked"]; ok {
		fields["mentions"] = all
		delete(fields, "asked")
	}
	if delete(fields, "file_info"); len(fields) == 0 {
		return nil
	}
	form, err := json.Marshal(fields)
	if err != nil {
		return carry
	}
	return form
}

// digest tells what was sent from anything else.
func digest(kind, text string, carry []byte, files []string) []byte {
	h := sha256.New()
	for _, part := range []string{kind, text, string(asked(carry)), joinFiles(files)} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return h.Sum(nil)
}

// mentioned tells which of the wanted are kept, and which accounts they are, the author left out.
func (b *batch) mentioned(t *talk, author string, wanted []string) (kept, accounts []string, err error) {
	for _, name := range wanted {
		if name != Everybody {
			if _, ok := t.stay(name); ok {
				kept, accounts = append(kept, name), append(accounts, name)
			}
			continue
		}
		may, err := b.mayMentionAll(t, author)
		if err != nil {
			return nil, nil, err
		}
		if may {
			kept, accounts = append(kept, name), append(accounts, t.present...)
		}
	}
	if accounts == nil {
		return kept, nil, nil
	}
	return kept, without(unique(accounts), author), nil
}

func (b *batch) mayMentionAll(t *talk, author string) (bool, error) {
	if len(t.present) <= smallGroup {
		return true, nil
	}
	return b.isAdmin(t, author)
}

// isAdmin tells whether account is an admin or the creator of the group; nobody is of a pair.
func (b *batch) isAdmin(t *talk, account string) (bool, error) {
	if t.group == "" {
		return false, nil
	}
	if _, ok := t.stay(account); !ok {
		return false, nil
	}
	var permissions string
	if err := b.queryRow(wPermissions, t.group, account).Scan(&permissions); err != nil {
		return false, fmt.Errorf("read permissions: %w", err)
	}
	return permissions != "member", nil
}

// mayReply returns ErrNotFound unless what the draft answers is where it goes, and its author sees it.
func (p *post) mayReply(b *batch, places []place) error {
	to := p.draft.Reply
	if to.Seq == 0 {
		return nil
	}
	if len(places) != 1 || places[0].talk == nil || places[0].talk.id != to.Conversation {
		return fmt.Errorf("reply: %w", ErrNotFound)
	}
	l, err := b.line(p.draft.Author, to)
	if err != nil {
		return err
	}
	if l.Kind == KindDeleted {
		return fmt.Errorf("reply: %w", ErrNotFound)
	}
	return nil
}
