package sdk

import (
	"context"
	"strconv"
	"time"

	"neochat/wire"
)

// GuestLink lets people without an account into one call.
type GuestLink struct {
	ID         string
	By         string // who made it; "" in the answer to MakeGuestLink
	Secret     string // told once, by MakeGuestLink: put it into a fragment, as in https://SERVER/#guest=SECRET
	Until      time.Time
	Uses, Used int // how many it lets in, and did
}

// MakeGuestLink makes a link into a call that this account moderates. 0 for lifetime is a day, at most a week; 0
// for uses is 20, at most 100.
func (c *Client) MakeGuestLink(ctx context.Context, cellKey string, lifetime time.Duration, uses int) (GuestLink, error) {
	m := message("message_type", "guest", "connection_key", cellKey)
	addNumber(&m, "lifetime", int64(lifetime/time.Second))
	addNumber(&m, "uses", int64(uses))
	a, _, err := c.Do(ctx, m)
	return readGuestLink(a), err
}

// GuestLinks returns the links that lead into a call.
func (c *Client) GuestLinks(ctx context.Context, cellKey string) ([]GuestLink, error) {
	_, items, err := c.Do(ctx, message("message_type", "guest", "type", "GET", "connection_key", cellKey))
	if err != nil {
		return nil, err
	}
	all := make([]GuestLink, 0, len(items))
	for _, m := range items {
		all = append(all, readGuestLink(m))
	}
	return all, nil
}

// RevokeGuestLink ends a link, and with expel the presence of those who came by it.
func (c *Client) RevokeGuestLink(ctx context.Context, cellKey, id string, expel bool) error {
	m := message("message_type", "guest", "type", "DELETE", "connection_key", cellKey, "link", id)
	if expel {
		m.Add("expel", "yes")
	}
	_, _, err := c.Do(ctx, m)
	return err
}

func readGuestLink(m wire.Message) GuestLink {
	uses, _ := strconv.Atoi(m.Get("uses"))
	used, _ := strconv.Atoi(m.Get("used"))
	return GuestLink{ID: m.Get("link"), By: m.Get("user_account"), Secret: m.Get("secret"), Until: millis(m, "until"), Uses: uses, Used: used}
}
