package store

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3"
)

// dialect is a database and what differs between the kinds of them, so that there is one set of
// statements: sqlite.go and mysql.go make one each.
type dialect struct {
	place      string // where the database is, for people: never with its password
	kind       goose.Dialect
	migrations string // folder of the embedded ones
	// prepare is called before anything is written.
	prepare func() error
	// look opens the database so that nothing of it is changed; nil: there is none yet.
	look        func() (*sql.DB, error)
	openWriter  func() (*sql.DB, error)
	openReaders func() (*sql.DB, error)
	// openMigrator opens it for changes of the schema, which may take long.
	openMigrator func() (*sql.DB, error)
	// openAlone opens it for Copy, which nothing else may disturb; busy tells that something does.
	openAlone func() (*sql.DB, error)
	busy      func(error) bool
	snapshot  []string // statements that begin reading one state of it
	// steps tells goose what the migrations are.
	steps func(context.Context, *sql.DB, fs.FS) ([]goose.ProviderOption, fs.FS, error)
	// inspect logs what is wrong with the database's settings, or refuses it.
	inspect func(context.Context, *sql.DB, *slog.Logger) error
	// claim keeps other servers off the database for as long as the connection lasts; see claimMySQL.
	claim func(ctx context.Context, conn *sql.Conn, previous int64) (session int64, err error)

	countTables string // counts the tables of a name
	anyTables   string // counts all tables
	begin       string // begins a transaction that writes
	forUpdate   string // ends a SELECT of a row that stays locked until the commit
	insertNew   string // INSERT that leaves rows alone whose key is there
	greatest    string // the function: the larger of two values
	least       string // the function: the smaller of two values
	// drawChange raises the counter of changes by a number; draw runs it, and returns what it has become.
	drawChange string
	draw       func(ctx context.Context, drawChange *sql.Stmt, n int) (last int64, err error)
	most       int // rows of the largest statements: where each is a round trip, many
	// upsert ends an INSERT: where the row of that key is there, set is done to it; {x} stands for
	// the value of column x that was to be inserted.
	upsert func(key, set string) string
	beside bool // what takes no change numbers can be written on a second connection meanwhile
	// advance raises last_seq by a number, and sets last_change and touched, of rows (id, number, change).
	advance multiSQL

	wordsKey string // the column of message_words that is the message's id
	hasWords string // is true of the rows of message_words that a word list finds
	// wordList finds what has all tokens of any one group. any: they are beginnings of tokens.
	wordList func(groups [][]string, any bool) string

	duplicate     func(error) bool // a row with a key that is there
	failed        func(error) bool // the database itself is in trouble, not one operation
	lost          func(error) bool // the connection is gone, before anything was done
	noTransaction func(error) bool // a ROLLBACK had nothing to roll back
}

// mysqlScheme begins the name of a database that is not a file.
const mysqlScheme = "mysql://"

// IsFile tells whether a database's name (see Config.Database) is the path of a file.
func IsFile(database string) bool { return !strings.HasPrefix(database, mysqlScheme) }

// dialectOf finds the dialect of a database by its name (see Config.Database).
func dialectOf(database string) (dialect, error) {
	if IsFile(database) {
		return sqliteDialect(database), nil
	}
	return mysqlDialect(database)
}

// inserted finds {column} in the set of an upsert.
var inserted = regexp.MustCompile(`\{([a-z_]+)\}`)
