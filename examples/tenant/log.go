package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// lines writes a line for each request: "15:04:05 201 POST /api/v2/users 3ms".
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	said := make(map[string]slog.Value, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool { said[a.Key] = a.Value; return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintf(l.out, "%s %s %-6s %s %s\n", r.Time.Format("15:04:05"), said["status"], said["method"], said["path"],
		said["took"].Duration().Round(time.Millisecond))
	return err
}

func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *lines) WithGroup(string) slog.Handler { return l }
