package signaling

import (
	"crypto/rand"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"neochat/store"
	"neochat/wire"
)

const (
	maxGuestName = 100      // bytes
	guestPrefix  = "guest:" // no account has a colon
	guestDevice  = "guest"
)

// guest is somebody without an account, in one call.
type guest struct {
	account string // in the place of an account: guestPrefix and 16 characters
	name    string // as that person gave it
	link    string // by which they came
	session digest
}

// guestVerbs opens the call to a guest, or makes a link that does.
func guestVerbs(q *request) error {
	secret, opens := q.m.Lookup("secret")
	session, again := q.m.Lookup("session")
	switch {
	case opens || again:
		return enterAsGuest(q, secret, session)
	case !q.c.loggedIn.Load():
		return errLogin()
	case q.c.guest:
		return errGuest()
	case q.c.srv.cfg.NoGuests:
		return errNoGuests()
	}
	return makeLink(q)
}

func errNoGuests() error {
	return refusal(wire.StatForbidden, "this server lets nobody without an account into calls")
}

func errGuest() error {
	return refusal(wire.StatForbidden, "a guest takes part in one call and does nothing else here")
}

// enterAsGuest makes the connection a guest's: by a link's secret a new one's, by its session one's who was here before.
func enterAsGuest(q *request, secret, session string) error {
	s := q.c.srv
	if q.c.loggedIn.Load() {
		return refusal(wire.StatConflict, "this connection is logged in; open another one")
	}
	name := ""
	if session == "" {
		var err error
		if name, err = guestName(q.m.Get("guest_name")); err != nil {
			return err
		}
	}
	now := time.Now()
	if wait := s.guessers.wait("", q.c.address, now); wait > 0 {
		return &tooOften{of: boundGuesses, after: wait, what: "too many failed logins; wait"}
	}
	if wait := s.logins.take(q.c.address, now); wait > 0 {
		return &tooOften{of: boundLogins, after: wait, what: "too many logins from this address; wait"}
	}
	host, found := s.cells.hostOf(secret, session, now)
	if found = found && !s.cfg.NoGuests; found {
		ctx, cancel := q.context()
		defer cancel()
		called, err := s.store.Cards(ctx, []string{host})
		if err != nil {
			return err
		}
		found, err = s.cells.admitGuest(q, secret, session, name, host, nameIn(called))
		if err != nil {
			return err
		}
	}
	if !found {
		s.guessers.add("", q.c.address, now)
		return refusal(wire.StatNotFound, "this link is unknown, used up or expired, or its call is over; ask for another")
	}
	return nil
}

func nameIn(cards []store.Card) string {
	if len(cards) == 0 {
		return ""
	}
	return cards[0].Name
}

// guestName checks how a guest wants to be called.
func guestName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", refusal(wire.StatBadRequest, "guest_name is missing: how are you called?")
	case len(name) > maxGuestName:
		return "", refusal(wire.StatTooLarge, "guest_name has at most "+strconv.Itoa(maxGuestName)+" bytes")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, steers):
		return "", refusal(wire.StatBadRequest, "guest_name is one line without control characters")
	}
	return name, nil
}

// hostOf returns who made the link that leads somebody in; the opener where the link is gone.
func (cs *cells) hostOf(secret, session string, now time.Time) (string, bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, l, g := cs.doorLocked(secret, session, now)
	switch {
	case l != nil:
		return l.by, true
	case g != nil:
		return x.opener, true
	}
	return "", false
}

// doorLocked finds what a secret or a session opens: the call, and either its link, if that is still good, or its guest.
func (cs *cells) doorLocked(secret, session string, now time.Time) (*cell, *guestLink, *guest) {
	if session != "" {
		key := digestOf(session)
		if x := cs.doors[key]; x != nil {
			for _, g := range x.guests {
				if g.session == key {
					return x, nil, g
				}
			}
		}
		return nil, nil, nil
	}
	key := digestOf(secret)
	if x := cs.doors[key]; x != nil {
		for _, l := range x.links {
			if l.secret == key && l.good(now) {
				return x, l, nil
			}
		}
	}
	return nil, nil, nil
}

// admitGuest logs the connection in and answers; false: the door has closed meanwhile.
func (cs *cells) admitGuest(q *request, secret, session, name, host, hostName string) (bool, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ended {
		return false, errRestarts()
	}
	x, l, g := cs.doorLocked(secret, session, time.Now())
	if l == nil && g == nil {
		return false, nil
	}
	token := ""
	if g == nil {
		if len(x.guests) >= maxGuests {
			return false, refusal(wire.StatUnavailable, "this call has as many guests as it can have")
		}
		token = newSecret()
		g = &guest{account: newGuestAccount(), name: name, link: l.id, session: digestOf(token)}
		l.used++
		x.guests[g.account] = g
		cs.doors[g.session] = x
		cs.changedLocked()
	}
	q.c.guest = true
	q.c.welcome(g.account, guestDevice, g.account)
	q.ok("user_account", g.account, "guest_name", g.name, "session", token, "connection_key", x.key, "call", x.kind, "friends", host, "user_name", hostName)
	cs.srv.hub.add(g.account, q.c)
	return true, nil
}

func newGuestAccount() string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return guestPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// endGuestLocked takes a guest out, and ends the session and its connections, which are told the cause.
func (cs *cells) endGuestLocked(x *cell, g *guest, cause string) {
	if x.guests[g.account] != g {
		return
	}
	cs.takeOutLocked(x, g.account)
	delete(cs.doors, g.session)
	delete(x.guests, g.account)
	cs.changedLocked()
	cs.srv.hub.push(g.account, item{data: x.over(cause)}, nil)
	for _, c := range cs.srv.hub.of(g.account) {
		c.revoke()
	}
	go cs.srv.endLent(g.account) // it may take time
}

// logoutGuest ends a guest's session.
func logoutGuest(q *request) error {
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	q.ok()
	for _, x := range cs.byKey {
		if g := x.guests[q.c.account]; g != nil {
			cs.endGuestLocked(x, g, "")
		}
	}
	return nil
}

// keepGuests writes links and guests down.
func (x *cell) keepGuests(k *keptCall) {
	for _, l := range x.links {
		k.Links = append(k.Links, keptLink{ID: l.id, Secret: l.secret[:], By: l.by, Until: l.until.UnixMilli(), Uses: l.uses, Used: l.used})
	}
	for _, g := range x.guests {
		k.Guests = append(k.Guests, keptGuest{Account: g.account, Name: g.name, Link: g.link, Session: g.session[:]})
	}
}

// takeUpGuests reads them again, but for what makes no sense.
func (x *cell) takeUpGuests(k keptCall) {
	for _, l := range k.Links {
		if len(l.Secret) == len(digest{}) {
			x.links = append(x.links, &guestLink{id: l.ID, secret: digest(l.Secret), by: l.By, until: time.UnixMilli(l.Until), uses: l.Uses, used: l.Used})
		}
	}
	for _, g := range k.Guests {
		if len(g.Session) == len(digest{}) && strings.HasPrefix(g.Account, guestPrefix) {
			x.guests[g.Account] = &guest{account: g.Account, name: g.Name, link: g.Link, session: digest(g.Session)}
		}
	}
}

// openDoorsLocked lets the guests of a call that was taken up in.
func (cs *cells) openDoorsLocked(x *cell) {
	for _, l := range x.links {
		cs.doors[l.secret] = x
	}
	for _, g := range x.guests {
		cs.doors[g.session] = x
	}
}
