package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// writeQuery numbers the writer's statements of one row.
type writeQuery int

const (
	wDrawChange writeQuery = iota
	wChange
	wAccount
	wPair
	wGroup
	wConversation
	wPresent
	wFile
	wNamed
	wReferred
	wFasten
	wLoosen
	wRefresh
	wDropFile
	wSetPreview
	wDropGrants
	wLoose
	wHashOfFile
	wGarbage
	wNewGarbage
	wDropGarbage
	wOldGarbage
	wRemoving
	wAvatarOf
	wLastSeq
	wMark
	wNewPair
	wNewGroupConversation
	wNewGroup
	wGroupHistory
	wDropStays
	wPermissions
	wSetPermissions
	wHeir
	wDescription
	wDescribe
	wLeaveGroup
	wLeaveConversation
	wEmptyGroup
	wEmptyConversation
	wDissolve
	wNewUser
	wSetPassword
	wSetSuspended
	wSuspended
	wNewSession
	wDropSession
	wDropSessions
	wNewFile
	wTouch
	wNewAccountChange
	wTaken
	wRelation
	wRelations
	wPutRelation
	wDropRelation
	wSetProfile
	wSeen
	wLine
	wRewrite
	wNewEdited
	wNewGrant
	wDropGrant
	wIndexAgain
	wHide
	wDropMention
	wDropMentions
	wDropReactions
	wReaction
	wReactions
	wReact
	wReacted
	wTallies
	wDropExpired
	wAnybody
	wNewInvitation
	wUseInvitation
	wUsage
	wUploadsOf
	wReplaceUpload
	wNewUpload
	wUpload
	wKeepUpload
	wFinishUpload
	wDropUpload
	wOldSessions
	wSessionsOfDevice
	wTouchSession
	wDropDevice
	wDropDevices
	wGroupsOf
	wRelationsOf
	wDropRelations
	wDropAccountChanges
	wEmptyUser
	wIndexed
	wSetIndexed
	wIndexedAnew
	wDropWords
	wIndexable
	numWrites
)

func writeQueries(d dialect) [numWrites]string {
	return [numWrites]string{
		wDrawChange:   d.drawChange,
		wChange:       "SELECT value FROM counters WHERE name = 'change'" + d.forUpdate,
		wAccount:      "SELECT messages_from FROM users WHERE user_account = ? AND deleted = 0",
		wPair:         "SELECT id FROM conversations WHERE pair_a = ? AND pair_b = ?",
		wGroup:        "SELECT id FROM conversations WHERE group_id = ?",
		wConversation: "SELECT pair_a, pair_b, group_id FROM conversations WHERE id = ?",
		wPresent:      "SELECT user_account, since_seq FROM memberships WHERE conversation = ? AND until_seq = ? ORDER BY user_account",
		wFile:         "SELECT " + fileColumns + " FROM files f WHERE f.name = ?",
		wNamed: `SELECT f.owner, f.size, f.content_type, f.width, f.height, f.duration_ms, f.preview <> '' OR f.width > 0 AND f.content_type LIKE 'image/%', f.loose_since IS NOT NULL
			FROM files f WHERE f.name = ? AND (f.owner = ? OR EXISTS (
			SELECT 1 FROM ` + grantedFiles + `
			WHERE r.file = f.name AND v.user_account = ?` + grantedTo + `) OR EXISTS (
			SELECT 1 FROM users a WHERE a.avatar = f.name) OR EXISTS (
			SELECT 1 FROM chat_groups g JOIN group_members o ON o.group_id = g.group_id
			WHERE g.avatar = f.name AND o.user_account = ?))`,
		wLastSeq: "SELECT last_seq FROM conversations WHERE id = ?",
		wMark: `SELECT v.since_seq, v.until_seq, v.read_seq, v.delivered_seq, c.last_seq FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			WHERE v.conversation = ? AND v.user_account = ? ORDER BY v.since_seq DESC LIMIT 1`,
		wNewPair:              "INSERT INTO conversations (kind, pair_a, pair_b) VALUES ('pair', ?, ?)",
		wNewGroupConversation: "INSERT INTO conversations (kind, group_id) VALUES ('group', ?)",
		wNewGroup:             "INSERT INTO chat_groups (group_id, name, introduction, founder, create_time, history) VALUES (?, ?, ?, ?, ?, ?)",
		wGroupHistory:         "SELECT history FROM chat_groups WHERE group_id = ?",
		wDropStays:            "DELETE FROM memberships WHERE conversation = ? AND user_account = ?",
		wPermissions:          "SELECT permissions FROM group_members WHERE group_id = ? AND user_account = ?",
		wSetPermissions:       "UPDATE group_members SET permissions = ? WHERE group_id = ? AND user_account = ?",
		// An admin goes before a member, then who has been there longest.
		wHeir: `SELECT user_account FROM group_members WHERE group_id = ? AND user_account <> ?
			ORDER BY permissions, join_time, user_account LIMIT 1`,
		wDescription:       "SELECT name, introduction, avatar, history FROM chat_groups WHERE group_id = ?",
		wDescribe:          "UPDATE chat_groups SET name = ?, introduction = ?, avatar = ?, history = ? WHERE group_id = ?",
		wEmptyGroup:        "DELETE FROM group_members WHERE group_id = ?",
		wEmptyConversation: "UPDATE memberships SET until_seq = ?, until_change = ? WHERE conversation = ? AND until_seq = ?",
		wDissolve:          "UPDATE chat_groups SET dissolved = 1 WHERE group_id = ?",
		wLeaveGroup:        "DELETE FROM group_members WHERE group_id = ? AND user_account = ?",
		wLeaveConversation: "UPDATE memberships SET until_seq = ?, until_change = ? WHERE conversation = ? AND user_account = ? AND since_seq = ?",
		wNewUser: `INSERT INTO users (user_account, password_hash, user_name, user_phone, sex, birthday, address, registration_time, suspended, operator)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		wSetPassword:  "UPDATE users SET password_hash = ? WHERE user_account = ?",
		wSetSuspended: "UPDATE users SET suspended = ? WHERE user_account = ?",
		wSuspended:    "SELECT suspended FROM users WHERE user_account = ? AND deleted = 0",
		wNewSession:   "INSERT INTO sessions (token_hash, user_account, device, create_time, last_seen) VALUES (?, ?, ?, ?, ?)",
		wDropSession:  "DELETE FROM sessions WHERE token_hash = ? AND user_account = ?",
		wDropSessions: "DELETE FROM sessions WHERE user_account = ?",
		wNewFile: `INSERT INTO files (name, owner, hash, content_type, size, create_time, width, height, duration_ms, preview, loose_since)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		wTouch:            "UPDATE conversations SET touched = ? WHERE touched < ? AND id = ?",
		wNewAccountChange: "INSERT INTO account_changes (user_account, change_no, kind, carry) VALUES (?, ?, ?, ?)",

		// People.
		wTaken:         "SELECT 1 FROM users WHERE user_account = ?", // by a deleted one too
		wSeen:          "UPDATE users SET last_seen = " + d.greatest + "(last_seen, ?) WHERE user_account = ? AND deleted = 0",
		wAnybody:       "SELECT 1 FROM users WHERE user_account > '' LIMIT 1",
		wNewInvitation: "INSERT INTO invitations (code_hash, uses_left, expire_time, create_time) VALUES (?, ?, ?, ?)",
		wUseInvitation: "UPDATE invitations SET uses_left = uses_left - 1 WHERE code_hash = ? AND expire_time > ? AND uses_left > 0",
		wUsage:         usage,
		wUploadsOf: `SELECT COUNT(*), COALESCE(SUM(CASE WHEN name = ? THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN name = ? THEN size ELSE 0 END), 0)
			FROM uploads WHERE owner = ? AND finished = 0 AND expire_time > ?`,
		wReplaceUpload:    "UPDATE uploads SET expire_time = ? WHERE owner = ? AND name = ? AND finished = 0 AND expire_time > ?",
		wNewUpload:        "INSERT INTO uploads (id, owner, name, size, carry, create_time, expire_time) VALUES (?, ?, ?, ?, ?, ?, ?)",
		wUpload:           uploadByID,
		wKeepUpload:       "UPDATE uploads SET expire_time = ? WHERE id = ? AND expire_time > ?",
		wFinishUpload:     "UPDATE uploads SET finished = 1 WHERE id = ?",
		wDropUpload:       "DELETE FROM uploads WHERE id = ?",
		wDropExpired:      "DELETE FROM sessions WHERE user_account = ? AND last_seen <= ?",
		wOldSessions:      "SELECT token_hash FROM sessions WHERE user_account = ? ORDER BY last_seen DESC, token_hash LIMIT 1000 OFFSET ?",
		wSessionsOfDevice: "SELECT token_hash FROM sessions WHERE user_account = ? AND device = ?",
		wTouchSession:     "UPDATE sessions SET last_seen = ? WHERE token_hash = ?",
		wDropDevice:       "DELETE FROM devices WHERE user_account = ? AND device = ?",
		wDropDevices:      "DELETE FROM devices WHERE user_account = ?",
		wGroupsOf:         "SELECT COUNT(*) FROM group_members WHERE user_account = ?",
		wRelationsOf: `SELECT friend_account FROM relationships WHERE user_account = ? AND state <> 'blocked'
			UNION SELECT user_account FROM relationships WHERE friend_account = ? AND state <> 'blocked'`,
		wDropRelations:      "DELETE FROM relationships WHERE user_account = ? OR friend_account = ?",
		wDropAccountChanges: "DELETE FROM account_changes WHERE user_account = ?",
		wEmptyUser: `UPDATE users SET deleted = 1, password_hash = '', user_name = '', user_phone = '', sex = '', birthday = '', address = '',
			avatar = '', messages_from = 'everyone', presence_to = 'nobody', last_seen = 0, operator = 0 WHERE user_account = ?`,
		wRelation:  "SELECT state FROM relationships WHERE user_account = ? AND friend_account = ?",
		wRelations: "SELECT COUNT(*) FROM relationships WHERE user_account = ?",
		wPutRelation: "INSERT INTO relationships (user_account, friend_account, is_relationship, state, message, bind_time) VALUES (?, ?, ?, ?, ?, ?)" +
			d.upsert("user_account, friend_account", "is_relationship = {is_relationship}, state = {state}, message = {message}, bind_time = {bind_time}"),
		wDropRelation: "DELETE FROM relationships WHERE user_account = ? AND friend_account = ?",
		wSetProfile: `UPDATE users SET user_name = COALESCE(?, user_name), user_phone = COALESCE(?, user_phone), sex = COALESCE(?, sex),
			birthday = COALESCE(?, birthday), address = COALESCE(?, address), avatar = COALESCE(?, avatar),
			messages_from = COALESCE(?, messages_from), presence_to = COALESCE(?, presence_to) WHERE user_account = ?`,
		wLine: `SELECT m.id, m.change_no, m.post_change, m.author, m.kind, m.message, m.carry, m.file, m.create_time, m.edit_time,
			m.client_message_id, m.first_digest ` + seenLine,
		wRewrite:       "UPDATE messages SET kind = ?, message = ?, carry = ?, file = ?, change_no = ?, edit_time = ?, first_digest = ? WHERE id = ?",
		wNewEdited:     d.insertNew + " INTO edited_messages (conversation, post_change, seq) VALUES (?, ?, ?)",
		wNewGrant:      "INSERT INTO file_grants (file, conversation, seq) VALUES (?, ?, ?)",
		wDropGrant:     "DELETE FROM file_grants WHERE file = ? AND conversation = ? AND seq = ?",
		wIndexAgain:    d.insertNew + " INTO messages_to_index (id) VALUES (?)",
		wHide:          d.insertNew + " INTO hidden_messages (user_account, conversation, seq) VALUES (?, ?, ?)",
		wDropMention:   "DELETE FROM mentions WHERE user_account = ? AND conversation = ? AND seq = ?",
		wDropMentions:  "DELETE FROM mentions WHERE conversation = ? AND seq = ?",
		wDropReactions: "DELETE FROM reactions WHERE conversation = ? AND seq = ?",
		wReaction:      "SELECT change_no, removed FROM reactions WHERE conversation = ? AND seq = ? AND user_account = ? AND reaction = ?",
		wReactions:     "SELECT COUNT(*) FROM reactions WHERE conversation = ? AND seq = ? AND user_account = ? AND removed = 0",
		wReact: "INSERT INTO reactions (conversation, seq, user_account, reaction, change_no, removed) VALUES (?, ?, ?, ?, ?, ?)" +
			d.upsert("conversation, seq, user_account, reaction", "change_no = {change_no}, removed = {removed}"),
		wReacted: "UPDATE messages SET reacted = 1 WHERE id = ?",
		wTallies: "SELECT reaction, COUNT(*) FROM reactions WHERE conversation = ? AND seq = ? AND removed = 0 GROUP BY reaction",

		// Files that something refers to, and those that nothing does.
		wReferred:   "SELECT 1 FROM files WHERE name = ? AND NOT (" + unreferred + ")",
		wFasten:     "UPDATE files SET loose_since = NULL WHERE name = ?",
		wLoosen:     "UPDATE files SET loose_since = ? WHERE name = ? AND loose_since IS NULL AND " + unreferred,
		wRefresh:    "UPDATE files SET loose_since = ? WHERE name = ? AND loose_since IS NOT NULL",
		wSetPreview: "UPDATE files SET preview = ?, width = ?, height = ? WHERE name = ?",
		wDropFile:   "DELETE FROM files WHERE name = ?",
		wDropGrants: "DELETE FROM file_grants WHERE file = ?",
		wLoose:      "SELECT " + fileColumns + " FROM files f WHERE f.loose_since <= ? ORDER BY f.loose_since LIMIT ?",
		wAvatarOf:   "SELECT avatar FROM users WHERE user_account = ?",

		// Bytes that no file has any more.
		wHashOfFile:  hashOfFile,
		wGarbage:     "SELECT removing FROM file_garbage WHERE hash = ?",
		wNewGarbage:  d.insertNew + " INTO file_garbage (hash, since) VALUES (?, ?)",
		wDropGarbage: "DELETE FROM file_garbage WHERE hash = ?",
		wOldGarbage:  "SELECT hash FROM file_garbage WHERE since <= ? ORDER BY since LIMIT ?",
		wRemoving:    "UPDATE file_garbage SET removing = 1 WHERE hash = ?",

		// The index for search.
		wIndexed:     "SELECT value FROM counters WHERE name = 'indexed'" + d.forUpdate,
		wSetIndexed:  "UPDATE counters SET value = ? WHERE name = 'indexed'",
		wIndexedAnew: "DELETE FROM messages_to_index WHERE id = ?",
		wDropWords:   "DELETE FROM message_words WHERE " + d.wordsKey + " = ?",
		wIndexable:   "SELECT id, conversation, author, message FROM messages WHERE id = ?",
	}
}

// multiQuery numbers the writer's statements of many rows.
type multiQuery int

const (
	mMessages multiQuery = iota
	mSent
	mGrants
	mReadSeq
	mDelivered
	mStays
	mMembers
	mAdvance
	mLastSeq
	mAccountChanges
	mMentions
	mReceiptChange
	mWords
	numMultis
)

// multiSQL is a statement that takes any number of rows: row is repeated,
// separated by between, from prefix to suffix. One without a row takes a single one, of alone parameters.
type multiSQL struct {
	prefix, row, between, suffix string
	alone                        int
}

func multiQueries(d dialect) [numMultis]multiSQL {
	const stays = "INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq) VALUES "
	return [numMultis]multiSQL{
		mMessages: rowsOf("INSERT INTO messages (conversation, seq, change_no, post_change, author, kind, message, carry, file, create_time, client_message_id, client_part) VALUES ",
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ", ", ""),
		mSent: rowsOf("SELECT author, client_message_id, conversation, seq, change_no, kind, message, carry, file, create_time, first_digest FROM messages WHERE ",
			"(author = ? AND client_message_id = ?)", " OR ", ""),
		mGrants:         rowsOf("INSERT INTO file_grants (file, conversation, seq) VALUES ", "(?, ?, ?)", ", ", ""),
		mStays:          rowsOf(stays, "(?, ?, ?, ?, ?, ?)", ", ", ""),
		mMembers:        rowsOf("INSERT INTO group_members (group_id, user_account, permissions, join_time) VALUES ", "(?, ?, ?, ?)", ", ", ""),
		mAccountChanges: rowsOf("INSERT INTO account_changes (user_account, change_no, kind, carry) VALUES ", "(?, ?, ?, ?)", ", ", ""),
		mWords:          rowsOf("INSERT INTO message_words ("+d.wordsKey+", words) VALUES ", "(?, ?)", ", ", ""),
		mAdvance:        d.advance,
		mLastSeq:        rowsOf("SELECT id, last_seq FROM conversations WHERE id IN (", "?", ", ", ")"),
		mReadSeq: rowsOf("INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq, delivered_seq) VALUES ",
			"(?, ?, ?, 0, 0, ?, ?)", ", ", d.upsert("conversation, user_account, since_seq", "read_seq = "+d.greatest+
				"(read_seq, {read_seq}), delivered_seq = "+d.greatest+"(delivered_seq, {delivered_seq})")),
		mReceiptChange: rowsOf("INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq, receipt_change) VALUES ",
			"(?, ?, ?, 0, 0, 0, ?)", ", ", d.upsert("conversation, user_account, since_seq", "receipt_change = {receipt_change}")),
		mMentions: rowsOf("INSERT INTO mentions (user_account, conversation, seq) VALUES ", "(?, ?, ?)", ", ", ""),
		mDelivered: rowsOf("INSERT INTO devices (user_account, device, delivered_change, sync_change) VALUES ", "(?, ?, ?, ?)", ", ",
			d.upsert("user_account, device", "delivered_change = "+d.greatest+"(delivered_change, {delivered_change}), sync_change = "+
				d.greatest+"(sync_change, {sync_change})")),
	}
}

// rowsOf is a multiSQL that takes any number of rows.
func rowsOf(prefix, row, between, suffix string) multiSQL {
	return multiSQL{prefix: prefix, row: row, between: between, suffix: suffix}
}

func (m multiSQL) sized(rows int) string {
	if m.row == "" {
		return m.prefix
	}
	return m.prefix + strings.TrimSuffix(strings.Repeat(m.row+m.between, rows), m.between) + m.suffix
}

// multi is one multiSQL prepared for several numbers of rows: with each power of two, any number below twice the
// largest goes out in few statements.
type multi struct {
	width int // parameters of a row
	sizes []sizedStmt
}

type sizedStmt struct {
	rows int
	stmt *sql.Stmt
}

func prepareMulti(ctx context.Context, conn *sql.Conn, m multiSQL, most int) (multi, error) {
	p := multi{width: max(strings.Count(m.row, "?"), m.alone)}
	if m.row == "" {
		most = 1
	}
	for rows := most; rows > 0; rows /= 2 {
		stmt, err := conn.PrepareContext(ctx, m.sized(rows))
		if err != nil {
			return p, fmt.Errorf("prepare %q for %d rows: %w", m.prefix, rows, err)
		}
		p.sizes = append(p.sizes, sizedStmt{rows, stmt})
	}
	return p, nil
}

// each cuts args into pieces that fit a prepared statement and hands them out.
func (m *multi) each(args []any, do func(*sql.Stmt, []any) error) error {
	for _, size := range m.sizes {
		n := size.rows * m.width
		for ; len(args) >= n; args = args[n:] {
			if err := do(size.stmt, args[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *multi) exec(ctx context.Context, args []any) error {
	return m.each(args, func(stmt *sql.Stmt, piece []any) error {
		_, err := stmt.ExecContext(ctx, piece...)
		return err
	})
}
