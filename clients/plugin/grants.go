package plugin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Grant is something that a plugin may be allowed to do.
type Grant string

// What may be granted.
const (
	Receive Grant = "receive" // be told new messages
	History Grant = "history" // read old messages
	People  Grant = "people"  // read profiles; in all conversations or not at all
	Send    Grant = "send"    // write in the person's name
)

// Grants returns all there are.
func Grants() []Grant { return []Grant{Receive, History, People, Send} }

// All stands for every conversation.
const All = "all"

// entry is what the file says of one plugin. Each list holds conversations, or All alone.
type entry struct {
	Token   string   `toml:"token_sha256,omitempty"` // hexadecimal; "": the plugin cannot connect by itself
	Receive []string `toml:"receive"`
	History []string `toml:"history"`
	People  []string `toml:"people"`
	Send    []string `toml:"send"`

	gone bool // it is to be forgotten
}

// list returns the conversations of one grant, to be changed.
func (e *entry) list(g Grant) *[]string {
	switch g {
	case Receive:
		return &e.Receive
	case History:
		return &e.History
	case People:
		return &e.People
	}
	return &e.Send
}

// allows reports whether g is granted in a conversation.
func (e *entry) allows(g Grant, conversation string) bool {
	l := *e.list(g)
	return slices.Contains(l, All) || conversation != "" && slices.Contains(l, conversation)
}

// some reports whether g is granted anywhere.
func (e *entry) some(g Grant) bool { return len(*e.list(g)) > 0 }

func (e *entry) add(g Grant, conversation string) {
	l := e.list(g)
	switch {
	case conversation == All || g == People:
		*l = []string{All}
	case !e.allows(g, conversation):
		*l = append(*l, conversation)
	}
}

func (e *entry) remove(g Grant, conversation string) {
	l := e.list(g)
	if conversation == All {
		*l = nil
		return
	}
	*l = slices.DeleteFunc(*l, func(c string) bool { return c == conversation })
}

func (e entry) clone() entry {
	for _, g := range Grants() {
		*e.list(g) = slices.Clone(*e.list(g))
	}
	return e
}

func (e *entry) grants() map[Grant][]string {
	all := map[Grant][]string{}
	for _, g := range Grants() {
		if e.some(g) {
			all[g] = slices.Clone(*e.list(g))
		}
	}
	return all
}

// knows reports whether token is the one that hash was made of.
func knows(hash, token string) bool {
	return hash != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(hashToken(token))) == 1
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// newToken makes a secret of 160 bits.
func newToken() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand, since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// grantsFile is the file's form.
type grantsFile struct {
	Plugin map[string]entry `toml:"plugin"`
}

const grantsHead = "# What the plugins of this account may do: in which conversations (their ids), or in [\"all\"].\n" +
	"# Read when the chat begins; /plugins in the chat changes it.\n\n"

// load reads the file of grants. A file that is missing grants nothing.
func load(path string) (map[string]entry, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what plugins may do: %w", err)
	}
	entries, err := parseGrants(text)
	if err != nil {
		return nil, fmt.Errorf("what plugins may do, in %s: %w", path, err)
	}
	return entries, nil
}

func parseGrants(text []byte) (map[string]entry, error) {
	var f grantsFile
	d := toml.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	var strict *toml.StrictMissingError
	var where *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		return nil, fmt.Errorf("an unknown key:\n%s", strict.String())
	case errors.As(err, &where):
		return nil, fmt.Errorf("not TOML:\n%s", where.String())
	case err != nil:
		return nil, err
	}
	for name, e := range f.Plugin {
		if !validName(name) {
			return nil, fmt.Errorf("%w: %q", ErrName, name)
		}
		if slices.Contains(e.People, All) != (len(e.People) > 0) {
			return nil, fmt.Errorf("people of %s is [] or [\"all\"]", name)
		}
	}
	return f.Plugin, nil
}

// save writes the file anew, as a whole or not at all, readable by its owner alone.
func save(path string, entries map[string]entry) error {
	kept := map[string]entry{}
	for name, e := range entries {
		if !e.gone && (e.Token != "" || len(e.grants()) > 0) {
			kept[name] = e
		}
	}
	text, err := toml.Marshal(grantsFile{kept})
	if err != nil {
		return fmt.Errorf("writing what plugins may do: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("writing what plugins may do: %w", err)
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".grants-")
	if err != nil {
		return fmt.Errorf("writing what plugins may do: %w", err)
	}
	_, err = t.Write(append([]byte(grantsHead), text...))
	if cerr := t.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		_ = os.Remove(t.Name()) // it is of no use to anybody
		return fmt.Errorf("writing what plugins may do: %w", err)
	}
	return nil
}

func validName(s string) bool {
	return len(s) > 0 && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}
