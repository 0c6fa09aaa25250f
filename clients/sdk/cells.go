package sdk

import (
	"context"
	"strconv"
	"strings"

	"neochat/wire"
)

// Answers to a call, and Cell.Type.
const (
	CellAccepted  = 200
	CellRefused   = 404
	CellNobody    = 408 // nobody answered in time
	CellElsewhere = 409 // another device of the account answered
)

// OpenCell opens a call with these accounts, or with a group where there are none, and returns
// its key. Nobody hears of it before RingCell.
func (c *Client) OpenCell(ctx context.Context, groupID string, accounts ...string) (cellKey string, err error) {
	a, _, err := c.Do(ctx, message("message_type", "cell", "group_id", groupID, "friends", strings.Join(accounts, ",")))
	if err != nil {
		return "", err
	}
	return a.Get("connection_key"), nil
}

// RingCell rings every device of these members of a call, of all where none is named. Who is no member
// becomes one, if this account has joined the call or opened it. It returns
// the key of the call to join: another one where the callee is ringing this account just then,
// which counts as answered.
func (c *Client) RingCell(ctx context.Context, cellKey string, video bool, accounts ...string) (join string, err error) {
	a, _, err := c.Do(ctx, message("message_type", callType(video), "cell_key", cellKey, "friends", strings.Join(accounts, ",")))
	if err != nil {
		return "", err
	}
	if key := a.Get("cell_key"); key != "" {
		return key, nil
	}
	return cellKey, nil
}

// StopRinging ends what RingCell began.
func (c *Client) StopRinging(ctx context.Context, cellKey string, video bool, accounts ...string) error {
	_, _, err := c.Do(ctx, message("message_type", callType(video), "type", "DELETE", "cell_key", cellKey, "friends", strings.Join(accounts, ",")))
	return err
}

func callType(video bool) string {
	if video {
		return "videocall"
	}
	return "call"
}

// AnswerCell accepts or refuses a call that rings.
func (c *Client) AnswerCell(ctx context.Context, r Ring, accept bool) error {
	answer := CellRefused
	if accept {
		answer = CellAccepted
	}
	_, _, err := c.Do(ctx, message("message_type", "cell", "cell_type", strconv.Itoa(answer), "friends", r.Account, "cell_key", r.CellKey))
	return err
}

// CloseCell ends a call, as its opener, or in a call between two as either.
func (c *Client) CloseCell(ctx context.Context, cellKey string) error {
	_, _, err := c.Do(ctx, message("message_type", "cell", "type", "DELETE", "cell_key", cellKey))
	return err
}

// OpenCell is a call that goes on, or rings this account.
type OpenCell struct {
	Key          string
	Opener       string
	Friends      []string // the others, where it is no group's
	GroupID      string
	Conversation string
	Video        bool
	Ringing      bool     // it rings this account
	Participants int      // devices in it
	Joined       []string // accounts in it, at most 100
	Guests       int      // people without an account in it
}

// Cells returns the calls of which this account is a member, and that somebody joined or that ring it.
func (c *Client) Cells(ctx context.Context) ([]OpenCell, error) {
	_, items, err := c.Do(ctx, message("message_type", "cell", "type", "GET"))
	if err != nil {
		return nil, err
	}
	all := make([]OpenCell, 0, len(items))
	for _, m := range items {
		all = append(all, readOpenCell(m))
	}
	return all, nil
}

func readOpenCell(m wire.Message) OpenCell {
	return OpenCell{Key: m.Get("connection_key"), Opener: m.Get("user_account"), Friends: accounts(m.Get("friends")),
		GroupID: m.Get("group_id"), Conversation: m.Get("conversation"), Video: m.Get("call") == "videocall",
		Ringing: m.Get("ringing") == "yes", Participants: int(number(m, "participants")),
		Joined: accounts(m.Get("joined")), Guests: int(number(m, "guests"))}
}
