package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

const (
	mysqlServing   = "CONCAT('neochat serves ', MD5(DATABASE()))" // a lock's name has at most 64 characters
	mysqlClaimWait = 3                                            // seconds
	mysqlNoThread  = 1094
)

// claimMySQL makes conn's session the one that serves the database, until the connection ends. previous is the
// session that did so for this program before (0: none): the server may not have noticed that it is gone.
func claimMySQL(ctx context.Context, conn *sql.Conn, previous int64) (session int64, err error) {
	var holder sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID(), IS_USED_LOCK("+mysqlServing+")").Scan(&session, &holder); err != nil {
		return 0, fmt.Errorf("look who serves the database: %w", err)
	}
	if holder.Valid && holder.Int64 == previous {
		_, err := conn.ExecContext(ctx, fmt.Sprintf("KILL %d", previous))
		var e *mysql.MySQLError
		if err != nil && !(errors.As(err, &e) && e.Number == mysqlNoThread) {
			return 0, fmt.Errorf("end the lost connection: %w", err)
		}
	}
	var got sql.NullBool
	if err := conn.QueryRowContext(ctx, fmt.Sprintf("SELECT GET_LOCK(%s, %d)", mysqlServing, mysqlClaimWait)).Scan(&got); err != nil {
		return 0, fmt.Errorf("claim the database: %w", err)
	}
	if !got.Bool {
		return 0, fmt.Errorf("%w (its connection is number %d; if its machine is gone, end it with KILL %d)", ErrInUse, holder.Int64, holder.Int64)
	}
	return session, nil
}
