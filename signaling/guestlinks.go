package signaling

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"neochat/wire"
)

const (
	linkLife     = 24 * time.Hour
	linkLifeMost = 7 * 24 * time.Hour
	linkLifeMin  = time.Minute
	linkUses     = 20
	linkUsesMost = 100
	maxLinks     = 20  // of one call at a time
	maxGuests    = 200 // in one call
)

// digest is the SHA-256 of a secret: the secret itself is kept nowhere.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// newSecret returns 128 random bits as 22 characters.
func newSecret() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// guestLink lets people without an account into one call.
type guestLink struct {
	id         string
	secret     digest
	by         string // who made it
	until      time.Time
	uses, used int
}

func (l *guestLink) good(now time.Time) bool { return l.used < l.uses && now.Before(l.until) }

// makeLink makes a link into a call; nobody is told its secret again.
func makeLink(q *request) error {
	life, err := q.seconds("lifetime", linkLife, linkLifeMin, linkLifeMost)
	if err != nil {
		return err
	}
	uses, err := q.number("uses", linkUses)
	if err == nil && (uses < 1 || uses > linkUsesMost) {
		err = refusal(wire.StatBadRequest, "uses is from 1 to "+strconv.Itoa(linkUsesMost))
	}
	if err != nil {
		return err
	}
	x, err := q.moderated()
	if err != nil {
		return err
	}
	cs, now := q.c.srv.cells, time.Now()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if x.closed {
		return errNoCell()
	}
	for _, l := range slices.Clone(x.links) {
		if !l.good(now) {
			cs.revokeLocked(x, l.id)
		}
	}
	if len(x.links) >= maxLinks {
		return refusal(wire.StatTooLarge, "this call has "+strconv.Itoa(maxLinks)+" links; revoke one")
	}
	secret := newSecret()
	x.nextLink++
	l := &guestLink{id: strconv.Itoa(x.nextLink), secret: digestOf(secret), by: q.c.account, until: now.Add(life), uses: int(uses)}
	x.links = append(x.links, l)
	cs.doors[l.secret] = x
	cs.changedLocked()
	q.ok("connection_key", x.key, "link", l.id, "secret", secret, "until", millis(l.until), "uses", strconv.Itoa(l.uses))
	return nil
}

// seconds reads a duration within bounds; def where it is missing.
func (q *request) seconds(name string, def, least, most time.Duration) (time.Duration, error) {
	n, err := q.number(name, int64(def/time.Second))
	if err == nil && (n < int64(least/time.Second) || n > int64(most/time.Second)) {
		err = refusal(wire.StatBadRequest, name+" is from "+strconv.Itoa(int(least/time.Second))+" to "+strconv.Itoa(int(most/time.Second))+" seconds")
	}
	return time.Duration(n) * time.Second, err
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// moderated returns the call that the message is about, to those who moderate it.
func (q *request) moderated() (*cell, error) {
	x, err := q.cell()
	if err != nil {
		return nil, err
	}
	ctx, cancel := q.context()
	defer cancel()
	return x, q.moderates(ctx, x)
}

// listLinks tells which links lead into a call.
func listLinks(q *request) error {
	if q.c.srv.cfg.NoGuests {
		return errNoGuests()
	}
	x, err := q.moderated()
	if err != nil {
		return err
	}
	cs, now := q.c.srv.cells, time.Now()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var items []byte
	n := 0
	for _, l := range x.links {
		if !l.good(now) {
			continue
		}
		n++
		items = wire.Append(items, "link", l.id)
		items = wire.Append(items, "user_account", l.by)
		items = wire.Append(items, "until", millis(l.until))
		items = wire.AppendInt(items, "uses", int64(l.uses))
		items = wire.End(wire.AppendInt(items, "used", int64(l.used)))
	}
	q.list(n, items, false)
	return nil
}

// revokeLink ends a link and, if asked to, the presence of those who came by it.
func revokeLink(q *request) error {
	id, err := q.text("link", wire.MaxName)
	if err != nil {
		return err
	}
	x, err := q.moderated()
	if err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	expel, known := q.m.Get("expel") == "yes", cs.revokeLocked(x, id)
	var theirs []*guest
	for _, g := range x.guests {
		if g.link == id {
			theirs = append(theirs, g)
		}
	}
	if !known && (!expel || len(theirs) == 0) { // one revoked before may still be asked to take its guests out
		return refusal(wire.StatNotFound, "this call has no such link, or it is over")
	}
	q.ok("connection_key", x.key, "link", id)
	if expel {
		for _, g := range theirs {
			cs.endGuestLocked(x, g, "removed")
		}
	}
	return nil
}

// revokeLocked ends a link; false: there is none of that id.
func (cs *cells) revokeLocked(x *cell, id string) bool {
	at := slices.IndexFunc(x.links, func(l *guestLink) bool { return l.id == id })
	if at < 0 {
		return false
	}
	delete(cs.doors, x.links[at].secret)
	x.links = slices.Delete(x.links, at, at+1)
	cs.changedLocked()
	return true
}
