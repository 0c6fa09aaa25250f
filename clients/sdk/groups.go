package sdk

import (
	"context"
	"strings"
	"time"

	"neochat/wire"
)

// Group is a group of which this account is a member.
type Group struct {
	ID           string
	Conversation string
	Name         string
	Introduction string
	Founder      string
	Created      time.Time
	Members      int
}

// Member is one member of a group.
type Member struct {
	Account     string
	Permissions string // creator, admin, member
	Joined      time.Time
}

// CreateGroup makes a group of this account and its first members.
func (c *Client) CreateGroup(ctx context.Context, name, introduction string, members ...string) (Group, error) {
	a, _, err := c.Do(ctx, message("message_type", "group", "name", name, "introduction", introduction,
		"friends", strings.Join(members, ",")))
	if err != nil {
		return Group{}, err
	}
	g := readGroup(a)
	g.Name, g.Introduction = name, introduction
	return g, nil
}

// Group returns one group.
func (c *Client) Group(ctx context.Context, groupID string) (Group, error) {
	a, _, err := c.Do(ctx, message("message_type", "group", "type", "GET", "group_id", groupID))
	if err != nil {
		return Group{}, err
	}
	g := readGroup(a)
	g.ID = groupID
	return g, nil
}

// Groups returns the groups of this account.
func (c *Client) Groups(ctx context.Context) ([]Group, error) {
	_, items, err := c.Do(ctx, message("message_type", "group", "type", "GET"))
	if err != nil {
		return nil, err
	}
	groups := make([]Group, 0, len(items))
	for _, item := range items {
		groups = append(groups, readGroup(item))
	}
	return groups, nil
}

func readGroup(m wire.Message) Group {
	return Group{ID: m.Get("group_id"), Conversation: m.Get("conversation"), Name: m.Get("name"),
		Introduction: m.Get("introduction"), Founder: m.Get("founder"), Created: millis(m, "create_time"),
		Members: int(number(m, "members"))}
}

// Invite makes accounts members of a group.
func (c *Client) Invite(ctx context.Context, groupID string, accounts ...string) error {
	_, _, err := c.Do(ctx, message("message_type", "member", "group_id", groupID, "friends", strings.Join(accounts, ",")))
	return err
}

// Leave ends this account's membership of a group.
func (c *Client) Leave(ctx context.Context, groupID string) error {
	_, _, err := c.Do(ctx, message("message_type", "member", "type", "DELETE", "group_id", groupID))
	return err
}

// Members returns the members of a group.
func (c *Client) Members(ctx context.Context, groupID string) ([]Member, error) {
	_, items, err := c.Do(ctx, message("message_type", "member", "type", "GET", "group_id", groupID))
	if err != nil {
		return nil, err
	}
	members := make([]Member, 0, len(items))
	for _, m := range items {
		members = append(members, Member{Account: m.Get("user_account"), Permissions: m.Get("permissions"), Joined: millis(m, "join_time")})
	}
	return members, nil
}
