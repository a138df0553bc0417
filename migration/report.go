package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Problems yields the users of the ledger who are not at Auth0 or not in all their
// organizations, each with what RetryFailed would do. Users left to a login are not
// among them.
func (r *Runner) Problems(ctx context.Context) iter.Seq2[Problem, error] {
	return func(yield func(Problem, error) bool) {
		if _, err := r.open(ctx); err != nil {
			yield(Problem{}, err)
			return
		}
		for o, err := range r.ledger.Outcomes(ctx, r.run.Name) {
			if err != nil {
				yield(Problem{}, fmt.Errorf("migration: read the ledger: %w", err))
				return
			}
			if p, is := problemOf(o); is && !yield(p, nil) {
				return
			}
		}
	}
}

func problemOf(o driver.Outcome) (p Problem, is bool) {
	p = Problem{Key: o.Key, Path: o.Path}
	switch o.State {
	case driver.StateInvalid:
		p.Class, p.Rule = Invalid, Rule(o.Code)
	case driver.StateDuplicate:
		p.Class, p.Rule = Duplicate, Rule(o.Code)
	case driver.StateFailed:
		p.Code, p.Retry = o.Code, true
	case driver.StateMigrated:
		p.Code, p.Retry = o.Code, o.Memberships == driver.MembershipsFailed
		return p, o.Code != "" && o.Code != codeBlocked
	default:
		return p, false
	}
	return p, true
}

// Logs is the part of Auth0 that FailedLogins needs. *management.Client implements
// it.
type Logs interface {
	Logs(ctx context.Context, after string) iter.Seq2[resource.LogEntry, error]
}

// FailedLogin is a login with a wrong password by a migrated user.
type FailedLogin struct {
	LogID  string // Of the tenant log; FailedLogins goes on after it.
	Key    string
	Code   string // Auth0's, "fp".
	Format string // Of the stored password, by passhash's name.
	Time   time.Time

	// Hash says that the hash is the likely cause: the user was imported, has never
	// logged in at Auth0 and came with a hash. Many of one format mean that it was
	// converted wrongly.
	Hash bool
}

// logPause is the wait for new entries of the tenant log.
const logPause = 10 * time.Second

// FailedLogins follows the tenant log from the entry after the one with the id after
// ("" is the oldest) until ctx ends, and yields the failed logins of users whom this
// run has migrated. It is for the days after the switch: a hash that Auth0 cannot
// verify shows nowhere else.
func (r *Runner) FailedLogins(ctx context.Context, l Logs, after string) iter.Seq2[FailedLogin, error] {
	return func(yield func(FailedLogin, error) bool) {
		for {
			for e, err := range l.Logs(ctx, after) {
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					yield(FailedLogin{}, fmt.Errorf("migration: read the tenant log: %w", err))
					return
				}
				after = e.ID
				f, is, err := r.failedLogin(ctx, e)
				if err == nil && !is {
					continue
				}
				if !yield(f, err) || err != nil {
					return
				}
			}
			if retry.Sleep(ctx, logPause) != nil {
				return
			}
		}
	}
}

func (r *Runner) failedLogin(ctx context.Context, e resource.LogEntry) (f FailedLogin, is bool, err error) {
	if e.Type != "fp" {
		return f, false, nil
	}
	var entry struct {
		UserID     string `json:"user_id"`
		Connection string `json:"connection"`
	}
	if json.Unmarshal(e.Raw, &entry) != nil || entry.Connection != r.run.Connection {
		return f, false, nil
	}
	key, ok := r.run.Key(entry.UserID)
	if !ok {
		return f, false, nil
	}
	known, err := r.known(ctx, []string{key})
	if err != nil || known[key].State != driver.StateMigrated {
		return f, false, err
	}
	f = FailedLogin{LogID: e.ID, Key: key, Code: e.Type, Time: e.Time}
	rec, err := r.src.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return f, false, fmt.Errorf("migration: read a user from the source: %w", err)
	}
	if err == nil {
		f.Format, _ = passhash.Identify(rec.Password) // "" when there is none
	}
	u, mine, err := r.user(ctx, key)
	if err != nil {
		return f, false, err
	}
	f.Hash = f.Format != "" && mine == ViaBulk && u.LastLogin.IsZero() && u.LoginsCount == 0
	return f, true, nil
}

// Export writes what the ledger has about the user with this Auth0 id, as JSON: one
// object, or null.
func (r *Runner) Export(ctx context.Context, userID string, w io.Writer) error {
	if _, err := r.open(ctx); err != nil {
		return err
	}
	var found *driver.Outcome
	if key, ok := r.run.Key(userID); ok {
		known, err := r.known(ctx, []string{key})
		if err != nil {
			return err
		}
		if o, ok := known[key]; ok {
			found = &o
		}
	}
	return json.NewEncoder(w).Encode(found)
}

// Forget removes what the ledger has about the user with this Auth0 id in this run.
// Take the user out of the source first: a run that meets the key again imports it
// again.
func (r *Runner) Forget(ctx context.Context, userID string) error {
	if _, err := r.open(ctx); err != nil {
		return err
	}
	key, ok := r.run.Key(userID)
	if !ok {
		return nil
	}
	if err := r.ledger.Forget(ctx, r.run.Name, key); err != nil {
		return fmt.Errorf("migration: forget a user: %w", err)
	}
	return nil
}
