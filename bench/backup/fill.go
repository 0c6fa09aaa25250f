package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver neochat uses

	"neochat/files"
	"neochat/store"
)

// password is everybody's.
const password = "correct horse battery"

func account(n int) string { return fmt.Sprintf("person%02d", n) }

// fill makes a data folder with people, messages between them, and files that messages name.
func fill(ctx context.Context, data string, o options) (err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{Database: filepath.Join(data, "neochat.db"), Logger: slog.New(slog.DiscardHandler), PasswordCost: store.PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for n := range o.people {
		if err := s.CreateUser(ctx, store.User{Account: account(n)}, password); err != nil {
			return err
		}
	}
	names, err := fillFiles(ctx, s, data, o)
	if err != nil {
		return err
	}
	source := rand.New(rand.NewPCG(1, 2))
	waiting := make(chan struct{}, 4096)
	failed := make(chan error, 1)
	for n := range o.messages {
		waiting <- struct{}{}
		by := n % o.people
		d := store.Draft{Author: account(by), To: []store.Target{{Account: account((by + 1 + n/o.people%3) % o.people)}}, Kind: "text",
			Text: strings.Repeat("lorem ipsum ", 1+source.IntN(15)), ClientID: fmt.Sprint("fill-", n)}
		if n < len(names) {
			d.Author, d.Files = account(0), []string{names[n]}
			d.To[0].Account = account(1)
		}
		s.Post(d, func(_ []store.Posted, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
			<-waiting
		})
	}
	for range cap(waiting) {
		waiting <- struct{}{}
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func fillFiles(ctx context.Context, s *store.Store, data string, o options) (names []string, err error) {
	folder, err := files.OpenFolder(filepath.Join(data, "files"))
	if err != nil {
		return nil, err
	}
	source := rand.NewChaCha8([32]byte{1})
	body := make([]byte, o.blob<<10)
	for n := range (o.mib << 10) / o.blob {
		if _, err := source.Read(body); err != nil {
			return nil, err
		}
		hash, size, err := folder.Put(ctx, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s_%d_x.bin", account(0), n)
		if _, err := s.PutFile(ctx, store.File{Name: name, Owner: account(0), Hash: hash, ContentType: "application/octet-stream", Size: size}); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// compare holds what was restored against its source up to the last thing that is in it, by digests of the rows: texts
// and files are only added here.
func compare(ctx context.Context, source, restored string) error {
	var last int64
	for _, table := range []struct{ name, key string }{{"messages", "id"}, {"files", "name"}, {"file_grants", "file, conversation, seq"}} {
		query, args := "SELECT * FROM "+table.name+" ORDER BY "+table.key, []any(nil)
		if table.name == "messages" {
			query = "SELECT * FROM messages WHERE id <= ? ORDER BY id"
			if err := one(ctx, restored, "SELECT MAX(id) FROM messages", &last); err != nil {
				return err
			}
			args = []any{last}
		}
		want, rows, err := digest(ctx, source, query, args...)
		if err != nil {
			return err
		}
		got, n, err := digest(ctx, restored, query, args...)
		if err != nil {
			return err
		}
		if got != want || rows == 0 || n != rows {
			return fmt.Errorf("%s: %d rows, %.16s restored; the source has %d, %.16s", table.name, n, got, rows, want)
		}
		fmt.Printf("%-12s %8d rows up to that point, digest %.16s on both sides\n", table.name, rows, got)
	}
	return nil
}

func one(ctx context.Context, path, query string, into any) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	return db.QueryRowContext(ctx, query).Scan(into)
}

func digest(ctx context.Context, path, query string, args ...any) (sum string, n int, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return "", 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return "", 0, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", 0, err
	}
	row, into := make([]any, len(names)), make([]any, len(names))
	for i := range row {
		into[i] = &row[i]
	}
	h := sha256.New()
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return "", 0, err
		}
		fmt.Fprintf(h, "%q\n", row)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), n, rows.Err()
}
