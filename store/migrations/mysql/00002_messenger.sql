-- Statement by statement the same as migrations/sqlite.

ALTER TABLE users
    ADD COLUMN avatar        VARBINARY(1000) NOT NULL DEFAULT '',
    ADD COLUMN messages_from VARCHAR(16)     NOT NULL DEFAULT 'everyone' CHECK (messages_from IN ('everyone', 'friends')),
    ADD COLUMN presence_to   VARCHAR(16)     NOT NULL DEFAULT 'everyone' CHECK (presence_to IN ('everyone', 'friends', 'nobody')),
    ADD COLUMN last_seen     BIGINT          NOT NULL DEFAULT 0,
    ADD COLUMN operator      TINYINT         NOT NULL DEFAULT 0,
    ADD COLUMN deleted       TINYINT         NOT NULL DEFAULT 0,
    ADD KEY users_of_avatar (avatar);

ALTER TABLE sessions ADD COLUMN last_seen BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET last_seen = create_time;
ALTER TABLE devices ADD COLUMN sync_change BIGINT NOT NULL DEFAULT 0;

CREATE TABLE relationships (
    user_account    VARCHAR(100) NOT NULL,
    friend_account  VARCHAR(100) NOT NULL,
    is_relationship TINYINT      NOT NULL,
    state           VARCHAR(16)  NOT NULL CHECK (state IN ('asked', 'accepted', 'blocked')),
    message         VARCHAR(200) NOT NULL DEFAULT '',
    bind_time       BIGINT       NOT NULL,
    PRIMARY KEY (user_account, friend_account),
    KEY relationships_to (friend_account, user_account),
    FOREIGN KEY (user_account) REFERENCES users (user_account),
    FOREIGN KEY (friend_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

ALTER TABLE chat_groups
    ADD COLUMN avatar    VARBINARY(1000) NOT NULL DEFAULT '',
    ADD COLUMN history   VARCHAR(16)     NOT NULL DEFAULT 'join' CHECK (history IN ('join', 'all')),
    ADD COLUMN dissolved TINYINT         NOT NULL DEFAULT 0,
    ADD KEY chat_groups_of_avatar (avatar);

ALTER TABLE conversations ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
UPDATE conversations SET touched = last_change;

ALTER TABLE memberships
    ADD COLUMN delivered_seq  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN receipt_change BIGINT NOT NULL DEFAULT 0,
    ADD KEY memberships_by_receipt (conversation, receipt_change);

ALTER TABLE messages
    ADD COLUMN post_change  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN reacted      TINYINT NOT NULL DEFAULT 0,
    ADD COLUMN edit_time    BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN first_digest VARBINARY(64),
    ADD COLUMN client_part  BIGINT  NOT NULL DEFAULT 0;
UPDATE messages SET post_change = change_no;
UPDATE messages m JOIN (
    SELECT id, ROW_NUMBER() OVER (PARTITION BY author, client_message_id ORDER BY id) - 1 AS part
    FROM messages WHERE client_message_id IS NOT NULL
) x ON m.id = x.id SET m.client_part = x.part;
ALTER TABLE messages
    DROP KEY messages_of_client,
    ADD UNIQUE KEY messages_by_client (author, client_message_id, client_part);

CREATE TABLE edited_messages (
    conversation BIGINT NOT NULL,
    post_change  BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    PRIMARY KEY (conversation, post_change),
    FOREIGN KEY (conversation) REFERENCES conversations (id)
) ENGINE = InnoDB;

CREATE TABLE reactions (
    conversation BIGINT       NOT NULL,
    seq          BIGINT       NOT NULL,
    user_account VARCHAR(100) NOT NULL,
    reaction     VARCHAR(32)  NOT NULL,
    change_no    BIGINT       NOT NULL,
    removed      TINYINT      NOT NULL,
    PRIMARY KEY (conversation, seq, user_account, reaction),
    KEY reactions_by_change (conversation, change_no),
    FOREIGN KEY (conversation) REFERENCES conversations (id),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE mentions (
    user_account VARCHAR(100) NOT NULL,
    conversation BIGINT       NOT NULL,
    seq          BIGINT       NOT NULL,
    PRIMARY KEY (user_account, conversation, seq),
    KEY mentions_in (conversation, seq),
    FOREIGN KEY (user_account) REFERENCES users (user_account),
    FOREIGN KEY (conversation) REFERENCES conversations (id)
) ENGINE = InnoDB;

CREATE TABLE hidden_messages (
    user_account VARCHAR(100) NOT NULL,
    conversation BIGINT       NOT NULL,
    seq          BIGINT       NOT NULL,
    PRIMARY KEY (user_account, conversation, seq),
    FOREIGN KEY (user_account) REFERENCES users (user_account),
    FOREIGN KEY (conversation) REFERENCES conversations (id)
) ENGINE = InnoDB;

CREATE TABLE account_changes (
    user_account VARCHAR(100) NOT NULL,
    change_no    BIGINT       NOT NULL,
    kind         VARCHAR(32)  NOT NULL,
    carry        MEDIUMTEXT   NOT NULL,
    PRIMARY KEY (user_account, change_no),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE INDEX files_of_owner ON files (owner, size);

CREATE TABLE invitations (
    code_hash   BINARY(32) NOT NULL PRIMARY KEY,
    uses_left   BIGINT     NOT NULL,
    expire_time BIGINT     NOT NULL,
    create_time BIGINT     NOT NULL
) ENGINE = InnoDB;

CREATE TABLE message_words (
    id    BIGINT     NOT NULL PRIMARY KEY,
    words MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    FULLTEXT KEY words_of_message (words)
) ENGINE = InnoDB;
CREATE TABLE messages_to_index (
    id BIGINT NOT NULL PRIMARY KEY
) ENGINE = InnoDB;
INSERT INTO counters (name, value) VALUES ('indexed', 0);
