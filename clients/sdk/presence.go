package sdk

import (
	"context"
	"strings"
)

// Presence returns how accounts (at most 200) are. Unknown ones, and those who do not show it, are offline.
func (c *Client) Presence(ctx context.Context, accounts ...string) ([]Presence, error) {
	return c.presences(ctx, accounts, "")
}

// Watch is Presence, and from then on a Presence event tells of each change, until the
// next Watch; without accounts nobody is watched. It outlives a loss of the connection.
func (c *Client) Watch(ctx context.Context, accounts ...string) ([]Presence, error) {
	c.mu.Lock()
	c.watched = accounts
	c.mu.Unlock()
	if len(accounts) == 0 {
		_, _, err := c.Do(ctx, message("message_type", "presence", "type", "GET", "watch", "no"))
		return nil, err
	}
	return c.presences(ctx, accounts, "yes")
}

func (c *Client) presences(ctx context.Context, accounts []string, watch string) ([]Presence, error) {
	_, items, err := c.Do(ctx, message("message_type", "presence", "type", "GET", "friends", strings.Join(accounts, ","), "watch", watch))
	if err != nil {
		return nil, err
	}
	all := make([]Presence, 0, len(items))
	for _, m := range items {
		all = append(all, readPresence(m))
	}
	return all, nil
}

// SetState says how the person at this client is, StateOnline or StateAway. It outlives
// a loss of the connection.
func (c *Client) SetState(ctx context.Context, state string) error {
	c.mu.Lock()
	c.presence = state
	c.mu.Unlock()
	_, _, err := c.Do(ctx, message("message_type", "presence", "state", state))
	return err
}

// seenAgain tells a new connection what the old one knew, and returns how those watched are.
func (c *Client) seenAgain() []Presence {
	c.mu.Lock()
	watched, state := c.watched, c.presence
	c.mu.Unlock()
	if state != "" {
		if _, _, err := c.Do(c.ctx, message("message_type", "presence", "state", state)); err != nil {
			c.log.Warn("the state of the person cannot be told", "err", err)
		}
	}
	if len(watched) == 0 {
		return nil
	}
	all, err := c.presences(c.ctx, watched, "yes")
	if err != nil {
		c.log.Warn("accounts cannot be watched again", "err", err)
	}
	return all
}

// Typing tells the others of a conversation that the person writes, or stopped. It is not
// kept, and not worth waiting for: while there is no connection nothing is done.
func (c *Client) Typing(ctx context.Context, to To, stopped bool) error {
	if !c.Online() {
		return nil
	}
	m := message("message_type", "typing", "friends", to.Account, "group_id", to.GroupID, "conversation", to.Conversation)
	if stopped {
		m.Add("state", "stopped")
	}
	_, _, err := c.Do(ctx, m)
	return err
}
