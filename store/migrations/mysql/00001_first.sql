-- Statement by statement the same as migrations/sqlite; a line that ends in a semicolon ends one. Each can be
-- repeated, for a change of the schema cannot be rolled back. Texts take the database's collation, which
-- compares byte for byte; files' names are binary because a key has room for 3,072 bytes.

CREATE TABLE counters (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value BIGINT      NOT NULL
) ENGINE = InnoDB;
INSERT INTO counters (name, value) VALUES ('change', 0);

CREATE TABLE users (
    user_account      VARCHAR(100) NOT NULL PRIMARY KEY,
    password_hash     VARCHAR(255) NOT NULL,
    user_name         VARCHAR(200) NOT NULL DEFAULT '',
    user_phone        VARCHAR(200) NOT NULL DEFAULT '',
    sex               VARCHAR(200) NOT NULL DEFAULT '',
    birthday          VARCHAR(200) NOT NULL DEFAULT '',
    address           VARCHAR(200) NOT NULL DEFAULT '',
    registration_time BIGINT       NOT NULL,
    suspended         TINYINT      NOT NULL DEFAULT 0
) ENGINE = InnoDB;

CREATE TABLE sessions (
    token_hash   BINARY(32)   NOT NULL PRIMARY KEY,
    user_account VARCHAR(100) NOT NULL,
    device       VARCHAR(64)  NOT NULL DEFAULT '',
    create_time  BIGINT       NOT NULL,
    KEY sessions_of_account (user_account),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE devices (
    user_account     VARCHAR(100) NOT NULL,
    device           VARCHAR(64)  NOT NULL,
    delivered_change BIGINT       NOT NULL,
    PRIMARY KEY (user_account, device),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE chat_groups (
    group_id     VARCHAR(16)   NOT NULL PRIMARY KEY,
    name         VARCHAR(200)  NOT NULL,
    introduction VARCHAR(2000) NOT NULL DEFAULT '',
    founder      VARCHAR(100)  NOT NULL,
    create_time  BIGINT        NOT NULL,
    FOREIGN KEY (founder) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE group_members (
    group_id     VARCHAR(16)  NOT NULL,
    user_account VARCHAR(100) NOT NULL,
    permissions  VARCHAR(16)  NOT NULL CHECK (permissions IN ('creator', 'admin', 'member')),
    join_time    BIGINT       NOT NULL,
    PRIMARY KEY (group_id, user_account),
    KEY group_members_of_account (user_account, group_id),
    FOREIGN KEY (group_id) REFERENCES chat_groups (group_id),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE conversations (
    id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind        VARCHAR(16)  NOT NULL CHECK (kind IN ('pair', 'group')),
    pair_a      VARCHAR(100),
    pair_b      VARCHAR(100),
    group_id    VARCHAR(16),
    last_seq    BIGINT       NOT NULL DEFAULT 0,
    last_change BIGINT       NOT NULL DEFAULT 0,
    UNIQUE KEY conversations_of_pair (pair_a, pair_b),
    UNIQUE KEY conversations_of_group (group_id),
    FOREIGN KEY (pair_a) REFERENCES users (user_account),
    FOREIGN KEY (pair_b) REFERENCES users (user_account),
    FOREIGN KEY (group_id) REFERENCES chat_groups (group_id),
    CHECK ((kind = 'pair') = (pair_a IS NOT NULL AND pair_b IS NOT NULL)),
    CHECK ((kind = 'group') = (group_id IS NOT NULL))
) ENGINE = InnoDB;

CREATE TABLE memberships (
    conversation BIGINT       NOT NULL,
    user_account VARCHAR(100) NOT NULL,
    since_seq    BIGINT       NOT NULL,
    until_seq    BIGINT       NOT NULL,
    until_change BIGINT       NOT NULL,
    read_seq     BIGINT       NOT NULL,
    PRIMARY KEY (conversation, user_account, since_seq),
    KEY memberships_of_account (user_account, conversation, since_seq),
    FOREIGN KEY (conversation) REFERENCES conversations (id),
    FOREIGN KEY (user_account) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE messages (
    id                BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    conversation      BIGINT       NOT NULL,
    seq               BIGINT       NOT NULL,
    change_no         BIGINT       NOT NULL,
    author            VARCHAR(100) NOT NULL,
    kind              VARCHAR(32)  NOT NULL,
    message           MEDIUMTEXT   NOT NULL,
    carry             MEDIUMTEXT,
    file              MEDIUMTEXT,
    create_time       BIGINT       NOT NULL,
    client_message_id VARCHAR(64),
    UNIQUE KEY messages_in_order (conversation, seq),
    KEY messages_by_change (conversation, change_no),
    UNIQUE KEY messages_of_client (author, client_message_id, conversation),
    FOREIGN KEY (conversation) REFERENCES conversations (id),
    FOREIGN KEY (author) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE files (
    name         VARBINARY(1000) NOT NULL PRIMARY KEY,
    owner        VARCHAR(100)    NOT NULL,
    hash         VARCHAR(128)    NOT NULL,
    size         BIGINT          NOT NULL,
    content_type VARCHAR(255)    NOT NULL,
    create_time  BIGINT          NOT NULL,
    FOREIGN KEY (owner) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE file_grants (
    file         VARBINARY(1000) NOT NULL,
    conversation BIGINT          NOT NULL,
    seq          BIGINT          NOT NULL,
    PRIMARY KEY (file, conversation, seq),
    FOREIGN KEY (file) REFERENCES files (name),
    FOREIGN KEY (conversation) REFERENCES conversations (id)
) ENGINE = InnoDB;
