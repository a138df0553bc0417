package session

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/session/driver"
)

// The lifetimes that NIST SP 800-63B-4 section 2.2.3 recommends at most for
// AAL2, and the defaults here.
const (
	defaultIdle       = time.Hour
	defaultAbsolute   = 24 * time.Hour
	defaultTouchEvery = time.Minute
	defaultMaxPerUser = 20
)

// AtLimit is what happens when a user signs in and has Config.MaxPerUser sessions.
type AtLimit uint8

// The policies.
const (
	EvictOldest = AtLimit(driver.EvictOldest) // The session that was created first ends.
	EvictIdle   = AtLimit(driver.EvictIdle)   // The session that was not used for the longest time ends.
	Reject      = AtLimit(driver.Reject)      // The new session is refused with ErrLimit.
)

// String returns "evict_oldest", "evict_idle" or "reject".
func (a AtLimit) String() string {
	switch a {
	case EvictOldest:
		return "evict_oldest"
	case EvictIdle:
		return "evict_idle"
	}
	return "reject"
}

// renewGrace is how long a renewed token works on, for requests that were under
// way: the OWASP cheat sheet's renewal timeout.
const renewGrace = 10 * time.Second

// supersededFor is how long a request that left with a replaced token is taken for
// a late one.
const supersededFor = 10 * time.Second

// Config holds a Manager's policy. The zero value uses the defaults.
type Config struct {
	// Idle ends a session that is not used. Defaults to 1 hour.
	Idle time.Duration
	// Absolute ends every session that long after its creation. Defaults to 24
	// hours. Neither can be switched off.
	Absolute time.Duration
	// TouchEvery is how exact LastSeen is: a session that is used more often is
	// written once in this time, and may end this much earlier than Idle after
	// its last use. Defaults to 1 minute, or Idle/60 when that is less; at most
	// Idle/2.
	TouchEvery time.Duration

	// MaxPerUser is how many sessions a user may have at a time. Defaults to 20.
	MaxPerUser int
	// AtLimit is what happens then. Defaults to EvictOldest.
	AtLimit AtLimit

	// Keys seal payloads: 32 random bytes each, the first seals, all open.
	// Required as soon as a Login has a Payload.
	Keys [][]byte

	// Revoker tells Auth0 what was revoked here, out of Outbox; a store of this
	// module is one. Both or neither.
	Revoker Revoker
	Outbox  driver.Outbox

	// Cutoff is told at once of whatever ends, by back-channel logout too, so that
	// access tokens of the session are refused: a *tenancy.Cutoff. A session without a
	// SID cannot be named to it. When it cannot be told, the session is dead and the
	// error is ErrUnavailable: the Revoke verb, called again, tells it again. A login that
	// cannot tell of the session that it replaces leaves that one alive and fails: signing
	// in again tells again. Of a session that a login has ended at Config.MaxPerUser,
	// RevokeOthers tells again. Defaults to none.
	Cutoff Revoker

	// AllowStaleReads lets Validate answer, while the store does not, with what
	// it said at most this long ago in this process, for requests that only read
	// (see [Reading]). A session that another process has revoked is then live
	// for reads for as long. Defaults to 0: Validate fails closed.
	AllowStaleReads time.Duration

	// Recorder gets an event for every step. Defaults to audit.Discard.
	Recorder audit.Recorder
	// Now defaults to time.Now.
	Now func() time.Time
}

// Format hides the keys from package fmt.
func (c Config) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides them from log/slog.
func (c Config) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains c is logged as JSON.
func (c Config) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

func (c Config) withDefaults() Config {
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.Absolute == 0 {
		c.Absolute = defaultAbsolute
	}
	if c.TouchEvery == 0 {
		c.TouchEvery = max(min(defaultTouchEvery, c.Idle/60), time.Millisecond)
	}
	if c.MaxPerUser == 0 {
		c.MaxPerUser = defaultMaxPerUser
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c *Config) validate() error {
	switch {
	case c.Idle < time.Second || c.Absolute < time.Second:
		return fmt.Errorf("session: Config.Idle and Config.Absolute must be at least a second; neither can be switched off")
	case c.Idle > c.Absolute:
		return fmt.Errorf("session: Config.Idle (%s) is longer than Config.Absolute (%s) and would never count", c.Idle, c.Absolute)
	case c.TouchEvery < 0 || c.TouchEvery > c.Idle/2:
		return fmt.Errorf("session: Config.TouchEvery must be between 0 and Idle/2 (%s); a session in use would end", c.Idle/2)
	case c.MaxPerUser < 1 || c.MaxPerUser > 1000:
		return fmt.Errorf("session: Config.MaxPerUser must be between 1 and 1000")
	case c.AtLimit > Reject:
		return fmt.Errorf("session: Config.AtLimit must be EvictOldest, EvictIdle or Reject")
	case (c.Revoker == nil) != (c.Outbox == nil):
		return fmt.Errorf("session: Config.Revoker and Config.Outbox go together: Auth0 is told out of the outbox")
	case c.AllowStaleReads < 0 || c.AllowStaleReads > c.Idle:
		return fmt.Errorf("session: Config.AllowStaleReads must be between 0 and Idle (%s)", c.Idle)
	}
	return nil
}

// Policy is what a Manager enforces, with all defaults filled in.
type Policy struct {
	Idle, Absolute, TouchEvery time.Duration
	MaxPerUser                 int
	AtLimit                    AtLimit
	AllowStaleReads            time.Duration
	Sealed                     bool // Config.Keys are there: sessions may have payloads.
}

// String explains the policy in sentences, and where it leaves NIST SP
// 800-63B-4: the text for the documentation that ASVS 5.0 7.1.1 and 7.1.2 ask
// for.
func (p Policy) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A session ends after %s without use, and %s after it was created, whatever happens.\n", p.Idle, p.Absolute)
	fmt.Fprintf(&b, "Use is noted every %s, so an idle session may end that much earlier.\n", p.TouchEvery)
	fmt.Fprintf(&b, "A user has at most %d sessions; at one more: %s.\n", p.MaxPerUser, strings.ReplaceAll(p.AtLimit.String(), "_", " "))
	if p.AllowStaleReads > 0 {
		fmt.Fprintf(&b, "While the store does not answer, reads are allowed for %s after the last answer.\n", p.AllowStaleReads)
	}
	if p.Idle <= defaultIdle && p.Absolute <= defaultAbsolute {
		b.WriteString("Both are within NIST SP 800-63B-4 section 2.2.3 (AAL2: 1h and 24h).\n")
		return b.String()
	}
	if p.Idle > defaultIdle {
		b.WriteString("The first is longer than the hour of NIST SP 800-63B-4 section 2.2.3 (AAL2, SHOULD): justify it.\n")
	}
	if p.Absolute > defaultAbsolute {
		b.WriteString("The second is longer than the 24 hours of NIST SP 800-63B-4 section 2.2.3 (AAL2, SHOULD): justify it.\n")
	}
	return b.String()
}
