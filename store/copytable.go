package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
)

// copyPiece is how many rows are copied in a transaction.
const copyPiece = 500

// copiedTable is a table and the columns of its primary key, in whose order it is copied.
type copiedTable struct {
	name string
	key  []string
	but  string // a condition: rows that are copied or compared
}

// copiedTables are in the order in which rows can refer to each other.
var copiedTables = [...]copiedTable{
	{name: "users", key: []string{"user_account"}},
	{name: "sessions", key: []string{"token_hash"}},
	{name: "devices", key: []string{"user_account", "device"}},
	{name: "invitations", key: []string{"code_hash"}},
	{name: "relationships", key: []string{"user_account", "friend_account"}},
	{name: "account_changes", key: []string{"user_account", "change_no"}},
	{name: "chat_groups", key: []string{"group_id"}},
	{name: "group_members", key: []string{"group_id", "user_account"}},
	{name: "conversations", key: []string{"id"}},
	{name: "memberships", key: []string{"conversation", "user_account", "since_seq"}},
	{name: "messages", key: []string{"id"}},
	{name: "edited_messages", key: []string{"conversation", "post_change"}},
	{name: "hidden_messages", key: []string{"user_account", "conversation", "seq"}},
	{name: "mentions", key: []string{"user_account", "conversation", "seq"}},
	{name: "reactions", key: []string{"conversation", "seq", "user_account", "reaction"}},
	{name: "files", key: []string{"name"}},
	{name: "file_grants", key: []string{"file", "conversation", "seq"}},
	{name: "uploads", key: []string{"id"}},
	{name: "file_garbage", key: []string{"hash"}},
}

// countersTable is copied last, by other means: its rows are there before.
var countersTable = copiedTable{name: "counters", key: []string{"name"}, but: "name NOT IN ('" + copyingCounter + "', 'indexed')"}

func (c *copier) copyAll(ctx context.Context) error {
	for _, t := range copiedTables {
		if err := c.copyTable(ctx, t); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	if err := c.copyCounters(ctx); err != nil {
		return fmt.Errorf("copy counters: %w", err)
	}
	return nil
}

// copyTable continues after the last row that the target has.
func (c *copier) copyTable(ctx context.Context, t copiedTable) error {
	from, to, err := c.layouts(ctx, t)
	if err != nil {
		return err
	}
	total, err := c.from.count(ctx, t)
	if err != nil {
		return err
	}
	done, err := c.to.count(ctx, t)
	if err != nil {
		return err
	}
	last, err := c.to.lastKey(ctx, t)
	for err == nil {
		c.progress(t.name, done, total)
		var piece [][]any
		if piece, err = c.from.page(ctx, t, from, last); err != nil || len(piece) == 0 {
			return err
		}
		last = piece[len(piece)-1][:len(t.key)]
		err = c.to.insert(ctx, t, to, piece)
		done += int64(len(piece))
	}
	return err
}

// copyCounters sets those that the schema's first rows are there for, and adds others.
func (c *copier) copyCounters(ctx context.Context) error {
	from, to, err := c.layouts(ctx, countersTable)
	if err != nil {
		return err
	}
	rows, err := c.from.page(ctx, countersTable, from, nil)
	for _, row := range rows {
		_, failed := c.to.ExecContext(ctx, "INSERT INTO counters (name, value) VALUES (?, ?)"+
			c.to.upsert("name", "value = {value}"), fit(row[0], to.text[0]), row[1])
		err = errors.Join(err, failed)
	}
	return err
}

// layout is the order of a table's columns, the key's first, and which of them hold text on one side.
type layout struct {
	names []string
	text  []bool
}

// layouts are in the same order for both sides, which must have the same columns.
func (c *copier) layouts(ctx context.Context, t copiedTable) (from, to layout, err error) {
	in, err := c.from.columns(ctx, t)
	if err != nil {
		return from, to, err
	}
	out, err := c.to.columns(ctx, t)
	if err != nil {
		return from, to, err
	}
	names := slices.Clone(t.key)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	from.names, to.names = names, names
	for _, name := range names {
		text, ok := out[name]
		if !ok || len(out) != len(in) {
			return from, to, fmt.Errorf("source and target have different columns: %q and %q", slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(out)))
		}
		from.text, to.text = append(from.text, in[name]), append(to.text, text)
	}
	return from, to, nil
}

// columns tells of each whether it holds text.
func (s *side) columns(ctx context.Context, t copiedTable) (map[string]bool, error) {
	rows, err := s.QueryContext(ctx, "SELECT * FROM "+t.name+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	all := map[string]bool{}
	for _, c := range types {
		all[c.Name()] = strings.EqualFold(c.DatabaseTypeName(), "TEXT")
	}
	return all, errors.Join(err, rows.Err())
}

// fit makes a value what a column takes: drivers give texts as bytes or as strings.
func fit(v any, text bool) any {
	if b, ok := v.([]byte); ok && text {
		return string(b)
	}
	return v
}

func (s *side) count(ctx context.Context, t copiedTable) (rows int64, err error) {
	err = s.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.name+t.where()).Scan(&rows)
	return rows, err
}

func (t copiedTable) where() string {
	if t.but == "" {
		return ""
	}
	return " WHERE " + t.but
}

// lastKey is nil for an empty table.
func (s *side) lastKey(ctx context.Context, t copiedTable) ([]any, error) {
	rows, err := s.QueryContext(ctx, "SELECT "+strings.Join(t.key, ", ")+" FROM "+t.name+
		" ORDER BY "+strings.Join(t.key, " DESC, ")+" DESC LIMIT ?", 1)
	if err != nil {
		return nil, err
	}
	found, err := readRows(rows, len(t.key))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// page reads the rows after a key (nil: the first ones).
func (s *side) page(ctx context.Context, t copiedTable, l layout, after []any) ([][]any, error) {
	condition, args := t.after(l, after)
	rows, err := s.QueryContext(ctx, "SELECT "+strings.Join(l.names, ", ")+" FROM "+t.name+condition+
		" ORDER BY "+strings.Join(t.key, ", ")+" LIMIT ?", append(args, copyPiece)...)
	if err != nil {
		return nil, err
	}
	return readRows(rows, len(l.names))
}

// after is the condition for rows behind a key. The first term is for the index: not every
// database uses it for the others.
func (t copiedTable) after(l layout, key []any) (string, []any) {
	if key == nil {
		return t.where(), nil
	}
	condition, args := t.key[0]+" >= ?", []any{fit(key[0], l.text[0])}
	var terms []string
	for i := range t.key {
		var term []string
		for j := range i {
			term = append(term, t.key[j]+" = ?")
			args = append(args, fit(key[j], l.text[j]))
		}
		terms = append(terms, strings.Join(append(term, t.key[i]+" > ?"), " AND "))
		args = append(args, fit(key[i], l.text[i]))
	}
	condition += " AND (" + strings.Join(terms, " OR ") + ")"
	if t.but != "" {
		condition += " AND " + t.but
	}
	return " WHERE " + condition, args
}

func readRows(rows *sql.Rows, width int) (all [][]any, err error) {
	defer rows.Close()
	for rows.Next() {
		row, into := make([]any, width), make([]any, width)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// insert writes rows in one transaction.
func (s *side) insert(ctx context.Context, t copiedTable, l layout, rows [][]any) error {
	if _, err := s.ExecContext(ctx, s.begin); err != nil {
		return err
	}
	for len(rows) > 0 {
		n := oneStatement(rows)
		m := rowsOf("INSERT INTO "+t.name+" ("+strings.Join(l.names, ", ")+") VALUES ",
			"("+strings.TrimSuffix(strings.Repeat("?, ", len(l.names)), ", ")+")", ", ", "")
		var args []any
		for _, row := range rows[:n] {
			for i, v := range row {
				args = append(args, fit(v, l.text[i]))
			}
		}
		if _, err := s.ExecContext(ctx, m.sized(n), args...); err != nil {
			_, undo := s.ExecContext(ctx, "ROLLBACK")
			return errors.Join(err, undo)
		}
		rows = rows[n:]
	}
	_, err := s.ExecContext(ctx, "COMMIT")
	return err
}

// oneStatement returns how many of the rows, at least one, go into a statement: servers limit its size.
func oneStatement(rows [][]any) int {
	const most, mostBytes = 64, 1 << 20
	size := 0
	for i, row := range rows {
		for _, v := range row {
			switch v := v.(type) {
			case string:
				size += len(v)
			case []byte:
				size += len(v)
			}
		}
		if i == most || size > mostBytes && i > 0 {
			return i
		}
	}
	return len(rows)
}

// compareAll returns all tables, and ErrConflict if one differs.
func (c *copier) compareAll(ctx context.Context) (all []CopiedTable, err error) {
	var different []string
	for _, t := range append(copiedTables[:], countersTable) {
		one, err := c.compare(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", t.name, err)
		}
		if one.From != one.To || one.FromRows != one.ToRows {
			different = append(different, t.name)
		}
		all = append(all, one)
	}
	if different != nil {
		err = fmt.Errorf("the copy differs in %s: one of the two was used meanwhile; empty the target and begin again: %w",
			strings.Join(different, ", "), ErrConflict)
	}
	return all, err
}

func (c *copier) compare(ctx context.Context, t copiedTable) (one CopiedTable, err error) {
	from, to, err := c.layouts(ctx, t)
	if err != nil {
		return one, err
	}
	one.Name = t.name
	if one.FromRows, one.From, err = c.from.digest(ctx, t, from); err != nil {
		return one, err
	}
	one.ToRows, one.To, err = c.to.digest(ctx, t, to)
	return one, err
}

// digest reads the whole table.
func (s *side) digest(ctx context.Context, t copiedTable, l layout) (rows int64, sum string, err error) {
	h := sha256.New()
	var last []any
	for {
		piece, err := s.page(ctx, t, l, last)
		if err != nil {
			return 0, "", err
		}
		if len(piece) == 0 {
			return rows, hex.EncodeToString(h.Sum(nil)), nil
		}
		for _, row := range piece {
			for _, v := range row {
				if err := digestValue(h, v); err != nil {
					return 0, "", err
				}
			}
		}
		rows += int64(len(piece))
		last = piece[len(piece)-1][:len(t.key)]
	}
}

// digestValue writes a value so that no two differ and look alike; text and bytes are the same.
func digestValue(h hash.Hash, v any) error {
	kind, number, text := byte('b'), int64(0), ""
	switch v := v.(type) {
	case nil:
		kind = 'n'
	case int64:
		kind, number = 'i', v
	case string:
		number, text = int64(len(v)), v
	case []byte:
		number, text = int64(len(v)), string(v)
	default:
		return fmt.Errorf("a value of type %T", v)
	}
	h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(number)))
	io.WriteString(h, text)
	return nil
}
