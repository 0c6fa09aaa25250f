package sdk

import (
	"context"
	"time"

	"neochat/wire"
)

// Register makes the account of opt.Account and opt.Password, with what else p says, and with
// the code of an invitation where the server asks for one. It does not log in. 409 where the
// account exists, 403 where the server takes no registrations, or not without an invitation.
func Register(ctx context.Context, opt Options, p Profile, invite string) error {
	base, err := baseURL(opt.URL)
	if err != nil {
		return err
	}
	opt = opt.withDefaults()
	l, err := openLink(ctx, base, opt.HTTPClient, opt.Logger, func(Answer) {}, func(wire.Message) {})
	if err != nil {
		return err
	}
	_, err = l.ask(ctx, "register", message("message_type", "registered", "user_account", opt.Account,
		"user_password", opt.Password, "user_name", p.Name, "user_phone", p.Phone, "sex", p.Sex,
		"birthday", p.Birthday, "address", p.Address, "invite", invite))
	l.close(ctx.Err() != nil)
	return err
}

// Logout ends the session on the server, with all its connections, and the client:
// Err is then ErrLoggedOut.
func (c *Client) Logout(ctx context.Context) error {
	_, _, err := c.Do(ctx, message("message_type", "logout"))
	if err != nil {
		return err
	}
	c.fail(ErrLoggedOut)
	return nil
}

// ChangePassword replaces the present password. Every other session of the account ends at
// once; this one goes on with a token of its own (see Session). 404: the present one is wrong.
func (c *Client) ChangePassword(ctx context.Context, present, next string) error {
	a, _, err := c.Do(ctx, message("message_type", "password", "user_password", present, "new_password", next))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.password = next
	if s := a.Get("session"); s != "" {
		c.session = s
	}
	return nil
}

// AccountInfo is what an account may and has.
type AccountInfo struct {
	Account                 string
	Operator                bool
	BytesUsed, BytesAllowed int64 // of its files; BytesAllowed 0: not limited
}

// AccountInfo returns what this account may and has.
func (c *Client) AccountInfo(ctx context.Context) (AccountInfo, error) {
	a, _, err := c.Do(ctx, message("message_type", "account", "type", "GET"))
	if err != nil {
		return AccountInfo{}, err
	}
	return AccountInfo{Account: c.Account(), Operator: a.Get("operator") == "yes",
		BytesUsed: number(a, "bytes_used"), BytesAllowed: number(a, "bytes_allowed")}, nil
}

// DeleteAccount deletes this account for good, and ends the client: Err is then ErrLoggedOut.
// What it wrote stays with those it wrote to. 404: the password is wrong.
func (c *Client) DeleteAccount(ctx context.Context, password string) error {
	_, _, err := c.Do(ctx, message("message_type", "account", "type", "DELETE", "user_password", password))
	if err != nil {
		return err
	}
	c.fail(ErrLoggedOut)
	return nil
}

// Device is one session of this account.
type Device struct {
	Name     string // "": the plain device
	Session  string // its public id, for RevokeSession; not the token
	Created  time.Time
	LastSeen time.Time
	Online   bool
	Current  bool // this client's
}

// Devices returns the sessions of this account.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	_, items, err := c.Do(ctx, message("message_type", "device", "type", "GET"))
	if err != nil {
		return nil, err
	}
	all := make([]Device, 0, len(items))
	for _, m := range items {
		all = append(all, Device{Name: m.Get("device"), Session: m.Get("session"), Created: millis(m, "create_time"),
			LastSeen: millis(m, "last_seen"), Online: m.Get("online") == "yes", Current: m.Get("current") == "yes"})
	}
	return all, nil
}

// RevokeSession ends one session of this account, by the Session of a Device: its connections end at once.
func (c *Client) RevokeSession(ctx context.Context, session string) error {
	_, _, err := c.Do(ctx, message("message_type", "device", "type", "DELETE", "session", session))
	return err
}

// RevokeDevice ends all sessions of a named device of this account, and the server forgets it.
func (c *Client) RevokeDevice(ctx context.Context, device string) error {
	_, _, err := c.Do(ctx, message("message_type", "device", "type", "DELETE", "device", device))
	return err
}
