// Command backup writes all that an account may read into a folder: for each conversation a file
// of JSON lines, and the files named in it beside them. Started again it adds what is new. What
// was edited or deleted later stays as it was.
//
//	NEOCHAT_PASSWORD=… backup -server https://chat.example.org -account me -to backup
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"neochat/clients/sdk"
)

func main() {
	server := flag.String("server", "http://localhost:8080", "address of the server")
	account := flag.String("account", "", "account whose conversations are wanted")
	to := flag.String("to", "backup", "folder to write to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := backup(ctx, *server, *account, os.Getenv("NEOCHAT_PASSWORD"), *to)
	if err != nil {
		fmt.Fprintln(os.Stderr, "backup:", err)
		os.Exit(1)
	}
	fmt.Println(n, "messages added")
}

// line is one message in a file.
type line struct {
	Seq       int64     `json:"seq"`
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Type      string    `json:"type"`
	Author    string    `json:"author"`
	Text      string    `json:"text,omitempty"`
	ReplyTo   string    `json:"reply_to,omitempty"`
	File      string    `json:"file,omitempty"` // of a voice message
	Event     string    `json:"event,omitempty"`
	Friends   []string  `json:"friends,omitempty"`
	Reactions string    `json:"reactions,omitempty"`
}

// backup returns how many messages it added.
func backup(ctx context.Context, server, account, password, folder string) (int, error) {
	if err := os.MkdirAll(filepath.Join(folder, "files"), 0o700); err != nil {
		return 0, err
	}
	client, err := sdk.Dial(ctx, sdk.Options{URL: server, Account: account, Password: password, Device: "backup"})
	if err != nil {
		return 0, fmt.Errorf("log in as %s: %w", account, err)
	}
	defer client.Close()
	all, err := client.AllConversations(ctx)
	if err != nil {
		return 0, err
	}
	added := 0
	for _, conv := range all {
		n, err := conversation(ctx, client, conv, folder)
		added += n
		if err != nil {
			return added, fmt.Errorf("conversation %s: %w", conv.ID, err)
		}
	}
	return added, nil
}

// conversation adds what is new of one conversation.
func conversation(ctx context.Context, client *sdk.Client, conv sdk.Conversation, folder string) (added int, err error) {
	path := filepath.Join(folder, url.PathEscape(conv.ID)+".jsonl")
	last, whole, err := lastSeq(path)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Seek(whole, io.SeekStart); err != nil {
		return 0, err
	}
	for more := true; more; {
		var page []sdk.Message
		page, more, err = client.History(ctx, conv.ID, sdk.HistoryQuery{AfterSeq: last, FromStart: true, Limit: 200})
		if err != nil {
			return added, err
		}
		for _, m := range page {
			if err := files(ctx, client, m, folder); err != nil {
				return added, err
			}
			if err := json.NewEncoder(f).Encode(asLine(m)); err != nil {
				return added, err
			}
			last = m.Seq
			added++
		}
	}
	return added, nil
}

// lastSeq returns the last message of a file, and the length in bytes of its whole lines.
func lastSeq(path string) (seq, whole int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewReader(f)
	for {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return seq, whole, nil // a line that was cut short is written anew
		}
		if err != nil {
			return 0, 0, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", path, err)
		}
		seq, whole = l.Seq, whole+int64(len(text))
	}
}

func asLine(m sdk.Message) line {
	return line{Seq: m.Seq, ID: m.ID, Time: m.Time.UTC(), Type: m.Type, Author: m.Author, Text: m.Text, ReplyTo: m.ReplyTo,
		File: m.Voice.File, Event: m.Event, Friends: m.Friends, Reactions: m.Wire.Get("reactions")}
}

// named is how a text names a file; a name has no slash, and does not begin with a dot.
var named = regexp.MustCompile(`<file>([A-Za-z0-9%_-][A-Za-z0-9._%-]*)</file>`)

// files fetches what a message names and is not there yet. What cannot be had any more is left out.
func files(ctx context.Context, client *sdk.Client, m sdk.Message, folder string) error {
	names := []string{}
	for _, hit := range named.FindAllStringSubmatch(m.Text, -1) {
		names = append(names, hit[1])
	}
	if m.Voice.File != "" && named.MatchString("<file>"+m.Voice.File+"</file>") {
		names = append(names, m.Voice.File)
	}
	for _, name := range names {
		path := filepath.Join(folder, "files", name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		from, err := client.Download(ctx, name)
		if sdk.Stat(err) == 404 {
			continue
		}
		if err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
		if err := save(path, from); err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
	}
	return nil
}

// save makes a file of what from holds, all or nothing.
func save(path string, from io.ReadCloser) error {
	defer func() { _ = from.Close() }() // it was only read
	part := path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}
