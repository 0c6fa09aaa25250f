package store

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// manyRows fill MariaDB's tables so that its optimiser means what it says; all that is asked for with "1" is there.
var manyRows = [...]string{
	"users (user_account, password_hash, registration_time) SELECT seq, '', seq FROM seq_1_to_5000",
	"sessions (token_hash, user_account, create_time) SELECT UNHEX(SHA2(seq, 256)), 1 + seq % 5000, seq FROM seq_1_to_10000",
	"devices (user_account, device, delivered_change) SELECT 1 + seq % 5000, seq DIV 5000, seq FROM seq_1_to_9999",
	"invitations (code_hash, uses_left, expire_time, create_time) SELECT UNHEX(SHA2(seq, 256)), 1, seq, seq FROM seq_1_to_3000",
	"relationships (user_account, friend_account, is_relationship, state, bind_time) SELECT 1 + seq % 5000, 1 + (seq % 5000 + seq DIV 5000) % 5000, 1, 'accepted', seq FROM seq_1_to_19999",
	"account_changes (user_account, change_no, kind, carry) SELECT 1 + seq % 5000, seq, 'friend', '{}' FROM seq_1_to_20000",
	"chat_groups (group_id, name, founder, create_time) SELECT seq, '', seq, seq FROM seq_1_to_1000",
	"group_members (group_id, user_account, permissions, join_time) SELECT 1 + seq % 1000, 1 + seq % 1000 + seq DIV 1000, 'member', seq FROM seq_1_to_19999",
	"conversations (id, kind, pair_a, pair_b) SELECT seq, 'pair', seq, seq + 1 FROM seq_1_to_2000",
	"conversations (id, kind, group_id) SELECT seq + 2000, 'group', seq FROM seq_1_to_1000",
	"memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq) SELECT 1 + seq % 3000, 1 + seq % 3000 + seq DIV 3000, 0, 9223372036854775807, 9223372036854775807, 0 FROM seq_1_to_29999",
	"messages (conversation, seq, change_no, post_change, author, kind, message, create_time, client_message_id) SELECT 1 + seq % 3000, 1 + seq DIV 3000, seq, seq, 1 + seq % 3000, 'text', 'some words', seq, seq FROM seq_1_to_119999",
	"edited_messages (conversation, post_change, seq) SELECT 1 + seq % 3000, seq, seq FROM seq_1_to_20000",
	"hidden_messages (user_account, conversation, seq) SELECT 1 + seq % 3000, 1 + seq % 3000, 1 + seq DIV 3000 FROM seq_1_to_19999",
	"mentions (user_account, conversation, seq) SELECT 1 + seq % 3000, 1 + seq % 3000, 1 + seq DIV 3000 FROM seq_1_to_19999",
	"reactions (conversation, seq, user_account, reaction, change_no, removed) SELECT 1 + seq % 3000, 1 + seq DIV 3000, 1 + seq % 3000, 'x', seq, 0 FROM seq_1_to_29999",
	"files (name, owner, hash, size, content_type, create_time, preview, loose_since) SELECT seq, 1 + seq % 5000, seq, seq, '', seq, IF(seq % 2, seq, ''), IF(seq % 10, NULL, seq) FROM seq_1_to_100000",
	"uploads (id, owner, name, size, carry, create_time, expire_time) SELECT seq, 1 + seq % 5000, seq, seq, '{}', seq, seq FROM seq_1_to_20000",
	"file_garbage (hash, since) SELECT seq, seq FROM seq_1_to_20000",
	"file_grants (file, conversation, seq) SELECT 1 + seq % 100000, 1 + seq % 3000, seq FROM seq_1_to_200000",
	"message_words (id, words) SELECT seq, CONCAT('w', seq % 5000) FROM seq_1_to_20000",
	"messages_to_index (id) SELECT seq FROM seq_1_to_5000",
}

// As TestNoQueryScans, where the optimiser decides by what is in the tables.
func TestNoQueryScansMariaDB(t *testing.T) {
	if !databases.MariaDB() {
		t.Skip("about MariaDB's plans")
	}
	s := openAt(t, databases.Own(t))
	conn := s.writer.conn // nothing else is written meanwhile
	for _, rows := range manyRows {
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO "+rows); err != nil {
			t.Fatalf("%v: %s", err, rows)
		}
		table, _, _ := strings.Cut(rows, " ")
		if _, err := conn.ExecContext(t.Context(), "ANALYZE TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
	reads, writes := readQueries(s.dialect), writeQueries(s.dialect)
	all := append(reads[:], writes[:]...)
	for _, m := range multiQueries(s.dialect) {
		all = append(all, m.sized(1), m.sized(s.dialect.most))
	}
	for _, query := range all {
		for _, whole := range scans(t, conn, query) {
			t.Errorf("%s\n of %s", whole, query)
		}
	}
	if found := scans(t, conn, "SELECT seq FROM messages WHERE kind = ?"); len(found) != 1 {
		t.Errorf("what does scan is not found: %q", found)
	}
}

var limits = regexp.MustCompile(`LIMIT \?`)

// scans tells where a statement reads all of a table, or of an index. Every parameter is "1".
func scans(t *testing.T, conn *sql.Conn, query string) (found []string) {
	t.Helper()
	asked := "EXPLAIN " + limits.ReplaceAllString(query, "LIMIT 20")
	args := make([]any, strings.Count(asked, "?"))
	for i := range args {
		args[i] = "1"
	}
	rows, err := conn.QueryContext(t.Context(), asked, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	for rows.Next() {
		var id, kind, table, how, possible, key, length, ref, count, extra sql.NullString
		if err := rows.Scan(&id, &kind, &table, &how, &possible, &key, &length, &ref, &count, &extra); err != nil {
			t.Fatalf("%v: %s", err, query)
		}
		whole := how.String == "ALL" || how.String == "index"
		derived := strings.HasPrefix(table.String, "<")
		if whole && !derived && len(count.String) > 3 {
			found = append(found, fmt.Sprintf("%s of %s, %s rows (%s; %s)", how.String, table.String, count.String, key.String, extra.String))
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	return found
}
