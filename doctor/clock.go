package doctor

import (
	"context"
	"time"
)

// JudgeClock compares this machine's clock with the Date of a web server; from "" says that there is none to ask.
func JudgeClock(ctx context.Context, n Network, from string) Finding {
	if from == "" {
		return skipped("clock", "name a web server whose clock is right with --time-from URL")
	}
	return judgeTime(ctx, n.withDefaults(), from, DefaultTimeout, time.Duration(0), false)[0]
}
