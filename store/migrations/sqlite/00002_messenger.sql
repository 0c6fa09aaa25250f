-- +goose Up

-- What people say of themselves, and to whom.
ALTER TABLE users ADD COLUMN avatar        TEXT    NOT NULL DEFAULT ''; -- a file's name
ALTER TABLE users ADD COLUMN messages_from TEXT    NOT NULL DEFAULT 'everyone' CHECK (messages_from IN ('everyone', 'friends'));
ALTER TABLE users ADD COLUMN presence_to   TEXT    NOT NULL DEFAULT 'everyone' CHECK (presence_to IN ('everyone', 'friends', 'nobody'));
ALTER TABLE users ADD COLUMN last_seen     INTEGER NOT NULL DEFAULT 0; -- Unix ms; 0: never
ALTER TABLE users ADD COLUMN operator      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN deleted       INTEGER NOT NULL DEFAULT 0; -- the name is not given again
CREATE INDEX users_of_avatar ON users (avatar);

ALTER TABLE sessions ADD COLUMN last_seen  INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET last_seen = create_time;
ALTER TABLE devices ADD COLUMN sync_change INTEGER NOT NULL DEFAULT 0;

-- What user_account thinks of friend_account: asked, accepted (then both ways) or blocked.
CREATE TABLE relationships (
    user_account    TEXT    NOT NULL REFERENCES users (user_account),
    friend_account  TEXT    NOT NULL REFERENCES users (user_account),
    is_relationship INTEGER NOT NULL, -- 1: friends
    state           TEXT    NOT NULL CHECK (state IN ('asked', 'accepted', 'blocked')),
    message         TEXT    NOT NULL DEFAULT '', -- what came with the question
    bind_time       INTEGER NOT NULL,
    PRIMARY KEY (user_account, friend_account)
) STRICT, WITHOUT ROWID;
CREATE INDEX relationships_to ON relationships (friend_account, user_account);

ALTER TABLE chat_groups ADD COLUMN avatar    TEXT    NOT NULL DEFAULT '';
ALTER TABLE chat_groups ADD COLUMN history   TEXT    NOT NULL DEFAULT 'join' CHECK (history IN ('join', 'all'));
ALTER TABLE chat_groups ADD COLUMN dissolved INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chat_groups_of_avatar ON chat_groups (avatar);

-- last_change is the change of the last message, touched that of anything in the conversation.
ALTER TABLE conversations ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET touched = last_change;

ALTER TABLE memberships ADD COLUMN delivered_seq  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN receipt_change INTEGER NOT NULL DEFAULT 0; -- of read_seq and delivered_seq
CREATE INDEX memberships_by_receipt ON memberships (conversation, receipt_change);

-- change_no rises when a message is edited or deleted; post_change stays.
ALTER TABLE messages ADD COLUMN post_change  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN reacted      INTEGER NOT NULL DEFAULT 0; -- 1: somebody has reacted to it
ALTER TABLE messages ADD COLUMN edit_time    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN first_digest BLOB; -- of what was first sent, once it was changed: it may be sent again
UPDATE messages SET post_change = change_no;

-- client_part numbers what an author sent to several under one client id: so the id alone is unique, whoever
-- the message goes to.
ALTER TABLE messages ADD COLUMN client_part INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET client_part = (SELECT COUNT(*) FROM messages o WHERE o.author = messages.author
    AND o.client_message_id = messages.client_message_id AND o.id < messages.id) WHERE client_message_id IS NOT NULL;
DROP INDEX messages_of_client;
CREATE UNIQUE INDEX messages_by_client ON messages (author, client_message_id, client_part)
    WHERE client_message_id IS NOT NULL;

-- Where edited messages were among the sent ones: change_no no longer tells it.
CREATE TABLE edited_messages (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    post_change  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, post_change)
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    reaction     TEXT    NOT NULL,
    change_no    INTEGER NOT NULL,
    removed      INTEGER NOT NULL, -- 1: taken back; the row stays so that others learn of it
    PRIMARY KEY (conversation, seq, user_account, reaction)
) STRICT, WITHOUT ROWID;
CREATE INDEX reactions_by_change ON reactions (conversation, change_no);

CREATE TABLE mentions (
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    PRIMARY KEY (user_account, conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_in ON mentions (conversation, seq);

-- Messages that somebody deleted for themselves alone.
CREATE TABLE hidden_messages (
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    PRIMARY KEY (user_account, conversation, seq)
) STRICT, WITHOUT ROWID;

-- What changed for an account alone: its friends, blocks, profile, hidden messages, lost groups.
CREATE TABLE account_changes (
    user_account TEXT    NOT NULL REFERENCES users (user_account),
    change_no    INTEGER NOT NULL,
    kind         TEXT    NOT NULL, -- the protocol's message_type
    carry        TEXT    NOT NULL, -- a flat JSON object: the lines it is told with
    PRIMARY KEY (user_account, change_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX files_of_owner ON files (owner, size);

CREATE TABLE invitations (
    code_hash   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the code
    uses_left   INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    create_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The words of messages, encoded, filled behind the writer. Whether they were: counters 'indexed' is
-- the last messages.id that was; messages_to_index are older ones that changed since.
CREATE VIRTUAL TABLE message_words USING fts5 (words, content = '', contentless_delete = 1, detail = none);
CREATE TABLE messages_to_index (
    id INTEGER NOT NULL PRIMARY KEY
) STRICT;
INSERT INTO counters (name, value) VALUES ('indexed', 0);

-- +goose Down
DELETE FROM counters WHERE name = 'indexed';
DROP TABLE messages_to_index;
DROP TABLE message_words;
DROP TABLE invitations;
DROP INDEX files_of_owner;
DROP TABLE account_changes;
DROP TABLE hidden_messages;
DROP TABLE mentions;
DROP INDEX reactions_by_change;
DROP TABLE reactions;
DROP TABLE edited_messages;
ALTER TABLE messages DROP COLUMN first_digest;
DROP INDEX messages_by_client;
CREATE UNIQUE INDEX messages_of_client ON messages (author, client_message_id, conversation)
    WHERE client_message_id IS NOT NULL;
ALTER TABLE messages DROP COLUMN client_part;
ALTER TABLE messages DROP COLUMN edit_time;
ALTER TABLE messages DROP COLUMN reacted;
ALTER TABLE messages DROP COLUMN post_change;
DROP INDEX memberships_by_receipt;
ALTER TABLE memberships DROP COLUMN receipt_change;
ALTER TABLE memberships DROP COLUMN delivered_seq;
ALTER TABLE conversations DROP COLUMN touched;
ALTER TABLE chat_groups DROP COLUMN dissolved;
ALTER TABLE chat_groups DROP COLUMN history;
DROP INDEX chat_groups_of_avatar;
ALTER TABLE chat_groups DROP COLUMN avatar;
DROP TABLE relationships;
ALTER TABLE devices DROP COLUMN sync_change;
ALTER TABLE sessions DROP COLUMN last_seen;
DROP INDEX users_of_avatar;
ALTER TABLE users DROP COLUMN deleted;
ALTER TABLE users DROP COLUMN operator;
ALTER TABLE users DROP COLUMN last_seen;
ALTER TABLE users DROP COLUMN presence_to;
ALTER TABLE users DROP COLUMN messages_from;
ALTER TABLE users DROP COLUMN avatar;
