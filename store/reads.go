package store

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
	qCursor
	qUndelivered
	qPair
	qGroupConversation
	qPresent
	qGroup
	qGroups
	qMembers
	qFile
	qFileGranted
	qAttitude
	qFriends
	qBlocks
	qCard
	qAvatar
	qPresence
	qRelations
	numReads
)

// messageColumns is what scanMessage reads.
const messageColumns = "m.conversation, m.seq, m.change_no, m.author, m.kind, m.message, m.carry, m.create_time, m.client_message_id"

const groupColumns = `g.group_id, g.name, g.introduction, g.founder, g.create_time, c.id,
	(SELECT COUNT(*) FROM group_members n WHERE n.group_id = g.group_id), g.avatar, g.history, o.permissions`

const userColumns = "user_account, user_name, user_phone, sex, birthday, address, registration_time, suspended, avatar, messages_from, presence_to"

// seenChange is the change of the last message somebody could see.
const seenChange = "CASE WHEN w.until_change < d.last_change THEN w.until_change ELSE d.last_change END"

// stillHere is until_seq and until_change of somebody who has not left.
const stillHere = int64(1<<63 - 1)

func readQueries(dialect) [numReads]string {
	return [numReads]string{
		qChange:   "SELECT value FROM counters WHERE name = 'change'",
		qUser:     "SELECT " + userColumns + " FROM users WHERE user_account = ? AND deleted = 0",
		qUsers:    "SELECT " + userColumns + " FROM users WHERE user_account > ? ORDER BY user_account LIMIT ?",
		qPassword: "SELECT password_hash FROM users WHERE user_account = ?",
		qSession: `SELECT s.user_account, s.device, u.suspended FROM sessions s
			JOIN users u ON u.user_account = s.user_account WHERE s.token_hash = ?`,
		qStays: `SELECT v.since_seq, v.until_seq, c.pair_a, c.pair_b, c.group_id FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			WHERE v.conversation = ? AND v.user_account = ? ORDER BY v.since_seq`,
		qHistoryUp: "SELECT " + messageColumns + ` FROM messages m
			WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq LIMIT ?`,
		qHistoryDown: "SELECT " + messageColumns + ` FROM messages m
			WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?`,
		// One row per conversation: the last stay, and the last message seen in it.
		qConversations: `SELECT c.pair_a, c.pair_b, c.group_id, g.name, v.read_seq, ` + messageColumns + `
			FROM (
				SELECT w.conversation, w.read_seq,
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
			LEFT JOIN chat_groups g ON g.group_id = c.group_id
			ORDER BY v.change_no DESC`,
		qCursor: "SELECT delivered_change FROM devices WHERE user_account = ? AND device = ?",
		qUndelivered: "SELECT " + messageColumns + `, c.pair_a, c.pair_b, c.group_id
			FROM memberships v
			JOIN conversations c ON c.id = v.conversation
			JOIN messages m ON m.conversation = v.conversation
			WHERE v.user_account = ? AND c.last_change > ? AND m.change_no > ? AND m.change_no <= ?
			AND m.seq > v.since_seq AND m.seq <= v.until_seq AND m.author <> ?
			ORDER BY m.change_no LIMIT ?`,
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
		qFile: "SELECT name, owner, hash, content_type, size, create_time FROM files WHERE name = ?",
		qFileGranted: `SELECT 1 FROM file_grants r JOIN memberships v ON v.conversation = r.conversation
			WHERE r.file = ? AND v.user_account = ? AND r.seq > v.since_seq AND r.seq <= v.until_seq
			UNION ALL SELECT 1 FROM chat_groups g JOIN group_members o ON o.group_id = g.group_id
			WHERE g.avatar = ? AND o.user_account = ? LIMIT 1`,

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
		qRelations: "SELECT friend_account, state FROM relationships WHERE user_account = ?",
	}
}
