-- Statement by statement the same as migrations/sqlite.
ALTER TABLE files
    ADD COLUMN width       BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN height      BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN duration_ms BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN preview     VARCHAR(128) NOT NULL DEFAULT '',
    ADD COLUMN loose_since BIGINT       NULL,
    ADD KEY files_loose (loose_since),
    ADD KEY files_of_hash (hash),
    ADD KEY files_of_preview (preview),
    ADD KEY files_of_owner_by_time (owner, create_time);
UPDATE files SET loose_since = create_time;

CREATE TABLE uploads (
    id          VARCHAR(64)     NOT NULL PRIMARY KEY,
    owner       VARCHAR(100)    NOT NULL,
    name        VARBINARY(1000) NOT NULL,
    size        BIGINT          NOT NULL,
    carry       MEDIUMTEXT      NOT NULL,
    create_time BIGINT          NOT NULL,
    expire_time BIGINT          NOT NULL,
    finished    BIGINT          NOT NULL DEFAULT 0,
    KEY uploads_of_owner (owner, size),
    KEY uploads_by_expiry (expire_time),
    FOREIGN KEY (owner) REFERENCES users (user_account)
) ENGINE = InnoDB;

CREATE TABLE file_garbage (
    hash     VARCHAR(128) NOT NULL PRIMARY KEY,
    since    BIGINT       NOT NULL,
    removing BIGINT       NOT NULL DEFAULT 0,
    KEY file_garbage_by_time (since)
) ENGINE = InnoDB;
