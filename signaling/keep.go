package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"neochat/wire"
)

const (
	keepSoon  = 100 * time.Millisecond // after a change the calls are written within
	keepAgain = 15 * time.Second       // while there are calls they are written at least as often, so that the file tells when the server ended
	keptFor   = 5 * time.Minute        // calls of a server that ended longer ago are over
	keptBytes = 16 << 20               // bytes that are read of a file
)

// keeper writes down which calls there are, so that the next server has them: one that was told to end writes them
// at that moment, one that was killed has written them within keepSoon of the last change. Nothing is synced: who
// loses power is away for longer than a call waits.
type keeper struct {
	path   string     // "": calls end with the server
	writes sync.Mutex // held while the file is written; taken before cells.mu
	timer  *time.Timer
	soon   bool // a change waits to be written; guarded by cells.mu
}

// keptCalls is what the file holds.
type keptCalls struct {
	Time  int64      `json:"time"` // Unix ms
	Calls []keptCall `json:"calls"`
}

// keptCall is a cell without what belongs to connections.
type keptCall struct {
	Key          string            `json:"key"`
	Opener       string            `json:"opener"`
	Group        string            `json:"group,omitempty"`
	Conversation int64             `json:"conversation,omitempty"`
	Callees      []string          `json:"callees"`
	Kind         string            `json:"kind,omitempty"`
	Ringing      map[string]string `json:"ringing,omitempty"` // who rings each callee
	Outcome      map[string]string `json:"outcome,omitempty"`
	NextPerson   int               `json:"next_person,omitempty"`
	Answered     int64             `json:"answered,omitempty"` // Unix ms; 0: not yet
	Invited      map[string]string `json:"invited,omitempty"`  // who invited each of these callees
	Removed      []string          `json:"removed,omitempty"`
	NextLink     int               `json:"next_link,omitempty"`
	Links        []keptLink        `json:"links,omitempty"`
	Guests       []keptGuest       `json:"guests,omitempty"`
}

// keptLink and keptGuest hold hashes: what opens a call to a guest stands in no file.
type keptLink struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"` // its SHA-256
	By     string `json:"by"`
	Until  int64  `json:"until"` // Unix ms
	Uses   int    `json:"uses"`
	Used   int    `json:"used"`
}

type keptGuest struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Link    string `json:"link"`
	Session []byte `json:"session"` // its SHA-256
}

// changedLocked has the calls written soon.
func (cs *cells) changedLocked() {
	if cs.keep.path == "" || cs.ended || cs.keep.soon {
		return
	}
	cs.keep.soon = true
	cs.keep.timer.Reset(keepSoon)
}

// write is what the timer does.
func (cs *cells) write() {
	cs.keep.writes.Lock()
	defer cs.keep.writes.Unlock()
	cs.mu.Lock()
	if cs.ended {
		cs.mu.Unlock()
		return
	}
	cs.keep.soon = false
	kept := cs.keptLocked()
	if len(kept.Calls) > 0 {
		cs.keep.timer.Reset(keepAgain)
	}
	cs.mu.Unlock()
	if err := kept.write(cs.keep.path); err != nil {
		cs.srv.log.Warn("calls would not outlive a restart", "error", err)
	}
}

func (cs *cells) keptLocked() keptCalls {
	kept := keptCalls{Time: time.Now().UnixMilli()}
	for _, x := range cs.byKey {
		k := keptCall{Key: x.key, Opener: x.opener, Group: x.group, Conversation: x.conversation, Callees: slices.Sorted(maps.Keys(x.callees)),
			Kind: x.kind, Ringing: map[string]string{}, Outcome: maps.Clone(x.outcome), NextPerson: x.nextPerson,
			Invited: maps.Clone(x.invited), Removed: slices.Sorted(maps.Keys(x.removed)), NextLink: x.nextLink}
		x.keepGuests(&k)
		for account, r := range x.ringing {
			k.Ringing[account] = r.caller
		}
		if !x.answered.IsZero() {
			k.Answered = x.answered.UnixMilli()
		}
		kept.Calls = append(kept.Calls, k)
	}
	return kept
}

// write replaces the file; without calls there is none.
func (k keptCalls) write(path string) error {
	if len(k.Calls) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keeping calls: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(k)
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keeping calls: %w", err)
	}
	return nil
}

func readKept(path string) (k keptCalls, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("reading kept calls: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, keptBytes))
	if err != nil {
		return k, fmt.Errorf("reading kept calls: %w", err)
	}
	return parseKept(text)
}

// parseKept accepts what makes sense.
func parseKept(text []byte) (k keptCalls, err error) {
	if err := json.Unmarshal(text, &k); err != nil {
		return keptCalls{}, fmt.Errorf("reading kept calls: %w", err)
	}
	seen := map[string]bool{}
	for _, call := range k.Calls {
		if call.Key == "" || seen[call.Key] || call.Opener == "" || len(call.Callees) == 0 || call.NextPerson < 0 {
			return keptCalls{}, fmt.Errorf("reading kept calls: %q is none", call.Key)
		}
		for account := range call.Ringing {
			if call.Kind == "" || !slices.Contains(call.Callees, account) && account != call.Opener {
				return keptCalls{}, fmt.Errorf("reading kept calls: %q rings %q", call.Key, account)
			}
		}
		seen[call.Key] = true
	}
	return k, nil
}

// takeUp opens the calls that the server before this one had. They wait for their people for Times.Return; what rang
// rings again. A call that nobody comes back to ended when that server did.
func (cs *cells) takeUp() {
	if cs.keep.path == "" {
		return
	}
	kept, err := readKept(cs.keep.path)
	if err != nil {
		cs.srv.log.Warn("the calls of before the restart are over", "error", err)
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	over := time.Since(time.UnixMilli(kept.Time)) > keptFor
	for _, k := range kept.Calls {
		x := k.cell(time.UnixMilli(kept.Time))
		cs.byKey[x.key] = x
		cs.openDoorsLocked(x)
		if over {
			cs.closeLocked(x, "closed", nil)
			continue
		}
		for account, caller := range k.Ringing {
			cs.ringLocked(x, account, caller)
		}
		cs.closeAfterLocked(x, cs.srv.cfg.Times.Return)
	}
	if len(kept.Calls) > 0 {
		cs.srv.log.Info("took up calls", "count", len(cs.byKey), "over", len(kept.Calls)-len(cs.byKey))
	}
	cs.changedLocked()
}

// cell makes a cell of what was kept at that time.
func (k keptCall) cell(at time.Time) *cell {
	x := newCell(k.Opener, k.Group, k.Conversation)
	x.key, x.kind, x.nextPerson, x.nextLink, x.left = k.Key, k.Kind, k.NextPerson, k.NextLink, at
	for _, account := range k.Callees {
		x.callees[account] = true
	}
	maps.Copy(x.outcome, k.Outcome)
	maps.Copy(x.invited, k.Invited)
	for _, account := range k.Removed {
		x.removed[account] = true
	}
	x.takeUpGuests(k)
	if k.Answered > 0 {
		x.answered = time.UnixMilli(k.Answered)
	}
	return x
}

// shutdown keeps every call for the next server, or ends it where that cannot be. From here on nothing happens to a
// call; its media go on until release, so that clients first learn of the restart from their connections.
func (cs *cells) shutdown() {
	cs.keep.writes.Lock()
	defer cs.keep.writes.Unlock()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.ended = true
	cs.keep.timer.Stop()
	if cs.keep.path != "" {
		err := cs.keptLocked().write(cs.keep.path)
		if err == nil {
			for _, x := range cs.byKey {
				x.closed = true
			}
			return
		}
		cs.srv.log.Error("calls end with this server", "error", err)
	}
	for _, x := range cs.byKey {
		cs.closeLocked(x, "closed", nil)
	}
}

// release gives back what calls still hold after shutdown, when all connections are gone.
func (cs *cells) release() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for key, x := range cs.byKey {
		x.stopTimers()
		for _, r := range x.ringing {
			r.timer.Stop()
		}
		for _, p := range x.people {
			cs.removeLocked(x, p)
		}
		delete(cs.byKey, key)
	}
}

func errRestarts() error {
	return refusal(wire.StatUnavailable, "the server restarts; try again")
}
