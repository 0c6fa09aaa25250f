-- +goose Up
ALTER TABLE files ADD COLUMN width       INTEGER NOT NULL DEFAULT 0; -- pixels as shown; 0: no picture, or not known
ALTER TABLE files ADD COLUMN height      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0; -- of sound and video, as its sender says
ALTER TABLE files ADD COLUMN preview     TEXT    NOT NULL DEFAULT ''; -- hash of a small picture of it
-- Since when (Unix ms) no message, person or group may refer to it, as far as is known; NULL: something does.
ALTER TABLE files ADD COLUMN loose_since INTEGER;
UPDATE files SET loose_since = create_time;
CREATE INDEX files_loose ON files (loose_since) WHERE loose_since IS NOT NULL;
CREATE INDEX files_of_hash ON files (hash);
CREATE INDEX files_of_preview ON files (preview) WHERE preview <> '';
CREATE INDEX files_of_owner_by_time ON files (owner, create_time);

-- Files on their way, whose bytes come in pieces.
CREATE TABLE uploads (
    id          TEXT    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL REFERENCES users (user_account),
    name        TEXT    NOT NULL, -- of the file it becomes
    size        INTEGER NOT NULL, -- bytes it will have
    carry       TEXT    NOT NULL, -- a JSON object of what else its sender said
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    finished    INTEGER NOT NULL DEFAULT 0 -- it has become a file
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_of_owner ON uploads (owner, size);
CREATE INDEX uploads_by_expiry ON uploads (expire_time);

-- Hashes of bytes that no file has any more, to be removed from where bytes are kept.
CREATE TABLE file_garbage (
    hash     TEXT    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL,
    removing INTEGER NOT NULL DEFAULT 0 -- the removal has begun: nothing may refer to these bytes until it is over
) STRICT, WITHOUT ROWID;
CREATE INDEX file_garbage_by_time ON file_garbage (since);

-- +goose Down
DROP TABLE file_garbage;
DROP TABLE uploads;
DROP INDEX files_of_owner_by_time;
DROP INDEX files_of_preview;
DROP INDEX files_of_hash;
DROP INDEX files_loose;
ALTER TABLE files DROP COLUMN loose_since;
ALTER TABLE files DROP COLUMN preview;
ALTER TABLE files DROP COLUMN duration_ms;
ALTER TABLE files DROP COLUMN height;
ALTER TABLE files DROP COLUMN width;
