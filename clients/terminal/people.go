package terminal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"neochat/clients/sdk"
)

// who tells of an account, and whether it is here.
func (c *chat) who(ctx context.Context, arg string) error {
	p, err := c.client.Profile(ctx, arg)
	if err != nil {
		return err
	}
	line := "  " + visible(p.Account, false) + "  " + visible(p.Name, false)
	if states, err := c.client.Presence(ctx, p.Account); err == nil && len(states) == 1 {
		line = strings.TrimRight(line, " ") + "  " + presenceWord(states[0])
	}
	c.scr.print(strings.TrimRight(line, " "))
	return nil
}

// presenceWord says how somebody is, in one word or with the time.
func presenceWord(p sdk.Presence) string {
	if p.State == sdk.StateOffline && !p.LastSeen.IsZero() {
		return "offline, last seen " + when(p.LastSeen)
	}
	return visible(p.State, false)
}

// friend lists friends, asks, and answers.
func (c *chat) friend(ctx context.Context, arg string) error {
	verb, rest, _ := strings.Cut(arg, " ")
	account, words, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch {
	case verb == "":
		return c.friends(ctx)
	case account == "":
		return errUsage
	}
	var err error
	done := ""
	switch verb {
	case "ask":
		err, done = c.client.AskFriend(ctx, account, strings.TrimSpace(words)), "asked "+account
	case "accept":
		err, done = c.client.AnswerFriend(ctx, account, true), "you and "+account+" are friends now"
	case "refuse":
		err, done = c.client.AnswerFriend(ctx, account, false), "refused "+account
	case "end":
		err, done = c.client.EndFriend(ctx, account), "you and "+account+" are no longer friends"
	default:
		return errUsage
	}
	if err == nil {
		c.scr.note(visible(done, false))
	}
	return err
}

func (c *chat) friends(ctx context.Context) error {
	all, err := c.client.Friends(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.scr.print("no friends yet; /friend ask ACCOUNT asks somebody")
	}
	for _, f := range all {
		state := ""
		switch f.State {
		case sdk.FriendAsked:
			state = "you asked"
		case sdk.FriendAsking:
			state = "asks you: /friend accept " + visible(f.Account, false)
		}
		if f.Text != "" && f.State != sdk.FriendAccepted {
			state += " “" + cut(visible(f.Text, false), 40) + "”"
		}
		c.scr.print(strings.TrimRight(fmt.Sprintf("  %s %s %s", pad(visible(f.Account, false), 24), pad(visible(f.Name, false), 16), state), " "))
	}
	return nil
}

func (c *chat) block(ctx context.Context, arg string) error {
	if arg != "" {
		if err := c.client.Block(ctx, arg); err != nil {
			return err
		}
		c.scr.note("you hear nothing more from " + visible(arg, false) + "; /unblock takes it back")
		return nil
	}
	all, err := c.client.Blocked(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.scr.print("you blocked nobody")
	}
	for _, b := range all {
		c.scr.print("  " + pad(visible(b.Account, false), 24) + " since " + day(b.Since))
	}
	return nil
}

func (c *chat) unblock(ctx context.Context, arg string) error {
	if arg == "" {
		return errUsage
	}
	return c.client.Unblock(ctx, arg)
}

func (c *chat) goAway(ctx context.Context, _ string) error {
	return c.setAway(ctx, true)
}

// comeBack ends being away, which the next line does.
func (c *chat) comeBack(ctx context.Context) {
	c.mu.Lock()
	away := c.life.away
	c.mu.Unlock()
	if away {
		_ = c.setAway(ctx, false) // the line itself tells if nothing gets through
	}
}

func (c *chat) setAway(ctx context.Context, away bool) error {
	state := sdk.StateOnline
	if away {
		state = sdk.StateAway
	}
	if err := c.client.SetState(ctx, state); err != nil {
		return err
	}
	c.mu.Lock()
	c.life.away = away
	c.mu.Unlock()
	c.refreshStatus()
	return nil
}

// fields are the columns of a profile as people name them, in the order in which they are shown.
func fields() []struct {
	name  string
	field sdk.ProfileField
} {
	return []struct {
		name  string
		field sdk.ProfileField
	}{
		{"name", sdk.ProfileName}, {"phone", sdk.ProfilePhone}, {"sex", sdk.ProfileSex}, {"birthday", sdk.ProfileBirthday},
		{"address", sdk.ProfileAddress}, {"avatar", sdk.ProfileAvatar}, {"messages-from", sdk.ProfileMessagesFrom},
		{"presence-to", sdk.ProfilePresenceTo},
	}
}

// profile shows one's own profile, or changes a column of it.
func (c *chat) profile(ctx context.Context, arg string) error {
	if arg == "" {
		return c.showProfile(ctx)
	}
	name, value, _ := strings.Cut(arg, " ")
	value = strings.TrimSpace(value)
	for _, f := range fields() {
		if f.name != name {
			continue
		}
		if f.field == sdk.ProfileAvatar && value != "" {
			var err error
			if value, err = c.upload(ctx, value); err != nil {
				return err
			}
		}
		return c.client.SetProfile(ctx, map[sdk.ProfileField]string{f.field: value})
	}
	return errUsage
}

func (c *chat) showProfile(ctx context.Context) error {
	p, err := c.client.Profile(ctx, "")
	if err != nil {
		return err
	}
	c.fact("account", p.Account)
	values := []string{p.Name, p.Phone, p.Sex, p.Birthday, p.Address, "", p.MessagesFrom, p.PresenceTo}
	if p.Avatar != "" {
		values[5] = sdk.FileName(p.Avatar)
	}
	for i, f := range fields() {
		c.fact(f.name, values[i])
	}
	if !p.Registered.IsZero() {
		c.fact("registered", day(p.Registered))
	}
	return nil
}

func (c *chat) password(ctx context.Context, arg string) error {
	if arg != "" {
		return errUsage // nothing that stands in a line for all to see
	}
	present, err := c.askSecret(ctx, "present password")
	if err != nil {
		return err
	}
	next, err := c.askSecret(ctx, "new password")
	if err != nil {
		return err
	}
	again, err := c.askSecret(ctx, "new password again")
	if err != nil {
		return err
	}
	if next != again {
		return errors.New("the new passwords differ; nothing was changed")
	}
	if err := c.client.ChangePassword(ctx, present, next); err != nil {
		return err
	}
	c.scr.note("the password is changed; your other devices have to log in again")
	return nil
}

// showDevices lists where the account is logged in, or ends one of them.
func (c *chat) showDevices(ctx context.Context, arg string) error {
	if verb, number, _ := strings.Cut(arg, " "); verb == "end" {
		return c.endDevice(ctx, strings.TrimSpace(number))
	} else if arg != "" {
		return errUsage
	}
	var err error
	if c.devices, err = c.client.Devices(ctx); err != nil {
		return err
	}
	for i, d := range c.devices {
		name := d.Name
		if name == "" {
			name = "(plain)"
		}
		state := "last seen " + when(d.LastSeen)
		if d.Online {
			state = "online"
		}
		if d.Current {
			state += ", this one"
		}
		c.scr.print(fmt.Sprintf("%4d  %s %s, since %s", i+1, pad(visible(name, false), 24), state, day(d.Created)))
	}
	return nil
}

func (c *chat) endDevice(ctx context.Context, number string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return errUsage
	}
	if n < 1 || n > len(c.devices) {
		return fmt.Errorf("/devices shows none with the number %d", n)
	}
	d := c.devices[n-1]
	if d.Current {
		return errors.New("that is this one; /quit ends it")
	}
	if err := c.client.RevokeSession(ctx, d.Session); err != nil {
		return err
	}
	c.scr.note(fmt.Sprintf("%d is logged out", n))
	return nil
}

// account tells what the account may and has, or deletes it.
func (c *chat) account(ctx context.Context, arg string) error {
	if arg == "delete" {
		return c.deleteAccount(ctx)
	}
	if arg != "" {
		return errUsage
	}
	a, err := c.client.AccountInfo(ctx)
	if err != nil {
		return err
	}
	c.fact("account", a.Account)
	if a.Operator {
		c.fact("operator", "yes")
	}
	used := size(a.BytesUsed)
	if a.BytesAllowed > 0 {
		used += " of " + size(a.BytesAllowed)
	}
	c.fact("files", used)
	return nil
}

func (c *chat) deleteAccount(ctx context.Context) error {
	c.scr.note("the account " + visible(c.client.Account(), false) + " will be gone for good, and its name is not given again; an empty line keeps it")
	password, err := c.askSecret(ctx, "password")
	if err != nil {
		return err
	}
	if password == "" {
		c.scr.note("nothing was deleted")
		return nil
	}
	if err := c.client.DeleteAccount(ctx, password); err != nil {
		return err
	}
	c.deleted = true
	c.scr.note("the account is deleted")
	return errQuit
}

// size says how much n bytes are.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// day is a date.
func day(t time.Time) string { return t.Local().Format("2 January 2006") }

// readDay reads a date such as 2026-11-23; plus is added in days.
func readDay(s string, plus int) (time.Time, error) {
	t, err := time.ParseInLocation("2006-01-02", s, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no day; write it like 2026-11-23", s)
	}
	return t.AddDate(0, 0, plus), nil
}
