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
	Avatar       string // a file
	History      string // HistoryJoin or HistoryAll
	Permissions  string // this account's: creator, admin, member
}

// What those who are invited see of a group's past.
const (
	HistoryJoin = "join" // what is said from then on
	HistoryAll  = "all"
)

// Permissions of a Member.
const (
	PermissionCreator = "creator"
	PermissionAdmin   = "admin"
	PermissionMember  = "member"
)

// Member is one member of a group.
type Member struct {
	Account     string
	Name        string
	Permissions string // PermissionCreator, PermissionAdmin, PermissionMember
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
		Members: int(number(m, "members")), Avatar: m.Get("avatar"), History: m.Get("history"), Permissions: m.Get("permissions")}
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

// membersAtOnce is how many members the server tells in one answer.
const membersAtOnce = 500

// Members returns the members of a group, all of them.
func (c *Client) Members(ctx context.Context, groupID string) ([]Member, error) {
	var all []Member
	after := ""
	for {
		_, items, err := c.Do(ctx, message("message_type", "member", "type", "GET", "group_id", groupID, "after", after))
		if err != nil {
			return nil, err
		}
		for _, m := range items {
			all = append(all, Member{Account: m.Get("user_account"), Name: m.Get("user_name"),
				Permissions: m.Get("permissions"), Joined: millis(m, "join_time")})
		}
		if len(items) < membersAtOnce || all[len(all)-1].Account == after {
			return all, nil
		}
		after = all[len(all)-1].Account
	}
}

// GroupField is what may be changed of a group.
type GroupField string

// What may be changed of a group.
const (
	GroupName         GroupField = "name"
	GroupIntroduction GroupField = "introduction"
	GroupAvatar       GroupField = "avatar"  // an uploaded file, which everybody may then read
	GroupHistory      GroupField = "history" // HistoryJoin or HistoryAll, for those invited after it was set
)

// DescribeGroup changes these of a group, as an admin of it.
func (c *Client) DescribeGroup(ctx context.Context, groupID string, change map[GroupField]string) error {
	m := message("message_type", "group", "type", "PATCH", "group_id", groupID)
	for field, value := range change {
		m.Add(string(field), value)
	}
	_, _, err := c.Do(ctx, m)
	return err
}

// DissolveGroup ends a group, as its creator. Its members keep reading what was said.
func (c *Client) DissolveGroup(ctx context.Context, groupID string) error {
	_, _, err := c.Do(ctx, message("message_type", "group", "type", "DELETE", "group_id", groupID))
	return err
}

// RemoveMembers ends the membership of others, as an admin or the creator.
func (c *Client) RemoveMembers(ctx context.Context, groupID string, accounts ...string) error {
	_, _, err := c.Do(ctx, message("message_type", "member", "type", "DELETE", "group_id", groupID, "friends", strings.Join(accounts, ",")))
	return err
}

// SetPermissions makes members admins or no longer, as the creator; PermissionCreator hands the
// group over to one of them.
func (c *Client) SetPermissions(ctx context.Context, groupID, permissions string, accounts ...string) error {
	_, _, err := c.Do(ctx, message("message_type", "member", "type", "PATCH", "group_id", groupID,
		"friends", strings.Join(accounts, ","), "permissions", permissions))
	return err
}
