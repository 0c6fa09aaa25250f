package sdk

import (
	"context"
	"strings"
	"time"

	"neochat/wire"
)

// ProfileField is a column of a profile that its account may change.
type ProfileField string

// The columns of a profile.
const (
	ProfileName         ProfileField = "user_name"
	ProfilePhone        ProfileField = "user_phone"
	ProfileSex          ProfileField = "sex"
	ProfileBirthday     ProfileField = "birthday"
	ProfileAddress      ProfileField = "address"
	ProfileAvatar       ProfileField = "avatar"        // an uploaded file, which everybody may then read
	ProfileMessagesFrom ProfileField = "messages_from" // everyone or friends: who may write to this account and call it
	ProfilePresenceTo   ProfileField = "presence_to"   // everyone, friends or nobody: who sees whether it is here
)

// Profile is what the server knows of an account. Of others only Account, Name and Avatar are told.
type Profile struct {
	Account, Name, Phone, Sex, Birthday, Address string
	Avatar                                       string // a file
	MessagesFrom, PresenceTo                     string
	Registered                                   time.Time
}

// Profile returns what may be known of an account; "": of one's own.
func (c *Client) Profile(ctx context.Context, account string) (Profile, error) {
	a, _, err := c.Do(ctx, message("message_type", "profile", "type", "GET", "friends", account))
	if err != nil {
		return Profile{}, err
	}
	p := readProfile(a)
	if p.Account == "" {
		p.Account = c.Account()
	}
	return p, nil
}

// profilesAtOnce is how many profiles the server tells in one answer.
const profilesAtOnce = 100

// Profiles returns what may be known of several accounts, unknown ones left out.
func (c *Client) Profiles(ctx context.Context, accounts ...string) ([]Profile, error) {
	var all []Profile
	for len(accounts) > 0 {
		some := accounts[:min(profilesAtOnce, len(accounts))]
		accounts = accounts[len(some):]
		if len(some) == 1 {
			p, err := c.Profile(ctx, some[0])
			if err == nil {
				all = append(all, p)
			} else if Stat(err) != wire.StatNotFound {
				return nil, err
			}
			continue
		}
		_, items, err := c.Do(ctx, message("message_type", "profile", "type", "GET", "friends", strings.Join(some, ",")))
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			all = append(all, readProfile(item))
		}
	}
	return all, nil
}

func readProfile(m wire.Message) Profile {
	return Profile{Account: m.Get("user_account"), Name: m.Get("user_name"), Phone: m.Get("user_phone"),
		Sex: m.Get("sex"), Birthday: m.Get("birthday"), Address: m.Get("address"), Avatar: m.Get("avatar"),
		MessagesFrom: m.Get("messages_from"), PresenceTo: m.Get("presence_to"), Registered: millis(m, "registration_time")}
}

// SetProfile changes these columns of one's own profile; an empty value empties one.
func (c *Client) SetProfile(ctx context.Context, change map[ProfileField]string) error {
	m := message("message_type", "profile", "type", "PATCH")
	for field, value := range change {
		m.Add(string(field), value)
	}
	_, _, err := c.Do(ctx, m)
	return err
}

// Friend is an account with which this one has a friendship, or a question of one.
type Friend struct {
	Account, Name string
	State         string // FriendAccepted, FriendAsked, FriendAsking
	Since         time.Time
	Text          string // what was said with the question
}

// Friends returns the friends of this account, and the questions that are open.
func (c *Client) Friends(ctx context.Context) ([]Friend, error) {
	_, items, err := c.Do(ctx, message("message_type", "friend", "type", "GET"))
	if err != nil {
		return nil, err
	}
	friends := make([]Friend, 0, len(items))
	for _, m := range items {
		friends = append(friends, Friend{Account: m.Get("friends"), Name: m.Get("user_name"), State: m.Get("state"),
			Since: millis(m, "bind_time"), Text: m.Get("text")})
	}
	return friends, nil
}

// AskFriend asks an account to be a friend, with a few words (up to 200 bytes, may be ""). Where it
// has asked already, this accepts.
func (c *Client) AskFriend(ctx context.Context, account, text string) error {
	_, _, err := c.Do(ctx, message("message_type", "friend", "friends", account, "text", text))
	return err
}

// AnswerFriend accepts or refuses the question of an account.
func (c *Client) AnswerFriend(ctx context.Context, account string, accept bool) error {
	state := FriendRefused
	if accept {
		state = FriendAccepted
	}
	_, _, err := c.Do(ctx, message("message_type", "friend", "type", "PATCH", "friends", account, "state", state))
	return err
}

// EndFriend ends a friendship, or takes a question back.
func (c *Client) EndFriend(ctx context.Context, account string) error {
	_, _, err := c.Do(ctx, message("message_type", "friend", "type", "DELETE", "friends", account))
	return err
}

// Blocked is an account that may not write to this one.
type Blocked struct {
	Account string
	Since   time.Time
}

// Blocked returns the accounts that this one blocked.
func (c *Client) Blocked(ctx context.Context) ([]Blocked, error) {
	_, items, err := c.Do(ctx, message("message_type", "block", "type", "GET"))
	if err != nil {
		return nil, err
	}
	all := make([]Blocked, 0, len(items))
	for _, m := range items {
		all = append(all, Blocked{Account: m.Get("friends"), Since: millis(m, "bind_time")})
	}
	return all, nil
}

// Block keeps an account from writing to this one, calling it, and seeing it. A friendship ends.
func (c *Client) Block(ctx context.Context, account string) error {
	_, _, err := c.Do(ctx, message("message_type", "block", "friends", account))
	return err
}

// Unblock takes Block back; an ended friendship stays ended.
func (c *Client) Unblock(ctx context.Context, account string) error {
	_, _, err := c.Do(ctx, message("message_type", "block", "type", "DELETE", "friends", account))
	return err
}
