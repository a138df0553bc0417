package session

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// maxStale bounds what a process remembers of its sessions for an outage.
const maxStale = 16384

type readingKey struct{}

// Reading returns a context for a request that only reads, for which Validate
// may answer from memory while the store is away; see Config.AllowStaleReads.
// [HTTP.Load] does it for GET and HEAD.
func Reading(ctx context.Context) context.Context {
	return context.WithValue(ctx, readingKey{}, true)
}

// staleReads remembers what was valid, and when. A nil one remembers nothing.
type staleReads struct {
	mu        sync.Mutex
	entries   map[driver.Key]staleEntry
	forgotten int64 // how often forget was called
}

type staleEntry struct {
	session *Session
	at      time.Time
}

func newStaleReads() *staleReads { return &staleReads{entries: make(map[driver.Key]staleEntry)} }

// before is to be asked before the store is, and given to put: what the store has
// said before something was revoked here must not be remembered afterwards.
func (c *staleReads) before() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten
}

func (c *staleReads) put(k driver.Key, s *Session, now time.Time, before int64) {
	if c == nil {
		return
	}
	own := *s // the caller may change its own
	own.Payload = bytes.Clone(s.Payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgotten != before {
		return
	}
	for other := range c.entries {
		if len(c.entries) < maxStale {
			break
		}
		delete(c.entries, other) // map order is random enough
	}
	c.entries[k] = staleEntry{session: &own, at: now}
}

func (c *staleReads) get(ctx context.Context, k driver.Key, now time.Time, maxAge time.Duration) (*Session, bool) {
	if reading, _ := ctx.Value(readingKey{}).(bool); c == nil || !reading {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok || now.Sub(e.at) > maxAge || !now.Before(e.session.IdleAt) || !now.Before(e.session.ExpiresAt) {
		return nil, false
	}
	s := *e.session
	s.Payload = bytes.Clone(s.Payload)
	s.Stale = true
	return &s, true
}

// forget drops what was revoked or changed here. It is called before the store
// is, so that a revocation that cannot reach the store still counts here.
func (c *staleReads) forget(match func(*Session) bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	for k, e := range c.entries {
		if match(e.session) {
			delete(c.entries, k)
		}
	}
}

// forgetKey drops the session that k opens, under all of its keys.
func (c *staleReads) forgetKey(k driver.Key) {
	if c == nil {
		return
	}
	c.mu.Lock()
	e, ok := c.entries[k]
	c.mu.Unlock()
	c.forget(func(s *Session) bool { return ok && s.ID == e.session.ID })
}
