package terminal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"neochat/clients/sdk"
)

// group makes a group, tells of the present one, or changes it.
func (c *chat) group(ctx context.Context, arg string) error {
	verb, rest, _ := strings.Cut(arg, " ")
	rest = strings.TrimSpace(rest)
	if verb == "new" {
		return c.newGroup(ctx, rest)
	}
	verbs := []string{"name", "about", "history", sdk.PermissionAdmin, sdk.PermissionMember, sdk.PermissionCreator, "remove", "dissolve"}
	if verb != "" && (rest == "" || !slices.Contains(verbs, verb)) {
		return errUsage
	}
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	switch verb {
	case "":
		return c.showGroup(ctx, t)
	case "name":
		return c.renameGroup(ctx, t, strings.Trim(rest, `"`))
	case "about":
		return c.client.DescribeGroup(ctx, t.group, map[sdk.GroupField]string{sdk.GroupIntroduction: rest})
	case "history":
		return c.client.DescribeGroup(ctx, t.group, map[sdk.GroupField]string{sdk.GroupHistory: rest})
	case sdk.PermissionAdmin, sdk.PermissionMember, sdk.PermissionCreator:
		return c.client.SetPermissions(ctx, t.group, verb, split(rest)...)
	case "remove":
		return c.client.RemoveMembers(ctx, t.group, split(rest)...)
	}
	return c.dissolve(ctx, t, strings.Trim(rest, `"`))
}

func (c *chat) newGroup(ctx context.Context, arg string) error {
	name, members := nameAndRest(arg)
	if name == "" || strings.ContainsAny(members, ` "`) {
		return errUsage
	}
	g, err := c.client.CreateGroup(ctx, name, "", split(members)...)
	if err != nil {
		return err
	}
	t := target{id: g.Conversation, group: g.ID, name: name}
	c.learn(t)
	c.enter(ctx, t)
	c.scr.print(fmt.Sprintf("made the group %s (%s); what you write goes there now", visible(name, false), visible(g.ID, false)))
	return nil
}

func (c *chat) showGroup(ctx context.Context, t target) error {
	g, err := c.client.Group(ctx, t.group)
	if err != nil {
		return err
	}
	c.fact("name", g.Name)
	c.fact("about", g.Introduction)
	c.fact("id", g.ID)
	c.fact("members", fmt.Sprint(g.Members))
	c.fact("you are", g.Permissions)
	c.fact("made", day(g.Created)+" by "+g.Founder)
	switch g.History {
	case sdk.HistoryAll:
		c.fact("history", "all: who is invited sees all that was said")
	case sdk.HistoryJoin:
		c.fact("history", "join: who is invited sees what is said from then on")
	}
	return nil
}

// fact prints a name and what it stands for, unless that is nothing.
func (c *chat) fact(name, value string) {
	if value != "" {
		c.scr.print("  " + pad(name, 14) + " " + indent(visible(value, true), 17))
	}
}

func (c *chat) renameGroup(ctx context.Context, t target, name string) error {
	if err := c.client.DescribeGroup(ctx, t.group, map[sdk.GroupField]string{sdk.GroupName: name}); err != nil {
		return err
	}
	t.name = name
	c.learn(t)
	c.enter(ctx, t)
	return nil
}

// dissolve wants the name of the group, so that it does not happen by a slip.
func (c *chat) dissolve(ctx context.Context, t target, name string) error {
	if name != t.name && name != t.group {
		return errors.New("to end the group for all, write its name behind: /group dissolve " + visible(t.name, false))
	}
	if err := c.client.DissolveGroup(ctx, t.group); err != nil {
		return err
	}
	c.scr.print("the group " + visible(t.name, false) + " is dissolved; what was said stays")
	return nil
}

// nameAndRest cuts a name, in quotes or without spaces, off an argument.
func nameAndRest(s string) (name, rest string) {
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		name, rest, _ = strings.Cut(quoted, `"`)
	} else {
		name, rest, _ = strings.Cut(s, " ")
	}
	return name, strings.TrimSpace(rest)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *chat) groups(ctx context.Context, _ string) error {
	groups, err := c.client.Groups(ctx)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		c.scr.print("no groups yet; /group new NAME A,B makes one")
	}
	for _, g := range groups {
		c.scr.print(fmt.Sprintf("  %s %s", pad(visible(g.Name, false), 24), visible(g.ID, false)))
	}
	return nil
}

func (c *chat) members(ctx context.Context, _ string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	members, err := c.client.Members(ctx, t.group)
	if err != nil {
		return err
	}
	for _, m := range members {
		role := m.Permissions
		if role == sdk.PermissionMember {
			role = ""
		}
		c.scr.print(strings.TrimRight("  "+pad(visible(m.Account, false), 24)+" "+pad(visible(role, false), 8)+" "+visible(m.Name, false), " "))
	}
	return nil
}

func (c *chat) invite(ctx context.Context, arg string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	if len(split(arg)) == 0 {
		return errUsage
	}
	return c.client.Invite(ctx, t.group, split(arg)...)
}

func (c *chat) leave(ctx context.Context, _ string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	if err := c.client.Leave(ctx, t.group); err != nil {
		return err
	}
	c.enter(ctx, target{})
	c.scr.print("you left " + visible(t.name, false))
	return nil
}
