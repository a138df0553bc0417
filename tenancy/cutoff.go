package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/once"
)

// CutoffStore keeps since when tokens of a subject, session, client or member are
// refused. NewMemory returns one for a single process, package redistenancy has one
// for several; tenancytest.Run is the suite of the contract.
type CutoffStore interface {
	// Cut keeps at for key at least until until. Of several, the latest at and the
	// latest until stay. A nil error means that every later Cuts has it.
	Cut(ctx context.Context, key string, at, until time.Time) error
	// Cuts returns what was cut or changed after the cursor that an earlier call
	// returned, "" for everything. It may return cuts again. With a cursor that the
	// store does not know, as after a loss of its data, it begins with everything
	// that it has. Page by page, it never returns less than was cut.
	Cuts(ctx context.Context, after string) (Cuts, error)
}

// Cuts is what a CutoffStore has after a cursor.
type Cuts struct {
	At   map[string]time.Time // By key.
	Next string               // The cursor for the next call.
	More bool                 // There is another page, to be read now.
}

// CutoffConfig holds a Cutoff's optional settings. The zero value uses the defaults.
type CutoffConfig struct {
	// Every is how late another process hears of a cut. Defaults to 2 s. When the
	// store cannot be read for that long, requests are answered with 503, after
	// waiting for as long at most.
	Every time.Duration
	// Keep is how long cuts are remembered. A token that lives longer, or does not
	// say when it was issued, is refused. Defaults to 24 h, Auth0's default lifetime.
	// They are kept 10 min longer, for clocks that differ.
	Keep time.Duration
	Now  func() time.Time // Defaults to time.Now.
}

// Cutoff refuses the access tokens of a subject, session or client that were issued
// before a moment, although they have not expired: after "log out everywhere", a
// takeover, or when an application is compromised. It is safe for concurrent use.
//
// It is a session.Config.Cutoff: what ends there, by back-channel logout too, ends
// here. Guard.Observe feeds it with deleted and blocked users. Tokens name their
// session (sid) only where an Action puts it there.
//
// A Cutoff is of one tenant: ids are not unique among several, so give each a store,
// or a prefix, of its own.
//
// Checking costs a look-up in memory; what other processes cut is read from the
// store in one round trip each Every, by the requests that need it. The store has
// hashes in place of ids. iat has whole
// seconds, so a token that is issued in the second of the cut is refused too.
type Cutoff struct {
	store CutoffStore
	cfg   CutoffConfig
	fresh once.Call[time.Time] // When the last reading of the store began.
	next  string               // Cursor; only the call in progress touches it.

	mu     sync.RWMutex
	cuts   map[cut]time.Time
	pruned time.Time
}

// cut is what tokens are refused by: a kind, and a hash of ids, so that a store of
// revoked tokens holds nobody's id.
type cut [1 + 16]byte

func newCut(kind byte, orgID, id string) (c cut) {
	sum := sha256.Sum256(append(append(append(make([]byte, 0, 128), orgID...), 0), id...))
	c[0] = kind
	copy(c[1:], sum[:])
	return c
}

// clocks is how much longer than Keep a cut is kept: a token may be issued by a clock
// that is ahead, and is taken for the leeway after it has expired.
const clocks = 10 * time.Minute

const (
	bySubject byte = 's'
	bySession byte = 'd'
	byClient  byte = 'c'
	byMember  byte = 'm' // of an organization: the others' tokens of the user stay good
	byOrg     byte = 'o'
)

// cutOf is what to refuse when a member, a user or an organization has lost something.
func cutOf(m member) cut {
	switch {
	case m.orgID == "":
		return newCut(bySubject, "", m.userID)
	case m.userID == "":
		return newCut(byOrg, "", m.orgID)
	}
	return newCut(byMember, m.orgID, m.userID)
}

func (c cut) key() string { return string(c[:1]) + ":" + base64.RawURLEncoding.EncodeToString(c[1:]) }

func parseCut(key string) (c cut, ok bool) {
	kind, hash, _ := strings.Cut(key, ":")
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	if err != nil || len(kind) != 1 || len(raw) != len(c)-1 {
		return c, false
	}
	c[0] = kind[0]
	copy(c[1:], raw)
	return c, true
}

// NewCutoff returns a Cutoff. It does no I/O.
func NewCutoff(store CutoffStore, cfg CutoffConfig) (*Cutoff, error) {
	if store == nil {
		return nil, errors.New("tenancy: NewCutoff needs a store; it is nil, and NewMemory returns one for a single process")
	}
	if cfg.Every < 0 || cfg.Keep < 0 {
		return nil, errors.New("tenancy: CutoffConfig.Every and Keep must not be negative")
	}
	cfg.Every, cfg.Keep = orDefault(cfg.Every, 2*time.Second), orDefault(cfg.Keep, 24*time.Hour)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Cutoff{store: store, cfg: cfg, cuts: make(map[cut]time.Time)}
	c.fresh.Detach, c.fresh.Settle = loadTimeout, keepLast
	return c, nil
}

// RevokeAccess refuses all tokens of the user that were issued until now. It returns
// an error, and should be called again, while other processes may not hear of it;
// in this one it is done.
func (c *Cutoff) RevokeAccess(ctx context.Context, userID string) error {
	return c.revoke(ctx, bySubject, userID)
}

// RevokeSession refuses all tokens of the session, by Auth0's sid, as RevokeAccess
// does those of a user.
func (c *Cutoff) RevokeSession(ctx context.Context, sid string) error {
	return c.revoke(ctx, bySession, sid)
}

// RevokeClient refuses all tokens that the application got, by its client id.
func (c *Cutoff) RevokeClient(ctx context.Context, clientID string) error {
	return c.revoke(ctx, byClient, clientID)
}

func (c *Cutoff) revoke(ctx context.Context, kind byte, id string) error {
	if id == "" {
		return errors.New("tenancy: nothing was revoked: the id is empty")
	}
	return c.cut(ctx, newCut(kind, "", id))
}

func (c *Cutoff) cut(ctx context.Context, what cut) error {
	at := c.cfg.Now()
	c.add(map[cut]time.Time{what: at})
	if err := c.store.Cut(ctx, what.key(), at, at.Add(c.cfg.Keep+clocks)); err != nil {
		return &UnavailableError{RetryAfter: minRetry, Err: err}
	}
	return nil
}

func (c *Cutoff) add(cuts map[cut]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, at := range cuts {
		if at.After(c.cuts[what]) {
			c.cuts[what] = at
		}
	}
	if now := c.cfg.Now(); now.Sub(c.pruned) > time.Minute {
		c.pruned = now
		for what, at := range c.cuts {
			if now.Sub(at) > c.cfg.Keep+clocks {
				delete(c.cuts, what)
			}
		}
	}
}

// check returns a TokenError if the token is revoked or lives too long, or an
// UnavailableError if that cannot be told.
func (c *Cutoff) check(ctx context.Context, t *TenantContext) error {
	if t.IssuedAt.IsZero() || t.ExpiresAt.Sub(t.IssuedAt) > c.cfg.Keep {
		return &TokenError{Reason: "lifetime"}
	}
	if err := c.refresh(ctx); err != nil {
		return err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.cuts) == 0 {
		return nil
	}
	for _, what := range [...]cut{newCut(bySubject, "", t.UserID), newCut(byMember, t.TenantID, t.UserID), newCut(byOrg, "", t.TenantID),
		newCut(bySession, "", t.SessionID), newCut(byClient, "", t.ClientID)} {
		if at, ok := c.cuts[what]; ok && t.IssuedAt.Before(at) {
			return &TokenError{Reason: "revoked"}
		}
	}
	return nil
}

// keepLast keeps when the store was last read beside a failure: what was read then is
// good for as long as if nobody had asked again.
func keepLast(last, now once.Outcome[time.Time]) once.Outcome[time.Time] {
	if now.Err != nil {
		now.Value = last.Value
	}
	return now
}

// refresh sees to it that what is in memory is at most Every old. Under steady
// traffic nobody waits: the store is read again at half of that.
func (c *Cutoff) refresh(ctx context.Context) error {
	within := func(d time.Duration) func(once.Outcome[time.Time]) bool {
		return func(last once.Outcome[time.Time]) bool {
			if last.Err != nil {
				return time.Since(last.At) < c.cfg.Every/4
			}
			return time.Since(last.Value) < d
		}
	}
	c.fresh.Start(ctx, within(c.cfg.Every/2), c.read)
	if time.Since(c.fresh.Last().Value) < c.cfg.Every {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Every) // the reading goes on
	defer cancel()
	if _, err := c.fresh.Do(ctx, within(c.cfg.Every), c.read); err != nil {
		return &UnavailableError{RetryAfter: minRetry, Err: err}
	}
	return nil
}

func (c *Cutoff) read(ctx context.Context) (time.Time, error) {
	start := time.Now()
	for {
		page, err := c.store.Cuts(ctx, c.next)
		if err != nil {
			return time.Time{}, err
		}
		parsed := make(map[cut]time.Time, len(page.At))
		for key, at := range page.At {
			if what, ok := parseCut(key); ok {
				parsed[what] = at
			}
		}
		c.add(parsed)
		stuck := page.Next == c.next
		if c.next = page.Next; !page.More || stuck {
			return start, nil
		}
	}
}
