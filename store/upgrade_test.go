package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// firstRows are what a server with schema 1 left: a pair, a group that b left and came back to and that c left,
// a file, sessions, and texts that b's plain device has not been delivered.
var firstRows = [...]string{
	"INSERT INTO users (user_account, password_hash, user_name, registration_time, suspended) VALUES ('a', ?, 'Ann', 1000, 0), ('b', '', 'Bob', 2000, 0), ('c', '', '', 3000, 1)",
	"INSERT INTO sessions (token_hash, user_account, device, create_time) VALUES (?, 'a', 'phone', ?)",
	"INSERT INTO devices (user_account, device, delivered_change) VALUES ('b', '', 1), ('a', '', 7)",
	"INSERT INTO chat_groups (group_id, name, introduction, founder, create_time) VALUES ('gggggggggg', 'garden', 'about', 'a', 4000)",
	"INSERT INTO group_members (group_id, user_account, permissions, join_time) VALUES ('gggggggggg', 'a', 'creator', 4000), ('gggggggggg', 'b', 'member', 4500)",
	"INSERT INTO conversations (id, kind, pair_a, pair_b, group_id, last_seq, last_change) VALUES (1, 'pair', 'a', 'b', NULL, 2, 2), (2, 'group', NULL, NULL, 'gggggggggg', 5, 7)",
	`INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq) VALUES
		(1, 'a', 0, 9223372036854775807, 9223372036854775807, 2), (1, 'b', 0, 9223372036854775807, 9223372036854775807, 1),
		(2, 'a', 0, 9223372036854775807, 9223372036854775807, 5), (2, 'b', 0, 2, 4, 1), (2, 'b', 3, 9223372036854775807, 9223372036854775807, 4),
		(2, 'c', 0, 3, 5, 3)`,
	`INSERT INTO messages (conversation, seq, change_no, author, kind, message, carry, file, create_time, client_message_id) VALUES
		(1, 1, 1, 'a', 'text', 'read', NULL, 'a_1_x.png', 5001, 'one'), (1, 2, 2, 'a', 'text', 'unread', NULL, NULL, 5002, NULL),
		(2, 1, 3, 'a', 'member_record', '', '{"event":"created","friends":["b","c"]}', NULL, 5003, NULL),
		(2, 2, 4, 'b', 'member_record', '', '{"event":"left","friends":["b"]}', NULL, 5004, NULL),
		(2, 3, 5, 'c', 'member_record', '', '{"event":"left","friends":["c"]}', NULL, 5005, NULL),
		(2, 4, 6, 'a', 'member_record', '', '{"event":"invited","friends":["b"]}', NULL, 5006, NULL),
		(2, 5, 7, 'a', 'text', 'welcome back', NULL, NULL, 5007, 'two')`,
	"INSERT INTO files (name, owner, hash, size, content_type, create_time) VALUES ('a_1_x.png', 'a', 'h', 7, 'image/png', 5000)",
	"INSERT INTO file_grants (file, conversation, seq) VALUES ('a_1_x.png', 1, 1)",
	"UPDATE counters SET value = 7 WHERE name = 'change'",
}

const firstToken = "a token of schema 1"

// makeFirst makes a database as a server with schema 1 did.
func makeFirst(t *testing.T) (name string) { return makeOld(t, 1, firstRows[:]) }

// makeOld makes a database of a schema, with rows: the first statement takes a's password, the second a token and when it was used.
func makeOld(t *testing.T, version int64, rows []string) (name string) {
	t.Helper()
	name = databases.Own(t)
	d, err := dialectOf(name)
	if err == nil {
		err = d.prepare()
	}
	if err == nil {
		err = migrate(t.Context(), d, version, silent)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := d.openMigrator()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h, err := newHasher(cheap, 1)
	if err != nil {
		t.Fatal(err)
	}
	password, err := h.hash(t.Context(), "password of a")
	if err != nil {
		t.Fatal(err)
	}
	for i, statement := range rows {
		var args []any
		switch i {
		case 0:
			args = []any{password}
		case 1:
			args = []any{tokenHash(firstToken), time.Now().UnixMilli()} // sessions end that were not used for long
		}
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
	return name
}

// Nobody loses anything when the first release's database is opened by this one.
func TestUpgradeFromTheFirstSchema(t *testing.T) {
	s := openAt(t, makeFirst(t))
	if u, err := s.CheckPassword(t.Context(), "a", "password of a"); err != nil || u.Name != "Ann" || u.RegistrationTime.UnixMilli() != 1000 {
		t.Errorf("a is %+v, %v", u, err)
	}
	if u, err := s.User(t.Context(), "c"); err != nil || !u.Suspended {
		t.Errorf("c is %+v, %v", u, err)
	}
	for what, c := range map[string]struct {
		account      string
		conversation int64
		want         string
	}{
		"a pair":                   {"b", 1, "[1 read 2 unread]"},
		"a group":                  {"a", 2, `[1 {"event":"created","friends":["b","c"]} 2 {"event":"left","friends":["b"]} 3 {"event":"left","friends":["c"]} 4 {"event":"invited","friends":["b"]} 5 welcome back]`},
		"a group one came back to": {"b", 2, `[1 {"event":"created","friends":["b","c"]} 2 {"event":"left","friends":["b"]} 4 {"event":"invited","friends":["b"]} 5 welcome back]`},
		"a group one has left":     {"c", 2, `[1 {"event":"created","friends":["b","c"]} 2 {"event":"left","friends":["b"]} 3 {"event":"left","friends":["c"]}]`},
	} {
		if got := fmt.Sprint(history(t, s, c.account, c.conversation)); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	undelivered, err := waiting(t, s, "b", "")
	if got := fmt.Sprint(texts(undelivered)); err != nil || len(undelivered) != 4 || undelivered[0].Text != "unread" || undelivered[3].Text != "welcome back" {
		t.Errorf("b waits for %s, %v", got, err)
	}
	if session, err := s.Session(t.Context(), firstToken); err != nil || session.Account != "a" || session.Device != "phone" {
		t.Errorf("the session is %+v, %v", session, err)
	}
	if f, err := s.ReadableFile(t.Context(), "b", "a_1_x.png"); err != nil || f.Size != 7 {
		t.Errorf("the file is %+v, %v", f, err)
	}
	if got := members(t, s, "a", "gggggggggg"); got != "a=creator b=member" {
		t.Errorf("the group's members are %s", got)
	}
	continuesAfterUpgrade(t, s)
}

func continuesAfterUpgrade(t *testing.T, s *Store) {
	t.Helper()
	conversations, err := s.Conversations(t.Context(), "b", 0, 10)
	if err != nil || len(conversations) != 2 || conversations[0].ID != 2 || conversations[1].ReadSeq != 1 {
		t.Errorf("b's conversations are %+v, %v", conversations, err)
	}
	again := post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "read", Files: []string{"a_1_x.png"}, ClientID: "one"})
	if !again.Repeated || again.Seq != 1 {
		t.Errorf("sent again after the upgrade: %+v", again)
	}
	next := post1(t, s, Draft{Author: "b", To: []Target{{Conversation: 2}}, Kind: "text", Text: "hello"})
	if next.Seq != 6 || next.Change <= 7 || !reflect.DeepEqual(next.Recipients, []string{"a", "b"}) {
		t.Errorf("the next is %+v", next)
	}
}

// A migration that is cut off after each of its statements is completed by the next start.
func TestAMigrationCutOffIsBegunAgain(t *testing.T) {
	if !databases.MariaDB() {
		t.Skip("SQLite rolls a change of the schema back")
	}
	for file, cut := range map[string]struct {
		old   func(*testing.T) string
		check func(*testing.T, *Store)
	}{
		"00002_messenger.sql": {makeFirst, continuesAfterUpgrade},
		"00003_files.sql":     {makeSecond, filesAfterUpgrade},
	} {
		text, err := migrations.ReadFile("migrations/mysql/" + file)
		if err != nil {
			t.Fatal(err)
		}
		steps := statements(string(text))
		for _, done := range []int{1, len(steps) / 2, len(steps)} {
			name := cut.old(t)
			d, err := dialectOf(name)
			if err != nil {
				t.Fatal(err)
			}
			db, err := d.openMigrator()
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range steps[:done] {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			cut.check(t, openAt(t, name))
		}
	}
}

// secondRows are what a server with schema 2 left: besides texts, files that are named, avatars, sent by voice, and loose; and an edited text
// that named a file before.
func secondRows() []string {
	used := time.Now().UnixMilli()
	first := digest(KindText, "<file>a_2_doc</file>", nil, []string{"a_2_doc"})
	return []string{
		`INSERT INTO users (user_account, password_hash, user_name, registration_time, avatar, operator) VALUES
			('a', ?, 'Ann', 1000, 'a_3_face', 1), ('b', '', 'Bob', 2000, '', 0)`,
		"INSERT INTO sessions (token_hash, user_account, device, create_time, last_seen) VALUES (?, 'a', 'phone', 1, ?)",
		"INSERT INTO chat_groups (group_id, name, introduction, founder, create_time, avatar, history) VALUES ('gggggggggg', 'garden', 'about', 'a', 4000, 'a_4_tree', 'all')",
		"INSERT INTO group_members (group_id, user_account, permissions, join_time) VALUES ('gggggggggg', 'a', 'creator', 4000), ('gggggggggg', 'b', 'member', 4500)",
		"INSERT INTO conversations (id, kind, pair_a, pair_b, group_id, last_seq, last_change, touched) VALUES (1, 'pair', 'a', 'b', NULL, 3, 4, 4), (2, 'group', NULL, NULL, 'gggggggggg', 1, 1, 1)",
		`INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq) VALUES
			(1, 'a', 0, 9223372036854775807, 9223372036854775807, 3), (1, 'b', 0, 9223372036854775807, 9223372036854775807, 0),
			(2, 'a', 0, 9223372036854775807, 9223372036854775807, 1), (2, 'b', 0, 9223372036854775807, 9223372036854775807, 0)`,
		`INSERT INTO messages (conversation, seq, change_no, post_change, author, kind, message, carry, file, create_time, client_message_id, edit_time) VALUES
			(2, 1, 1, 1, 'a', 'member_record', '', '{"event":"created","friends":["b"]}', NULL, 5000, NULL, 0),
			(1, 1, 2, 2, 'a', 'text', '<file>a_1_x.png</file>', NULL, 'a_1_x.png', 5001, 'one', 0),
			(1, 2, 3, 3, 'a', 'voice', '', '{"file":"a_5_voice","duration_ms":10}', 'a_5_voice', 5002, 'two', 0),
			(1, 3, 4, 4, 'a', 'text', 'no longer', NULL, NULL, 5003, 'three', 5004)`,
		fmt.Sprintf("UPDATE messages SET first_digest = X'%x' WHERE client_message_id = 'three'", first),
		fmt.Sprintf(`INSERT INTO files (name, owner, hash, size, content_type, create_time) VALUES
			('a_1_x.png', 'a', 'h1', 7, 'image/png', 5000), ('a_2_doc', 'a', 'h2', 8, 'text/plain', 5000), ('a_3_face', 'a', 'h3', 9, 'image/png', 5000),
			('a_4_tree', 'a', 'h4', 10, 'image/png', 5000), ('a_5_voice', 'a', 'h5', 11, 'audio/mpeg', 5000), ('a_6_new', 'a', 'h6', 12, 'image/png', %d)`, used),
		"INSERT INTO file_grants (file, conversation, seq) VALUES ('a_1_x.png', 1, 1), ('a_5_voice', 1, 2)",
		"UPDATE counters SET value = 4 WHERE name = 'change'",
	}
}

// Files of the release before stay as they were: those that something refers to, and for a while those that nothing does.
func TestUpgradeFromTheSecondSchema(t *testing.T) { filesAfterUpgrade(t, openAt(t, makeSecond(t))) }

// makeSecond makes a database as a server with schema 2 did.
func makeSecond(t *testing.T) (name string) { return makeOld(t, 2, secondRows()) }

func filesAfterUpgrade(t *testing.T, s *Store) {
	t.Helper()
	if session, err := s.Session(t.Context(), firstToken); err != nil || session.Account != "a" {
		t.Errorf("the session is %+v, %v", session, err)
	}
	for name, readers := range map[string]string{"a_1_x.png": "ab", "a_2_doc": "a", "a_3_face": "ab", "a_4_tree": "ab", "a_5_voice": "ab", "a_6_new": "a"} {
		for _, account := range []string{"a", "b"} {
			f, err := s.ReadableFile(t.Context(), account, name)
			if may := strings.Contains(readers, account); may != (err == nil) || may && (f.Width != 0 || f.Preview != "" || f.Size < 7) {
				t.Errorf("%s reads %s: %+v, %v", account, name, f, err)
			}
		}
	}
	page, more, count, err := s.OwnFiles(t.Context(), "a", LargestFirst, 0, "", 10)
	if err != nil || more || count != 6 || page[0].Name != "a_6_new" || page[1].Message != "1-2" || page[5].Message != "1-1" {
		t.Errorf("a's files: %+v, %v, %d, %v", page, more, count, err)
	}
	for _, d := range []Draft{
		{Kind: KindText, Text: "<file>a_1_x.png</file>", Files: []string{"a_1_x.png"}, ClientID: "one"},
		{Kind: KindVoice, Carry: []byte(`{"file":"a_5_voice","duration_ms":10}`), Files: []string{"a_5_voice"}, ClientID: "two"},
		{Kind: KindText, Text: "<file>a_2_doc</file>", Files: []string{"a_2_doc"}, ClientID: "three"},
	} {
		d.Author, d.To = "a", []Target{{Account: "b"}}
		if again := post1(t, s, d); !again.Repeated {
			t.Errorf("%s sent again: %+v", d.ClientID, again)
		}
	}
	// The marks that the migration made are hints: what is referred to stays.
	if looked, deleted, err := s.CollectFiles(t.Context(), time.Now().Add(-time.Hour)); err != nil || looked != 5 || deleted != 1 {
		t.Errorf("looked at %d files, deleted %d, %v", looked, deleted, err)
	}
	if got := loose(t, s); fmt.Sprint(got) != "[a_6_new]" {
		t.Errorf("loose are %q", got)
	}
	if _, err := s.ReadableFile(t.Context(), "a", "a_2_doc"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what nothing named: %v", err)
	}
	next := post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "x", Files: []string{"a_6_new"}})
	if got := infos(t, s, "b", next); len(got) != 1 || got[0].Size != 12 {
		t.Errorf("a new message tells %+v", got)
	}
	if got := take(t, s); fmt.Sprint(got) != "[h2]" {
		t.Errorf("garbage is %q", got)
	}
}
