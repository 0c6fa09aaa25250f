-- +goose Up

-- Times are Unix milliseconds (UTC). Identifiers compare byte for byte (SQLite's BINARY collation).
-- `change_no` is the protocol's `change`: CHANGE is a reserved word elsewhere.

CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('change', 0);

CREATE TABLE users (
    user_account      TEXT    NOT NULL PRIMARY KEY,
    password_hash     TEXT    NOT NULL,
    user_name         TEXT    NOT NULL DEFAULT '',
    user_phone        TEXT    NOT NULL DEFAULT '',
    sex               TEXT    NOT NULL DEFAULT '',
    birthday          TEXT    NOT NULL DEFAULT '',
    address           TEXT    NOT NULL DEFAULT '',
    registration_time INTEGER NOT NULL,
    suspended         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the token
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    device       TEXT    NOT NULL DEFAULT '',
    create_time  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (user_account);

CREATE TABLE devices (
    user_account     TEXT    NOT NULL REFERENCES users (user_account),
    device           TEXT    NOT NULL, -- '' is the plain device
    delivered_change INTEGER NOT NULL,
    PRIMARY KEY (user_account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_groups (
    group_id     TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    introduction TEXT    NOT NULL DEFAULT '',
    founder      TEXT    NOT NULL REFERENCES users (user_account),
    create_time  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
    group_id     TEXT    NOT NULL REFERENCES chat_groups (group_id),
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    permissions  TEXT    NOT NULL CHECK (permissions IN ('creator', 'admin', 'member')),
    join_time    INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_account)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_of_account ON group_members (user_account, group_id);

-- A pair has pair_a <= pair_b (equal for notes to oneself); a group has group_id.
CREATE TABLE conversations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL CHECK (kind IN ('pair', 'group')),
    pair_a      TEXT    REFERENCES users (user_account),
    pair_b      TEXT    REFERENCES users (user_account),
    group_id    TEXT    REFERENCES chat_groups (group_id),
    last_seq    INTEGER NOT NULL DEFAULT 0,
    last_change INTEGER NOT NULL DEFAULT 0,
    CHECK ((kind = 'pair') = (pair_a IS NOT NULL AND pair_b IS NOT NULL)),
    CHECK ((kind = 'group') = (group_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX conversations_of_pair ON conversations (pair_a, pair_b) WHERE pair_a IS NOT NULL;
CREATE UNIQUE INDEX conversations_of_group ON conversations (group_id) WHERE group_id IS NOT NULL;

-- Who may read what: since_seq < seq <= until_seq. One row per stay, so that whoever comes back
-- does not see what was said in between. 9223372036854775807 stands for "still here".
CREATE TABLE memberships (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    since_seq    INTEGER NOT NULL,
    until_seq    INTEGER NOT NULL,
    until_change INTEGER NOT NULL,
    read_seq     INTEGER NOT NULL,
    PRIMARY KEY (conversation, user_account, since_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_of_account ON memberships (user_account, conversation, since_seq);

-- Rows append by rowid: clustering by conversation costs twice as much.
CREATE TABLE messages (
    id                INTEGER PRIMARY KEY,
    conversation      INTEGER NOT NULL REFERENCES conversations (id),
    seq               INTEGER NOT NULL,
    change_no         INTEGER NOT NULL,
    author            TEXT    NOT NULL REFERENCES users (user_account),
    kind              TEXT    NOT NULL,
    message           TEXT    NOT NULL,
    carry             TEXT,
    file              TEXT, -- names, one per line
    create_time       INTEGER NOT NULL,
    client_message_id TEXT
) STRICT;
CREATE UNIQUE INDEX messages_in_order ON messages (conversation, seq);
CREATE INDEX messages_by_change ON messages (conversation, change_no);
CREATE UNIQUE INDEX messages_of_client ON messages (author, client_message_id, conversation)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE files (
    name         TEXT    NOT NULL PRIMARY KEY,
    owner        TEXT    NOT NULL REFERENCES users (user_account),
    hash         TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    create_time  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE file_grants (
    file         TEXT    NOT NULL REFERENCES files (name),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    PRIMARY KEY (file, conversation, seq)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE file_grants;
DROP TABLE files;
DROP TABLE messages;
DROP TABLE memberships;
DROP TABLE conversations;
DROP TABLE group_members;
DROP TABLE chat_groups;
DROP TABLE devices;
DROP TABLE sessions;
DROP TABLE users;
DROP TABLE counters;
