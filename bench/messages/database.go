package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // the driver neochat uses

	"neochat/store/mariadbtest"
)

// database is what servers are measured on.
type database interface {
	name() string
	// url names a new database for a server; "" is the file in its data folder.
	url(data string) (string, error)
	// bare opens a new database for bare inserts and makes the table.
	bare(ctx context.Context, dir string) (*sql.DB, error)
	close() error
}

// openDatabase makes the one called name ready.
func openDatabase(name string) (database, error) {
	switch name {
	case "sqlite":
		return sqliteFiles{}, nil
	case "mariadb":
		s, err := mariadbtest.Start(true)
		if err != nil {
			return nil, err
		}
		return &mariaDB{server: s}, nil
	}
	return nil, fmt.Errorf("-database is sqlite or mariadb, not %q", name)
}

type sqliteFiles struct{}

func (sqliteFiles) name() string { return "SQLite" }

func (sqliteFiles) url(string) (string, error) { return "", nil }

func (sqliteFiles) close() error { return nil }

// sqliteBare is a table with the columns and indexes of neochat's messages.
const sqliteBare = `CREATE TABLE messages (
    id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, change_no INTEGER NOT NULL, author TEXT NOT NULL,
    kind TEXT NOT NULL, message TEXT NOT NULL, carry TEXT, file TEXT, create_time INTEGER NOT NULL, client_message_id TEXT) STRICT;
CREATE UNIQUE INDEX messages_in_order ON messages (conversation, seq);
CREATE INDEX messages_by_change ON messages (conversation, change_no);
CREATE UNIQUE INDEX messages_of_client ON messages (author, client_message_id, conversation) WHERE client_message_id IS NOT NULL;`

func (sqliteFiles) bare(ctx context.Context, dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-32768)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, sqliteBare)
	return db, err
}

// mariaDB is a server of our own, whose commits are on disk.
type mariaDB struct {
	server *mariadbtest.Server
	made   int
}

func (m *mariaDB) name() string { return "MariaDB" }

func (m *mariaDB) url(string) (string, error) {
	m.made++
	name := "bench" + strconv.Itoa(m.made)
	return m.server.URL(name), m.server.Exec("CREATE DATABASE " + name)
}

func (m *mariaDB) close() error { return m.server.Stop() }

// mariaBare is sqliteBare there.
const mariaBare = `CREATE TABLE bare.messages (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, conversation BIGINT NOT NULL, seq BIGINT NOT NULL, change_no BIGINT NOT NULL, author VARCHAR(100) NOT NULL,
    kind VARCHAR(32) NOT NULL, message TEXT NOT NULL, carry TEXT, file TEXT, create_time BIGINT NOT NULL, client_message_id VARCHAR(64),
    UNIQUE KEY (conversation, seq), KEY (conversation, change_no), UNIQUE KEY (author, client_message_id, conversation)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin`

func (m *mariaDB) bare(ctx context.Context, _ string) (*sql.DB, error) {
	if err := errors.Join(m.server.Exec("CREATE DATABASE bare"), m.server.Exec(mariaBare)); err != nil {
		return nil, err
	}
	cfg, err := mysql.ParseDSN(m.server.URL("bare")[len("mysql://"):])
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
