package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// Everything that is MySQL's and MariaDB's own and not common SQL is in the files mysql*.go and in
// migrations/mysql.

const (
	mysqlDialTimeout = 5 * time.Second
	// mysqlTimeout is how long an answer is waited for before the connection is given up. It is longer
	// than what a row lock is waited for, which the server tells with an error of its own.
	mysqlTimeout  = 20 * time.Second
	mysqlLockWait = 10 // seconds
)

// mysqlSession makes every connection behave alike, whatever the server's defaults are.
// READ COMMITTED shows each statement what was committed before it.
var mysqlSession = [...]string{
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES', time_zone = '+00:00'," +
		fmt.Sprintf(" innodb_lock_wait_timeout = %d, innodb_ft_enable_stopword = 0", mysqlLockWait),
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
}

// mysqlDialect is a MySQL or MariaDB server.
func mysqlDialect(name string) (dialect, error) {
	cfg, err := parseMySQL(name)
	if err != nil {
		return dialect{}, err
	}
	readers := func() (*sql.DB, error) { return openMySQL(cfg, mysqlTimeout, "SET SESSION TRANSACTION READ ONLY") }
	return dialect{
		place:        mysqlPlace(cfg),
		kind:         goose.DialectMySQL,
		migrations:   "migrations/mysql",
		prepare:      func() error { return nil },
		look:         readers,
		openWriter:   func() (*sql.DB, error) { return openMySQL(cfg, mysqlTimeout) },
		openReaders:  readers,
		openMigrator: func() (*sql.DB, error) { return openMySQL(cfg, 0) },
		openAlone:    func() (*sql.DB, error) { return openMySQL(cfg, 0) },
		busy:         func(error) bool { return false },
		snapshot: []string{"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
			"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"},
		steps:       mysqlSteps,
		inspect:     inspectMySQL,
		claim:       claimMySQL,
		countTables: "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
		anyTables:   "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()",
		begin:       "START TRANSACTION",
		forUpdate:   " FOR UPDATE",
		beside:      true,
		drawChange:  "UPDATE counters SET value = LAST_INSERT_ID(value + ?) WHERE name = 'change'",
		draw:        drawMySQL,
		most:        256,
		// It also leaves out rows that break another rule than a key's.
		insertNew:     "INSERT IGNORE",
		greatest:      "GREATEST",
		least:         "LEAST",
		duplicate:     mysqlDuplicate,
		failed:        mysqlFailed,
		lost:          mysqlLost,
		noTransaction: func(error) bool { return false },
		wordsKey:      "id",
		hasWords:      "MATCH (message_words.words) AGAINST (? IN BOOLEAN MODE)",
		wordList:      func(groups [][]string, any bool) string { return wordList(groups, any, "+", " ", " ") },
		advance: multiSQL{prefix: "UPDATE conversations c JOIN (", row: "SELECT ? AS id, ? AS further, ? AS latest", between: " UNION ALL ",
			suffix: ") x ON c.id = x.id SET c.last_seq = c.last_seq + x.further, c.last_change = x.latest, c.touched = x.latest"},
		upsert: func(_, set string) string {
			return " ON DUPLICATE KEY UPDATE " + inserted.ReplaceAllString(set, "VALUES($1)")
		},
	}, nil
}

// drawMySQL takes the new value from the answer to the update, where LAST_INSERT_ID put it.
func drawMySQL(ctx context.Context, update *sql.Stmt, n int) (int64, error) {
	result, err := update.ExecContext(ctx, n)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// openMySQL opens a pool whose connections begin with mysqlSession and more; timeout 0 is none.
func openMySQL(cfg *mysql.Config, timeout time.Duration, more ...string) (*sql.DB, error) {
	cfg = cfg.Clone()
	cfg.ReadTimeout, cfg.WriteTimeout = timeout, timeout
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", mysqlPlace(cfg), err)
	}
	return sql.OpenDB(sessions{connector, append(mysqlSession[:], more...)}), nil
}

// sessions is a connector that sets up each connection.
type sessions struct {
	driver.Connector
	setup []string
}

// Connect opens a connection and sets it up.
func (s sessions) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, explainMySQL(err)
	}
	for _, statement := range s.setup {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("set up the session: %w", err), conn.Close())
		}
	}
	return conn, nil
}

// Numbers of errors, from MySQL's "Server Error Message Reference"; MariaDB has the same.
const (
	mysqlAccessDeniedDatabase = 1044
	mysqlAccessDenied         = 1045
	mysqlUnknownDatabase      = 1049
	mysqlTableExists          = 1050
	mysqlDuplicateColumn      = 1060
	mysqlDuplicateIndex       = 1061
	mysqlDuplicateRow         = 1062
	mysqlNothingToDrop        = 1091
)

// explainMySQL says what to do about a connection that was refused.
func explainMySQL(err error) error {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return err
	}
	switch e.Number {
	case mysqlUnknownDatabase:
		return fmt.Errorf("%w; make it with CREATE DATABASE", err)
	case mysqlAccessDenied:
		return fmt.Errorf("%w; check user and password in the database's URL", err)
	case mysqlAccessDeniedDatabase:
		return fmt.Errorf("%w; give the user its rights with GRANT ALL ON that database", err)
	}
	return err
}

// mysqlLost tells that the connection is gone.
func mysqlLost(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone)
}

// mysqlFailed tells that the database itself is in trouble (connection, lock, disk, rights), so that
// repeating single operations has no point.
func mysqlFailed(err error) bool {
	var network net.Error
	var e *mysql.MySQLError
	switch {
	case errors.Is(err, errDatabase), mysqlLost(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return true
	case errors.As(err, &e):
		return mysqlServerFailed(e.Number)
	}
	return false
}

// mysqlDuplicate tells of a row with a key that is there.
func mysqlDuplicate(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && e.Number == mysqlDuplicateRow
}

// mysqlServerFailed sorts the errors that have nothing to do with what was asked.
func mysqlServerFailed(number uint16) bool {
	switch number {
	case 1015, 1016, 1021, 1026, 1030, 1114, // files: locked, not opened, disk full, not written, storage engine, table full
		1037, 1038, 1041, // memory
		1040, 1129, 1203, 1226, // too many connections, host blocked
		mysqlAccessDeniedDatabase, mysqlAccessDenied, 1142, 1143, 1227, // rights
		1053, 1077, 1079, 1317, 1927, 3169, // going down, killed
		1158, 1159, 1160, 1161, // the network
		1180, 1205, // failed while committing, lock wait
		1290, 1792, 1836, // read-only
		mysqlUnknownDatabase, 1146: // the database or a table is not there
		return true
	}
	return false
}

// inspectMySQL warns of settings with which an answered message can be lost, and refuses one with which
// nothing can be written.
func inspectMySQL(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	var flush, syncBinlog int64
	var binlog bool
	var format string
	err := db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, @@binlog_format").
		Scan(&flush, &binlog, &syncBinlog, &format)
	if err != nil {
		return fmt.Errorf("read the database's settings: %w", err)
	}
	if flush != 1 {
		log.Warn("the database does not write to disk at each commit: answered messages are lost if its machine fails",
			"innodb_flush_log_at_trx_commit", flush, "should_be", 1)
	}
	if binlog && syncBinlog != 1 {
		log.Warn("the database does not write its binary log to disk at each commit: answered messages can be lost if its machine fails",
			"sync_binlog", syncBinlog, "should_be", 1)
	}
	if binlog && strings.EqualFold(format, "STATEMENT") {
		return errors.New("the database has binlog_format = STATEMENT, with which READ COMMITTED cannot write; set it to ROW or MIXED")
	}
	return nil
}
