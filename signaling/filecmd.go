package signaling

import (
	"errors"
	"strconv"
	"strings"

	"neochat/store"
	"neochat/wire"
)

const (
	filePage = 50
	fileMost = 200
)

// getFile answers what is wanted of a file, or of one's own files.
func getFile(q *request) error {
	switch q.m.Get("want") {
	case "":
		return download(q)
	case "stat":
		return statFile(q)
	case "list":
		return listFiles(q)
	case "address":
		return fileAddress(q)
	}
	return refusal(wire.StatBadRequest, "want is stat, list or address; without it the file itself is sent")
}

// statFile tells what is known of a file that one may read.
func statFile(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	f, err := q.c.srv.readable(ctx, q.c.account, q.m.Get("file"))
	if err != nil {
		return err
	}
	b := appendFile(q.head(wire.StatOK), &f)
	b = wire.Append(b, "hash", f.Hash)
	preview := "no"
	if f.HasPreview() {
		preview = "yes"
	}
	q.c.answer(item{data: wire.End(wire.Append(b, "preview", preview))})
	return nil
}

// appendFile adds the lines that describe a file.
func appendFile(b []byte, f *store.File) []byte {
	b = wire.Append(b, "file", f.Name)
	b = wire.AppendInt(b, "size", f.Size)
	b = wire.Append(b, "content_type", f.ContentType)
	b = wire.AppendInt(b, "time", f.Time)
	if f.Width > 0 && f.Height > 0 {
		b = wire.AppendInt(wire.AppendInt(b, "width", f.Width), "height", f.Height)
	}
	if f.Duration > 0 {
		b = wire.AppendInt(b, "duration_ms", f.Duration)
	}
	return b
}

// listFiles tells which files of one's own take how much space.
func listFiles(q *request) error {
	limit, err := q.number("limit", filePage)
	if err != nil || limit == 0 {
		return refusal(wire.StatBadRequest, "limit must be a whole number from 1 to 200")
	}
	order, key, name, err := q.fileOrder()
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	page, more, count, err := q.c.srv.store.OwnFiles(ctx, q.c.account, order, key, name, int(min(limit, fileMost)))
	if err != nil {
		return err
	}
	used, allowed, err := q.c.srv.store.Usage(ctx, q.c.account)
	if err != nil {
		return err
	}
	items, told := ownFiles(page)
	b := wire.AppendInt(q.head(wire.StatOK), "count", int64(told))
	b = wire.AppendInt(b, "files", count)
	b = wire.AppendInt(wire.AppendInt(b, "bytes_used", used), "bytes_allowed", allowed)
	if more || told < len(page) {
		last := &page[told-1]
		b = wire.Append(wire.Append(b, "more", "yes"), "next", strconv.FormatInt(order.Key(&last.File), 10)+" "+last.Name)
	}
	q.c.answer(item{data: append(wire.End(b), items...)})
	return nil
}

// ownFiles encodes files, up to maxPage bytes.
func ownFiles(page []store.OwnFile) (items []byte, told int) {
	for i := range page {
		f := &page[i]
		size := len(items)
		items = appendFile(items, &f.File)
		if f.Message != "" {
			conversation, seq, _ := strings.Cut(f.Message, "-")
			items = wire.Append(items, "message_id", f.Message)
			items = wire.Append(wire.Append(items, "conversation", conversation), "seq", seq)
		}
		if items = wire.End(items); len(items) > maxPage && i > 0 {
			return items[:size], i
		}
	}
	return items, len(page)
}

// fileOrder reads in which order files are listed, and from behind which one on.
func (q *request) fileOrder() (order store.FileOrder, key int64, name string, err error) {
	switch q.m.Get("order") {
	case "", "size":
	case "time":
		order = store.LatestFirst
	default:
		return 0, 0, "", refusal(wire.StatBadRequest, "order is size (the largest first) or time (the latest first)")
	}
	after, ok := q.m.Lookup("after")
	if !ok {
		return order, 0, "", nil
	}
	number, name, _ := strings.Cut(after, " ")
	if key, err = strconv.ParseInt(number, 10, 64); err != nil || key < 0 || !validFileName(name) {
		return 0, 0, "", refusal(wire.StatBadRequest, "after is what the answer before had as next")
	}
	return order, key, name, nil
}

// deleteFile deletes a file of one's own.
func deleteFile(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	f, err := q.c.srv.readable(ctx, q.c.account, q.m.Get("file"))
	if err != nil {
		return err
	}
	err = q.c.srv.store.DropFile(ctx, q.c.account, f.Name)
	if errors.Is(err, store.ErrNotYours) {
		return refusal(wire.StatForbidden, "only who uploaded a file may delete it")
	}
	if err != nil {
		return err
	}
	q.ok("file", f.Name)
	return nil
}

// appendFileInfo adds what a message's files are: a line for each, NAME SIZE CONTENT_TYPE WIDTHxHEIGHT DURATION_MS preview, where
// a - stands for what there is not.
func appendFileInfo(b []byte, files []store.FileInfo) []byte {
	if len(files) == 0 {
		return b
	}
	var lines strings.Builder
	for i := range files {
		f := &files[i]
		if i > 0 {
			lines.WriteByte('\n')
		}
		dimensions, duration, preview := "-", "-", "-"
		if f.Width > 0 && f.Height > 0 {
			dimensions = strconv.FormatInt(f.Width, 10) + "x" + strconv.FormatInt(f.Height, 10)
		}
		if f.Duration > 0 {
			duration = strconv.FormatInt(f.Duration, 10)
		}
		if f.Preview {
			preview = "preview"
		}
		kind := strings.ReplaceAll(f.ContentType, " ", "") // of "text/plain; charset=utf-8"
		if kind == "" {
			kind = "-"
		}
		lines.WriteString(strings.Join([]string{f.Name, strconv.FormatInt(f.Size, 10), kind, dimensions, duration, preview}, " "))
	}
	return wire.Append(b, "file_info", lines.String())
}
