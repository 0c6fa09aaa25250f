package sdk

import (
	"context"
	"fmt"
	"strconv"
)

// loadState reads what was saved, and notes that it is used once more.
func loadState(opt Options) (map[string]string, error) {
	saved, err := opt.State.Load()
	if err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	if saved == nil {
		saved = map[string]string{}
	}
	if was := saved[stateAccount]; was != "" && was != opt.Account {
		return nil, fmt.Errorf("%w: it is that of %s", ErrState, was)
	}
	if saved[statePrefix] == "" {
		saved[statePrefix] = randomPrefix()
	}
	run, _ := strconv.Atoi(saved[stateRun]) // missing at first
	saved[stateRun] = strconv.Itoa(run + 1)
	err = opt.State.Save(map[string]string{stateAccount: opt.Account, statePrefix: saved[statePrefix], stateRun: saved[stateRun]})
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	return saved, nil
}

// begin finds out from where on events are to be given. Where nothing was saved, the plain device
// begins with what it is sent, and another one at now.
func (c *Client) begin(ctx context.Context, saved map[string]string) error {
	d := c.deliverer
	if saved[stateCursor] != "" {
		d.gap = true
		return nil
	}
	plain := c.opt.Device == ""
	all, err := c.AllConversations(ctx)
	if err != nil {
		return fmt.Errorf("fetch the conversations: %w", err)
	}
	latest := int64(0)
	for _, conv := range all {
		latest = max(latest, conv.Change)
		had := conv.LastSeq
		if plain {
			had = conv.ReadSeq // what is after it may be on its way
		}
		d.know(conv.ID).upTo(had)
		d.keepSeq(conv.ID)
	}
	if plain {
		return nil
	}
	if err := c.passOver(ctx, latest); err != nil {
		return fmt.Errorf("find out what happened last: %w", err)
	}
	d.synced = d.cursor
	d.save()
	return nil
}

// passOver moves the cursor to now, from a change that was not long ago.
func (c *Client) passOver(ctx context.Context, change int64) error {
	d := c.deliverer
	for {
		header, items, err := c.Do(ctx, syncRequest(change))
		if err != nil {
			return err
		}
		for _, item := range items {
			if m, ok := readEvent(item).(Message); ok {
				d.know(m.Conversation).upTo(m.Seq)
				d.keepSeq(m.Conversation)
			}
		}
		change = max(change, number(header, "change"))
		if header.Get("more") != "yes" {
			d.cursor = change
			d.taken[stateCursor] = strconv.FormatInt(change, 10)
			return nil
		}
	}
}
