package media

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs hands what Pion says to slog, one level lower: its errors are mostly the ordinary end of a connection.
type pionLogs struct{ logger *slog.Logger }

func (f pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{f.logger.With("pion", scope)}
}

type pionLogger struct{ logger *slog.Logger }

func (l pionLogger) say(msg string, args ...any) {
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		l.logger.Debug("webrtc stack", "said", fmt.Sprintf(msg, args...))
	}
}

func (l pionLogger) Trace(string)                      {}
func (l pionLogger) Tracef(string, ...any)             {}
func (l pionLogger) Debug(string)                      {}
func (l pionLogger) Debugf(string, ...any)             {}
func (l pionLogger) Info(string)                       {}
func (l pionLogger) Infof(string, ...any)              {}
func (l pionLogger) Warn(msg string)                   { l.say("%s", msg) }
func (l pionLogger) Warnf(format string, args ...any)  { l.say(format, args...) }
func (l pionLogger) Error(msg string)                  { l.say("%s", msg) }
func (l pionLogger) Errorf(format string, args ...any) { l.say(format, args...) }
