package store

import (
	"encoding/json"
	"fmt"
)

// noteAccount keeps, for sync, a change that concerns account alone, and returns its number. kind
// is the message_type it is told with; lines must encode to a flat JSON object of strings, the lines it is
// told with besides. Call it after everything that can be refused.
func (b *batch) noteAccount(account, kind string, lines any) (change int64, err error) {
	carry, err := json.Marshal(lines)
	if err != nil {
		return 0, fmt.Errorf("encode account change: %w", err)
	}
	if change, err = b.nextChange(); err != nil {
		return 0, err
	}
	if _, err := b.exec(wNewAccountChange, account, change, kind, string(carry)); err != nil {
		return 0, fmt.Errorf("note account change: %w", err)
	}
	return change, nil
}
