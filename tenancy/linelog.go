package tenancy

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// lineLog writes at most one line per reason and second, so that a flood of bad
// requests does not fill a disk.
type lineLog struct {
	logger *slog.Logger // nil: the default of then

	mu      sync.Mutex
	reasons map[string]*reasonLog // There are few.
}

type reasonLog struct {
	last    time.Time
	skipped int
}

func newLineLog(logger *slog.Logger) *lineLog {
	return &lineLog{logger: logger, reasons: make(map[string]*reasonLog)}
}

// write says what was refused, but not whom: a user's id is for OnRefuse and the
// Recorder.
func (l *lineLog) write(ctx context.Context, x Refusal) {
	if x.Reason == "no_token" { // not worth a line: every browser does it
		return
	}
	key := x.Reason
	if key == "route" {
		key += " " + x.Route // a mistake of the server; routes are few
	}
	skipped, ok := l.due(key)
	if !ok {
		return
	}
	logger := l.logger
	if logger == nil {
		logger = slog.Default()
	}
	level := slog.LevelInfo
	if x.Status >= 500 {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("reason", x.Reason), slog.Int("status", x.Status), slog.String("route", x.Route)}
	if x.ClientID != "" {
		attrs = append(attrs, slog.String("client", x.ClientID))
	}
	if len(x.Missing) > 0 {
		attrs = append(attrs, slog.Any("missing", x.Missing))
	}
	if len(x.Diagnosis) > 0 {
		attrs = append(attrs, slog.Any("diagnosis", x.Diagnosis))
	}
	if x.Status >= 500 && x.Err != nil {
		attrs = append(attrs, slog.String("error", x.Err.Error()))
	}
	if skipped > 0 {
		attrs = append(attrs, slog.Int("skipped", skipped))
	}
	logger.LogAttrs(ctx, level, "tenancy: request refused", attrs...)
}

// due reports whether a line may be written, and how many were not since the last.
func (l *lineLog) due(key string) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reasons[key]
	if r == nil {
		if len(l.reasons) >= 1000 {
			return 0, false
		}
		r = new(reasonLog)
		l.reasons[key] = r
	}
	now, quiet := time.Now(), time.Second
	if len(key) > 5 && key[:5] == "route" {
		quiet = time.Hour // once is enough until somebody deploys
	}
	if !r.last.IsZero() && now.Sub(r.last) < quiet {
		r.skipped++
		return 0, false
	}
	skipped = r.skipped
	r.last, r.skipped = now, 0
	return skipped, true
}
