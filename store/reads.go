package store

import "strings"

// readQuery numbers the statements of the reading pool.
type readQuery int

const (
	qChange readQuery = iota
	qUser
	qUsers
	qPassword
	qSession
	qStays
	qHistoryUp
	qHistoryDown
	qConversations
	qUndelivered
	qPair
	qGroupConversation
	qPresent
	qGroup
	qGroups
	qMembers
	qFile
	qFileGranted
	qOwnBySize
	qOwnByTime
	qOwnFiles
	qHashKnown
	qAttitude
	qFriends
	qBlocks
	qCard
	qAvatar
	qPresence
	qRelations
	qUndeliveredEdited
	qLastSeen
	qSeen
	qReactions
	qTallies1
	qTallies8
	qTallies64
	qReceipts
	qTouched
	qSyncMessages
	qSyncReactions
	qSyncReceipts
	qSyncAccount
	qSynced
	qSessions
	qInvitation
	qUsage
	qUpload
	qExpiredUploads
	qIndexed
	qIndexNext
	qIndexAgain
	qMyStays
	qWithWords
	qRecent
	qFirstAfter
	qLastMessage
	numReads
)

// messageColumns is what scanMessage reads.
const messageColumns = "m.conversation, m.seq, m.change_no, m.author, m.kind, m.message, m.carry, m.create_time, m.edit_time, m.reacted, m.client_message_id"

// hiddenFrom joins m with what an account deleted for itself; hidden tells whether that is so.
const (
	hiddenFrom = ` LEFT JOIN hidden_messages h ON h.user_account = ? AND h.conversation = m.conversation AND h.seq = m.seq`
	hidden     = ", h.seq IS NOT NULL"
)

// seenLine finds a message (conversation, account, seq three times, account) that the account sees.
const seenLine = `FROM memberships v JOIN messages m ON m.conversation = v.conversation
	WHERE v.conversation = ? AND v.user_account = ? AND m.seq = ? AND v.since_seq < ? AND v.until_seq >= ? AND NOT EXISTS (
		SELECT 1 FROM hidden_messages h WHERE h.user_account = ? AND h.conversation = m.conversation AND h.seq = m.seq)`

// grantedFiles are the files (r) that the messages (m) of one's stays (v) name; grantedTo tells which one may
// read by them: none that was named after one had left, by an edit.
const (
	grantedFiles = `file_grants r JOIN memberships v ON v.conversation = r.conversation
		JOIN messages m ON m.conversation = r.conversation AND m.seq = r.seq`
	grantedTo = ` AND r.seq > v.since_seq AND r.seq <= v.until_seq AND m.change_no <= (
		SELECT MAX(w.until_change) FROM memberships w WHERE w.conversation = v.conversation AND w.user_account = v.user_account)`
)

const (
	// usage is how many bytes an account's files have, with those under way.
	usage = `SELECT (SELECT COALESCE(SUM(size), 0) FROM files WHERE owner = ?) +
		(SELECT COALESCE(SUM(size), 0) FROM uploads WHERE owner = ? AND finished = 0 AND expire_time > ?)`
	uploadByID = "SELECT id, owner, name, size, carry, create_time, expire_time, finished FROM uploads WHERE id = ?"
)

// fileColumns is what scanFile reads of a file (f).
const fileColumns = "f.name, f.owner, f.hash, f.content_type, f.size, f.create_time, f.width, f.height, f.duration_ms, f.preview"

// unreferred is true of a row of files that no message, person or group refers to.
const unreferred = `NOT EXISTS (SELECT 1 FROM file_grants r WHERE r.file = files.name)
	AND NOT EXISTS (SELECT 1 FROM users a WHERE a.avatar = files.name)
	AND NOT EXISTS (SELECT 1 FROM chat_groups g WHERE g.avatar = files.name AND g.dissolved = 0)`

// hashOfFile finds out whether a file has these bytes (the hash, twice).
const hashOfFile = "SELECT 1 FROM files WHERE hash = ? UNION ALL SELECT 1 FROM files WHERE preview = ? AND preview <> ''"

// ownFiles lists an account's files, by falls: account, a value and once more that value and a name, which come before the
// first one, and a limit. With each comes the last message that names it and that the account sees.
func ownFiles(by string) string {
	return "SELECT " + fileColumns + ", (SELECT r.conversation || '-' || r.seq FROM " + grantedFiles + `
		WHERE r.file = f.name AND v.user_account = f.owner` + grantedTo + ` AND NOT EXISTS (
			SELECT 1 FROM hidden_messages h WHERE h.user_account = f.owner AND h.conversation = r.conversation AND h.seq = r.seq)
		ORDER BY r.conversation DESC, r.seq DESC LIMIT 1)
		FROM files f WHERE f.owner = ? AND ` + by + " <= ? AND (" + by + " < ? OR f.name < ?) ORDER BY " + by + " DESC, f.name DESC LIMIT ?"
}

// tallies counts the reactions to several messages: account, then (conversation, seq, change) of each.
func tallies(messages int) string {
	const one = "(conversation = ? AND seq = ? AND removed = 0 AND change_no <= ?)"
	return `SELECT conversation, seq, reaction, COUNT(*), MAX(CASE WHEN user_account = ? THEN 1 ELSE 0 END) FROM reactions
		WHERE ` + one + strings.Repeat(" OR "+one, messages-1) + " GROUP BY conversation, seq, reaction"
}

const groupColumns = `g.group_id, g.name, g.introduction, g.founder, g.create_time, c.id,
	(SELECT COUNT(*) FROM group_members n WHERE n.group_id = g.group_id), g.avatar, g.history, o.permissions`

const userColumns = "user_account, user_name, user_phone, sex, birthday, address, registration_time, suspended, operator, deleted, avatar, messages_from, presence_to"

// seenChange is the change of the last message somebody could see.
const seenChange = "CASE WHEN w.until_change < d.last_change THEN w.until_change ELSE d.last_change END"

// stillHere is until_seq and until_change of somebody who has not left.
const stillHere = int64(1<<63 - 1)

func readQueries(d dialect) [numReads]string {
	return [numReads]string{
		qChange:   "SELECT value FROM counters WHERE name = 'change'",
		qUser:     "SELECT " + userColumns + " FROM users WHERE user_account = ? AND deleted = 0",
		qUsers:    "SELECT " + userColumns + " FROM users WHERE user_account > ? ORDER BY user_account LIMIT ?",
		qPassword: "SELECT password_hash FROM users WHERE user_account = ?",
		qSession: `SELECT s.user_account, s.device, s.create_time, s.last_seen, u.suspended FROM sessions s
			JOIN users u ON u.user_account = s.user_account WHERE s.token_hash = ? AND s.last_seen > ?`,
		qStays: `SELECT v.since_seq, v.until_seq, v.until_change, c.pair_a, c.pair_b, c.group_id FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			WHERE v.conversation = ? AND v.user_account = ? ORDER BY v.since_seq`,
		qHistoryUp: "SELECT " + messageColumns + hidden + " FROM messages m" + hiddenFrom + `
			WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq LIMIT ?`,
		qHistoryDown: "SELECT " + messageColumns + hidden + " FROM messages m" + hiddenFrom + `
			WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?`,
		// One row per conversation: the last stay, and the last message seen in it.
		qConversations: `SELECT c.pair_a, c.pair_b, c.group_id, g.name, v.change_no, v.until_change, v.read_seq,
				(SELECT COUNT(*) FROM hidden_messages x WHERE x.user_account = v.user_account AND x.conversation = v.conversation
					AND x.seq > v.read_seq AND x.seq <= v.seq),
				(SELECT COUNT(*) FROM mentions x WHERE x.user_account = v.user_account AND x.conversation = v.conversation
					AND x.seq > v.read_seq AND x.seq <= v.seq), ` + messageColumns + hidden + `
			FROM (
				SELECT w.conversation, w.user_account, w.read_seq, w.until_change,
					CASE WHEN w.until_seq < d.last_seq THEN w.until_seq ELSE d.last_seq END AS seq,
					` + seenChange + ` AS change_no
				FROM memberships w JOIN conversations d ON d.id = w.conversation
				WHERE w.user_account = ? AND NOT EXISTS (
					SELECT 1 FROM memberships later WHERE later.conversation = w.conversation
					AND later.user_account = w.user_account AND later.since_seq > w.since_seq)
				AND ` + seenChange + ` < ?
				ORDER BY change_no DESC LIMIT ?
			) v
			JOIN conversations c ON c.id = v.conversation
			JOIN messages m ON m.conversation = v.conversation AND m.seq = v.seq
			LEFT JOIN chat_groups g ON g.group_id = c.group_id` + hiddenFrom + `
			ORDER BY v.change_no DESC`,
		qLastSeen: "SELECT " + messageColumns + hidden + " FROM messages m" + hiddenFrom + `
			WHERE m.conversation = ? AND m.seq < ? AND h.seq IS NULL ORDER BY m.seq DESC LIMIT 1`,
		qUndelivered: "SELECT " + messageColumns + hidden + `, c.pair_a, c.pair_b, c.group_id
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN messages m ON m.conversation = v.conversation` + hiddenFrom + `
			WHERE v.user_account = ? AND c.last_change > ? AND m.change_no > ? AND m.change_no <= ? AND m.post_change = m.change_no
			AND +m.seq > v.since_seq AND +m.seq <= v.until_seq AND m.author <> ? AND h.seq IS NULL
			ORDER BY m.change_no LIMIT ?`,
		qUndeliveredEdited: "SELECT " + messageColumns + hidden + `, c.pair_a, c.pair_b, c.group_id, e.post_change
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN edited_messages e ON e.conversation = v.conversation
			JOIN messages m ON m.conversation = e.conversation AND m.seq = e.seq` + hiddenFrom + `
			WHERE v.user_account = ? AND c.last_change > ? AND e.post_change > ? AND e.post_change <= ?
			AND m.seq > v.since_seq AND m.seq <= v.until_seq AND m.author <> ? AND m.kind <> 'deleted' AND h.seq IS NULL
			AND m.change_no <= CASE WHEN v.until_seq = ? THEN m.change_no ELSE v.until_change END
			ORDER BY e.post_change LIMIT ?`,
		qPair:              "SELECT id FROM conversations WHERE pair_a = ? AND pair_b = ?",
		qGroupConversation: "SELECT id FROM conversations WHERE group_id = ?",
		qPresent:           "SELECT user_account FROM memberships WHERE conversation = ? AND until_seq = ? ORDER BY user_account",
		qGroup: "SELECT " + groupColumns + ` FROM group_members o
			JOIN chat_groups g ON g.group_id = o.group_id
			JOIN conversations c ON c.group_id = g.group_id
			WHERE o.user_account = ? AND o.group_id = ?`,
		qGroups: "SELECT " + groupColumns + ` FROM group_members o
			JOIN chat_groups g ON g.group_id = o.group_id
			JOIN conversations c ON c.group_id = g.group_id
			WHERE o.user_account = ? ORDER BY o.group_id`,
		qMembers: `SELECT o.user_account, u.user_name, o.permissions, o.join_time FROM group_members o
			JOIN users u ON u.user_account = o.user_account
			WHERE o.group_id = ? AND o.user_account > ? ORDER BY o.user_account LIMIT ?`,
		qFile: "SELECT " + fileColumns + " FROM files f WHERE f.name = ?",
		qFileGranted: `SELECT 1 FROM ` + grantedFiles + `
			WHERE r.file = ? AND v.user_account = ?` + grantedTo + `
			UNION ALL SELECT 1 FROM chat_groups g JOIN group_members o ON o.group_id = g.group_id
			WHERE g.avatar = ? AND o.user_account = ? LIMIT 1`,
		qOwnFiles:  "SELECT COUNT(*) FROM files WHERE owner = ?",
		qOwnBySize: ownFiles("f.size"),
		qOwnByTime: ownFiles("f.create_time"),
		qHashKnown: hashOfFile + " UNION ALL SELECT 1 FROM file_garbage WHERE hash = ? LIMIT 1",

		// People.
		qAttitude: `SELECT u.messages_from, r.state FROM users u
			LEFT JOIN relationships r ON r.user_account = u.user_account AND r.friend_account = ?
			WHERE u.user_account = ? AND u.deleted = 0`,
		qFriends: `SELECT r.friend_account AS friend, u.user_name, r.state, r.message, r.bind_time FROM relationships r
				JOIN users u ON u.user_account = r.friend_account
				WHERE r.user_account = ? AND r.friend_account > ? AND r.state <> 'blocked'
			UNION ALL SELECT r.user_account, u.user_name, 'asking', r.message, r.bind_time FROM relationships r
				JOIN users u ON u.user_account = r.user_account
				WHERE r.friend_account = ? AND r.user_account > ? AND r.state = 'asked'
			ORDER BY friend LIMIT ?`,
		qBlocks: `SELECT r.friend_account, u.user_name, r.state, r.message, r.bind_time FROM relationships r
			JOIN users u ON u.user_account = r.friend_account
			WHERE r.user_account = ? AND r.friend_account > ? AND r.state = 'blocked' ORDER BY r.friend_account LIMIT ?`,
		qAvatar: `SELECT 1 FROM files f WHERE f.name = ? AND EXISTS (SELECT 1 FROM users a WHERE a.avatar = f.name)`,
		qCard:   "SELECT user_account, user_name, avatar FROM users WHERE user_account = ? AND deleted = 0",
		qPresence: `SELECT u.presence_to, u.last_seen, r.state FROM users u
			LEFT JOIN relationships r ON r.user_account = u.user_account AND r.friend_account = ?
			WHERE u.user_account = ? AND u.deleted = 0`,
		qInvitation:     "SELECT uses_left FROM invitations WHERE code_hash = ? AND expire_time > ?",
		qUsage:          usage,
		qUpload:         uploadByID,
		qExpiredUploads: "SELECT id FROM uploads WHERE expire_time <= ? ORDER BY expire_time LIMIT ?",
		qSessions: `SELECT token_hash, device, create_time, last_seen FROM sessions
			WHERE user_account = ? AND last_seen > ? ORDER BY create_time, token_hash`,
		qRelations: "SELECT friend_account, state FROM relationships WHERE user_account = ?",
		qSeen:      "SELECT 1 " + seenLine,
		qReactions: `SELECT user_account, reaction FROM reactions
			WHERE conversation = ? AND seq = ? AND user_account > ? AND removed = 0 AND change_no <= ?
			ORDER BY user_account, reaction LIMIT ?`,
		qTallies1:  tallies(1),
		qTallies8:  tallies(8),
		qTallies64: tallies(64),
		qReceipts:  "SELECT user_account, read_seq, delivered_seq FROM memberships WHERE conversation = ? AND until_seq = ? ORDER BY user_account",
		// sync: where something happened since, and then what, between two changes. The plus keeps the
		// database from walking a conversation by seq.
		qTouched: `SELECT v.conversation, v.since_seq, v.until_seq, v.until_change, c.pair_a, c.pair_b, c.group_id
			FROM memberships v JOIN conversations c ON c.id = v.conversation
			WHERE v.user_account = ? AND c.touched > ? ORDER BY v.conversation, v.since_seq`,
		qSyncMessages: "SELECT " + messageColumns + hidden + `
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN messages m ON m.conversation = v.conversation` + hiddenFrom + `
			WHERE v.user_account = ? AND c.touched > ? AND m.change_no > ? AND m.change_no <= ?
			AND +m.seq > v.since_seq AND +m.seq <= v.until_seq
			ORDER BY m.change_no LIMIT ?`,
		qSyncReactions: `SELECT x.conversation, x.seq, x.user_account, x.reaction, x.removed, x.change_no
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN reactions x ON x.conversation = v.conversation
			WHERE v.user_account = ? AND c.touched > ? AND x.change_no > ? AND x.change_no <= ?
			AND +x.seq > v.since_seq AND +x.seq <= v.until_seq AND NOT EXISTS (
				SELECT 1 FROM hidden_messages h WHERE h.user_account = ? AND h.conversation = x.conversation AND h.seq = x.seq)
			ORDER BY x.change_no LIMIT ?`,
		// Those of all members where they are at most 50, else only one's own.
		qSyncReceipts: `SELECT r.conversation, r.user_account, r.read_seq, r.delivered_seq, r.receipt_change
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN memberships r ON r.conversation = v.conversation
			WHERE v.user_account = ? AND v.until_seq = ? AND c.touched > ? AND r.receipt_change > ? AND r.receipt_change <= ?
			AND r.until_seq = v.until_seq AND (r.user_account = v.user_account OR (
				SELECT x.user_account FROM memberships x WHERE x.conversation = v.conversation AND x.until_seq = v.until_seq
				ORDER BY x.user_account LIMIT 1 OFFSET 50) IS NULL)
			ORDER BY r.receipt_change LIMIT ?`,
		qSyncAccount: "SELECT change_no, kind, carry FROM account_changes WHERE user_account = ? AND change_no > ? AND change_no <= ? ORDER BY change_no LIMIT ?",
		qSynced:      "SELECT delivered_change, sync_change FROM devices WHERE user_account = ? AND device = ?",

		// Search.
		qIndexed:    "SELECT value FROM counters WHERE name = 'indexed'",
		qIndexNext:  "SELECT id, conversation, author, message FROM messages WHERE id > ? ORDER BY id LIMIT ?",
		qIndexAgain: "SELECT id FROM messages_to_index WHERE id > 0 ORDER BY id LIMIT ?",
		qMyStays: `SELECT w.conversation, w.since_seq, w.until_seq, w.until_change, c.last_change FROM memberships w
			JOIN conversations c ON c.id = w.conversation WHERE w.user_account = ?`,
		qWithWords: `SELECT m.id, m.conversation, m.seq, m.change_no, m.post_change, m.author, m.message, m.create_time
			FROM message_words JOIN messages m ON m.id = message_words.` + d.wordsKey + `
			LEFT JOIN hidden_messages h ON h.user_account = ? AND h.conversation = m.conversation AND h.seq = m.seq
			WHERE ` + d.hasWords + " AND message_words." + d.wordsKey + " > ? AND message_words." + d.wordsKey + ` < ?
			AND h.seq IS NULL ORDER BY message_words.` + d.wordsKey + " DESC LIMIT ?",
		qRecent: `SELECT m.id, m.conversation, m.seq, m.change_no, m.post_change, m.author, m.message, m.create_time
			FROM messages m LEFT JOIN hidden_messages h ON h.user_account = ? AND h.conversation = m.conversation AND h.seq = m.seq
			WHERE m.id > ? AND m.id < ? AND h.seq IS NULL ORDER BY m.id DESC`,
		qFirstAfter:  "SELECT id, post_change, create_time FROM messages WHERE id >= ? ORDER BY id LIMIT 1",
		qLastMessage: "SELECT id FROM messages WHERE id > 0 ORDER BY id DESC LIMIT 1",
	}
}
