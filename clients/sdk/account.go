package sdk

import (
	"context"

	"neochat/wire"
)

// Profile is what the server knows of an account. Of others only Account and Name are told.
type Profile struct {
	Account, Name, Phone, Sex, Birthday, Address string
}

// Register makes the account of opt.Account and opt.Password, with what else p says. It does
// not log in. 409 where the account exists, 403 where the server takes no registrations.
func Register(ctx context.Context, opt Options, p Profile) error {
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
		"birthday", p.Birthday, "address", p.Address))
	l.close(ctx.Err() != nil)
	return err
}

// Profile returns what may be known of an account; "": of one's own.
func (c *Client) Profile(ctx context.Context, account string) (Profile, error) {
	a, _, err := c.Do(ctx, message("message_type", "profile", "type", "GET", "friends", account))
	if err != nil {
		return Profile{}, err
	}
	return Profile{Account: a.Get("user_account"), Name: a.Get("user_name"), Phone: a.Get("user_phone"),
		Sex: a.Get("sex"), Birthday: a.Get("birthday"), Address: a.Get("address")}, nil
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
