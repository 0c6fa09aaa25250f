package signaling

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"neochat/store"
	"neochat/wire"
)

// maxInvited is how many may be rung into one call that it was not opened for.
const maxInvited = 100

// openOrAnswer is what `cell` means from a client: with cell_type an answer, else a new call.
func openOrAnswer(q *request) error {
	if _, ok := q.m.Lookup("cell_type"); ok {
		return answerRing(q)
	}
	ctx, cancel := q.context()
	defer cancel()
	callees, group, conversation, err := q.whomToCall(ctx)
	if err != nil {
		return err
	}
	x, err := q.c.srv.cells.open(q.c.account, callees, group, conversation)
	if err != nil {
		return err
	}
	q.ok("connection_key", x.key)
	return nil
}

// whomToCall resolves friends or group_id to the accounts that may be rung.
func (q *request) whomToCall(ctx context.Context) (callees []string, group string, conversation int64, err error) {
	to, err := q.targets()
	if err != nil {
		return nil, "", 0, err
	}
	for _, t := range to {
		in, members, err := q.c.srv.reach(ctx, q.c.account, t)
		if err != nil {
			return nil, "", 0, err
		}
		if len(to) == 1 {
			conversation = in
		}
		for _, a := range members {
			if a != q.c.account && !slices.Contains(callees, a) {
				callees = append(callees, a)
			}
		}
	}
	if len(callees) == 0 {
		return nil, "", 0, refusal(wire.StatBadRequest, "there is nobody but you to call")
	}
	if to[0].Conversation != 0 && len(callees) > 1 || to[0].Group != "" {
		group, err = q.groupOf(ctx, to[0])
	}
	return callees, group, conversation, err
}

func (q *request) groupOf(ctx context.Context, t store.Target) (string, error) {
	_, group, _, err := q.c.srv.store.Reach(ctx, q.c.account, t)
	return group, err
}

// key returns the call a message is about.
func (q *request) key() string {
	if v, ok := q.m.Lookup("cell_key"); ok {
		return v
	}
	return q.m.Get("connection_key")
}

// ring rings the devices of a cell's callees, or of those that friends names: who is not with the call yet is invited.
func ring(q *request) error {
	if err := q.mayRing(); err != nil {
		return err
	}
	return q.asHost(ringLocked)
}

// mayRing asks the store whether those to be rung take calls from here: a cell may be older than a block, and
// who is invited was never asked for. The members of a group may be rung in its calls.
func (q *request) mayRing() error {
	callees, err := q.friends()
	if err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		cs.mu.Unlock()
		return err
	}
	if x.group == "" && len(callees) == 0 {
		callees = x.absent(q.c.account)
	}
	callees = slices.DeleteFunc(callees, func(a string) bool { return x.group != "" && x.member(a) && x.invited[a] == "" })
	known, readmits := map[string]bool{}, false
	for _, a := range callees {
		known[a] = x.member(a)
		readmits = readmits || x.removed[a]
	}
	cs.mu.Unlock()
	ctx, cancel := q.context()
	defer cancel()
	for _, account := range callees {
		_, _, err := q.c.srv.reach(ctx, q.c.account, store.Target{Account: account})
		if err != nil && !(known[account] && errors.Is(err, store.ErrNotFound)) {
			return err
		}
	}
	if !readmits {
		return nil
	}
	return q.moderates(ctx, x)
}

// inviteLocked makes accounts members of the call. Those whom a moderator removed are members again: mayRing has
// asked for one.
func (cs *cells) inviteLocked(x *cell, by string, accounts []string) error {
	if slices.Contains(accounts, by) {
		return refusal(wire.StatNotFound, "friends names yourself")
	}
	fresh := slices.DeleteFunc(slices.Clone(accounts), x.member)
	if len(x.invited)+len(fresh) > maxInvited {
		return refusal(wire.StatTooLarge, "at most "+strconv.Itoa(maxInvited)+" people can be invited into a call")
	}
	for _, a := range fresh {
		delete(x.removed, a)
		if !x.callees[a] {
			x.callees[a], x.invited[a] = true, by
		}
	}
	if len(fresh) > 0 {
		cs.changedLocked()
		cs.newsLocked(x)
	}
	return nil
}

func ringLocked(q *request, cs *cells, x *cell, callees []string) error {
	if err := cs.inviteLocked(x, q.c.account, callees); err != nil {
		return err
	}
	if older := cs.crossingLocked(x); older != nil {
		cs.answerLocked(older, older.ringing[x.opener], q.c, wire.StatOK)
		cs.closeLocked(x, "closed", q.c)
		q.ok("cell_key", older.key)
		return nil
	}
	if len(callees) == 0 {
		callees = x.absent(q.c.account)
	}
	if x.kind == "" || len(x.ringing) == 0 && x.answered.IsZero() { // who is rung later joins the call as it is
		x.kind = q.kind
	}
	for _, a := range callees {
		cs.ringLocked(x, a, q.c.account)
	}
	q.ok("cell_key", x.key)
	return nil
}

// asHost runs f, with the cells locked, on the call that the message is about and the callees it
// names, for those who may ring others in it and stop their ringing.
func (q *request) asHost(f func(q *request, cs *cells, x *cell, callees []string) error) error {
	callees, err := q.friends()
	if err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		return err
	}
	if x.opener != q.c.account && x.person(q.c.account) == nil {
		return refusal(wire.StatForbidden, "only who opened this call or has joined it may do this; refuse it with cell_type: 404")
	}
	return f(q, cs, x, callees)
}

// person returns account's participant, or nil.
func (x *cell) person(account string) *participant {
	for _, p := range x.people {
		if p.account == account {
			return p
		}
	}
	return nil
}

// absent lists the members of the call that have not joined, but for one.
func (x *cell) absent(but string) []string {
	var list []string
	for _, a := range x.everyone() {
		if a != but && x.person(a) == nil {
			list = append(list, a)
		}
	}
	return list
}

// crossingLocked returns the older call in which the one that x calls is ringing x's opener.
func (cs *cells) crossingLocked(x *cell) *cell {
	if !x.pair() || x.kind != "" {
		return nil
	}
	for _, y := range cs.byKey {
		if y != x && y.pair() && x.callees[y.opener] && y.ringing[x.opener] != nil {
			return y
		}
	}
	return nil
}

func (cs *cells) ringLocked(x *cell, account, caller string) {
	if x.ringing[account] != nil || x.person(account) != nil {
		return
	}
	delete(x.outcome, account)
	x.ringing[account] = &bell{caller: caller, timer: time.AfterFunc(cs.srv.cfg.Times.Ring, func() { cs.ringTimeout(x, account) })}
	cs.changedLocked()
	cs.srv.hub.push(account, item{data: ringing(x, account, caller)}, nil)
}

// ringing is what a callee's device is told.
func ringing(x *cell, callee, caller string) []byte {
	b := wire.Append(nil, "user_account", caller)
	b = wire.Append(b, "message_type", x.kind)
	b = wire.Append(b, "cell_key", x.key)
	if x.invited[callee] != "" { // of the group and the conversation he knows nothing
		return wire.End(b)
	}
	if x.group != "" {
		b = wire.Append(b, "group_id", x.group)
	}
	if x.conversation != 0 {
		b = wire.AppendInt(b, "conversation", x.conversation)
	}
	return wire.End(b)
}

// ringAgain tells a device that has just logged in what rings its account.
func (cs *cells) ringAgain(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, x := range cs.byKey {
		if r := x.ringing[c.account]; r != nil {
			c.push(item{data: ringing(x, c.account, r.caller), push: true})
		}
	}
}

func (cs *cells) ringTimeout(x *cell, account string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	r := x.ringing[account]
	if x.closed || r == nil {
		return
	}
	cs.srv.hub.push(r.caller, item{data: verdict(x, account, 408)}, nil)
	if x.pair() {
		cs.closeLocked(x, "timeout", nil)
		return
	}
	cs.stopRingingLocked(x, account, "missed")
	cs.tellStopLocked(x, account, "timeout")
	cs.settleLocked(x, "timeout", nil)
}

// verdict tells what a callee answered.
func verdict(x *cell, callee string, stat int64) []byte {
	b := wire.Append(nil, "user_account", callee)
	b = wire.Append(b, "message_type", "cell")
	b = wire.AppendInt(b, "cell_type", stat)
	b = wire.Append(b, "friends", callee)
	return wire.End(wire.Append(b, "cell_key", x.key))
}

// answerRing is a callee's answer.
func answerRing(q *request) error {
	verdicts := map[string]int{"200": wire.StatOK, "404": wire.StatNotFound}
	stat, ok := verdicts[q.m.Get("cell_type")]
	if !ok {
		return refusal(wire.StatBadRequest, "cell_type is 200 to accept or 404 to refuse")
	}
	callers, err := q.friends()
	if err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.rungLocked(q.c.account, q.key(), callers)
	if err != nil {
		return err
	}
	cs.answerLocked(x, x.ringing[q.c.account], q.c, stat)
	q.ok("cell_key", x.key)
	return nil
}

// rungLocked finds the call that rings account: that of the key or, without one, the only one from that caller.
func (cs *cells) rungLocked(account, key string, callers []string) (*cell, error) {
	if cs.ended {
		return nil, errRestarts()
	}
	var found []*cell
	for _, x := range cs.byKey {
		r := x.ringing[account]
		if r == nil || key != "" && x.key != key || len(callers) > 0 && !slices.Contains(callers, r.caller) {
			continue
		}
		if key == "" && len(callers) != 1 {
			continue
		}
		found = append(found, x)
	}
	switch len(found) {
	case 0:
		return nil, refusal(wire.StatNotFound, "no such call rings you")
	case 1:
		return found[0], nil
	}
	return nil, refusal(wire.StatConflict, "several calls of that friend ring you; say cell_key")
}

// answerLocked carries a callee's answer to the caller and to the callee's other devices.
func (cs *cells) answerLocked(x *cell, r *bell, c *conn, stat int) {
	outcome := "answered"
	if stat != wire.StatOK {
		outcome = "refused"
	}
	cs.stopRingingLocked(x, c.account, outcome)
	cs.srv.hub.push(r.caller, item{data: verdict(x, c.account, int64(stat))}, nil)
	cs.srv.hub.push(c.account, item{data: verdict(x, c.account, wire.StatConflict)}, c)
	switch {
	case stat == wire.StatOK:
		cs.closeAfterLocked(x, cs.srv.cfg.Times.Unrung) // unless somebody joins
	case x.pair():
		x.outcome[r.caller] = "refused" // told by the answer itself
		cs.closeLocked(x, "refused", c)
	default:
		cs.settleLocked(x, "refused", nil)
	}
}

// cancelRing stops the ringing of all callees, or of those that friends names.
func cancelRing(q *request) error { return q.asHost(cancelLocked) }

func cancelLocked(q *request, cs *cells, x *cell, callees []string) error {
	q.ok("cell_key", x.key)
	var stop []string
	for account := range x.ringing {
		if len(callees) == 0 || slices.Contains(callees, account) {
			stop = append(stop, account)
		}
	}
	givenUp := x.answered.IsZero() && x.opener == q.c.account || len(x.people) == 0
	if len(stop) == len(x.ringing) && givenUp {
		cs.closeLocked(x, "cancelled", q.c)
		return nil
	}
	for _, account := range stop {
		cs.stopRingingLocked(x, account, "cancelled")
		cs.tellStopLocked(x, account, "cancelled")
	}
	return nil
}

// closeCell ends the call for everybody.
func closeCell(q *request) error {
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		return err
	}
	if x.opener != q.c.account && !x.pair() {
		return refusal(wire.StatForbidden, "only who opened this call may close it; leave it instead")
	}
	q.ok("cell_key", x.key)
	cs.closeLocked(x, "cancelled", q.c)
	return nil
}
