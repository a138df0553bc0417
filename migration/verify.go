package migration

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// ErrDifferent is returned by Verify when Auth0 does not have what the ledger says
// was migrated, together with the Verification that names the users.
var ErrDifferent = errors.New("migration: Auth0 and the ledger differ")

// Verification holds the result of comparing Auth0 with the ledger.
type Verification struct {
	Checked int // Migrated users of the ledger.
	Same    int
	Changed int // There, but with other values than were sent.
	Missing int // In the ledger, but not at Auth0.
	Extra   int // At Auth0, but not in the ledger: other sign-ups, or Lazy's users before a Sync.

	// Differences lists the changed, the missing and the extra users, at most
	// Config.MaxProblems of them.
	Differences []Difference
}

// Difference holds how a user differs from the ledger.
type Difference struct {
	UserID string // In Auth0's form, with the provider.
	Kind   DifferenceKind
	Fields []string // The changed properties, by Auth0's names.
}

// DifferenceKind says how a user differs.
type DifferenceKind string

// The kinds of differences.
const (
	Changed DifferenceKind = "changed"
	Missing DifferenceKind = "missing"
	Extra   DifferenceKind = "extra"
)

// exported are the fields that an export has to have.
var exported = []string{
	"user_id", "email", "email_verified", "username", "phone_number", "name", "blocked",
	"app_metadata", "user_metadata", "logins_count", "last_login",
}

// Verify reads all users of the connection by an export job, the only complete
// list that Auth0 gives, and compares them with the digests of what was sent. It
// writes nothing. It returns [ErrDifferent] if users changed or are missing; users
// who have logged in since may have changed their data themselves. Passwords
// cannot be compared: watch the tenant's log for "fp" events instead.
//
// It needs some 20 bytes of memory for each user.
func (r *Runner) Verify(ctx context.Context) (*Verification, error) {
	connection, err := r.resolve(ctx)
	if err != nil {
		return nil, err
	}
	v := &verifier{Runner: r, Verification: &Verification{}, seed: maphash.MakeSeed(), seen: make(map[uint64]struct{})}
	if err := v.compareExport(ctx, connection.ID); err != nil {
		return nil, err
	}
	if err := v.findMissing(ctx); err != nil {
		return nil, err
	}
	if v.Changed+v.Missing > 0 {
		return v.Verification, fmt.Errorf("%w: %d changed, %d missing of %d", ErrDifferent, v.Changed, v.Missing, v.Checked)
	}
	return v.Verification, nil
}

type verifier struct {
	*Runner
	*Verification
	seed maphash.Seed
	seen map[uint64]struct{}
	page []resource.User
}

func (v *verifier) compareExport(ctx context.Context, connectionID string) error {
	for u, err := range v.export(ctx, connectionID) {
		if err != nil {
			return err
		}
		if v.page = append(v.page, u); len(v.page) < v.cfg.PageSize {
			continue
		}
		if err := v.comparePage(ctx); err != nil {
			return err
		}
	}
	return v.comparePage(ctx)
}

func (v *verifier) comparePage(ctx context.Context) error {
	keys := make([]string, len(v.page))
	for i := range v.page {
		keys[i] = keyOf(v.page[i].ID)
	}
	known, err := outcomesOf(ctx, v.ledger, v.cfg.Run, keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		o, ok := known[key]
		if !ok || o.State != driver.StateMigrated {
			v.Extra++
			v.differ(Difference{UserID: v.page[i].ID, Kind: Extra})
			continue
		}
		v.seen[maphash.String(v.seed, key)] = struct{}{}
		v.compare(o, &v.page[i])
	}
	v.page = v.page[:0]
	return nil
}

// compare counts one user. Without a digest there is nothing to compare.
func (v *verifier) compare(o driver.Outcome, u *resource.User) {
	v.Checked++
	if o.Digest == "" {
		v.Same++
		return
	}
	if fields := differing(o.Digest, profileOfUser(u).digest()); len(fields) > 0 {
		v.Changed++
		v.differ(Difference{UserID: u.ID, Kind: Changed, Fields: fields})
		return
	}
	v.Same++
}

// findMissing looks up the users whom the export did not have: it may be older
// than they are.
func (v *verifier) findMissing(ctx context.Context) error {
	for o, err := range v.ledger.Outcomes(ctx, v.cfg.Run) {
		if err != nil {
			return fmt.Errorf("migration: read the ledger: %w", err)
		}
		if _, ok := v.seen[maphash.String(v.seed, o.Key)]; ok || o.State != driver.StateMigrated {
			continue
		}
		u, err := patiently(ctx, func() (*resource.User, error) { return v.dst.User(ctx, userID(o.Key)) })
		switch {
		case err == nil:
			v.compare(o, u)
		case errors.Is(err, resource.ErrNotFound):
			v.Checked++
			v.Missing++
			v.differ(Difference{UserID: userID(o.Key), Kind: Missing})
		default:
			return fmt.Errorf("migration: look up a user: %w", err)
		}
	}
	return nil
}

func (v *verifier) differ(d Difference) {
	if len(v.Differences) < v.cfg.MaxProblems {
		v.Differences = append(v.Differences, d)
	}
}

// export yields the users of a connection with the fields that are compared.
func (r *Runner) export(ctx context.Context, connectionID string) iter.Seq2[resource.User, error] {
	return func(yield func(resource.User, error) bool) {
		for u, err := range r.dst.ExportUsers(ctx, connectionID, exported...) {
			if err != nil {
				yield(u, fmt.Errorf("migration: export the users: %w", err))
				return
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func keyOf(userID string) string { return strings.TrimPrefix(userID, provider) }
