package migration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

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
	Missing int // In the ledger, but not at Auth0, or somebody else's.
	Extra   int // At Auth0, but not in the ledger: other sign-ups, or users of logins before a Sync.

	Memberships int // Memberships and tenant roles of the ledger, each compared.
	Outside     int // Of those, missing at Auth0.

	// Differences lists the changed, the missing and the extra users, and those
	// outside of an organization or a role, at most Config.MaxProblems of them.
	Differences []Difference
}

// Difference holds how a user differs from the ledger.
type Difference struct {
	UserID string // In Auth0's form, with the provider.
	Kind   DifferenceKind
	Fields []string // The changed properties, by Auth0's names; of Outside the ids of organization and role.
}

// DifferenceKind says how a user differs.
type DifferenceKind string

// The kinds of differences.
const (
	Changed DifferenceKind = "changed"
	Missing DifferenceKind = "missing"
	Extra   DifferenceKind = "extra"
	Outside DifferenceKind = "outside"
)

// exported are the fields that an export has to have.
var exported = []string{
	"user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "name", "given_name", "family_name",
	"nickname", "picture", "blocked", "app_metadata", "user_metadata", "logins_count", "last_login",
}

// Verify reads all users of the connection by an export job, the only complete
// list that Auth0 gives, and compares them with the digests of what was sent;
// without Run.Secret, with the source. Then it reads the members of the
// organizations and the holders of the roles that the run gave; Auth0 lists them
// some seconds late. It writes nothing. It returns [ErrDifferent] if users changed,
// are missing or are outside of an organization; users who have logged in since may
// have changed their data themselves. Passwords cannot be compared: see
// [Runner.FailedLogins].
//
// It needs some 11 bytes of memory for each user and each membership, and 16 more
// for each user without a secret.
func (r *Runner) Verify(ctx context.Context) (*Verification, error) {
	connection, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	v := &verifier{Runner: r, Verification: &Verification{}, seen: newCompact(), rules: newClassifier(*r.run, r.cfg.Reset, connection.Options)}
	if r.digests.key == nil {
		v.snapshot = newSnapshot()
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return v.compareExport(ctx, connection.ID) }, v.compareSource, v.findMissing, v.comparePlaces,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if v.Changed+v.Missing+v.Outside > 0 {
		return v.Verification, fmt.Errorf("%w: %d changed, %d missing of %d; %d memberships missing of %d",
			ErrDifferent, v.Changed, v.Missing, v.Checked, v.Outside, v.Memberships)
	}
	return v.Verification, nil
}

type verifier struct {
	*Runner
	*Verification
	seen     *compact
	snapshot *snapshot // nil with a secret
	rules    *classifier
	page     []resource.User
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
	keys := make([]string, 0, len(v.page))
	for i := range v.page {
		if key, ok := v.run.Key(v.page[i].ID); ok {
			keys = append(keys, key)
		}
	}
	known, err := v.known(ctx, keys)
	if err != nil {
		return err
	}
	for i := range v.page {
		u := &v.page[i]
		key, ok := v.run.Key(u.ID)
		o := known[key]
		if !ok || o.State != driver.StateMigrated || v.run.Via(u) == "" {
			v.Extra++
			v.differ(Difference{UserID: u.ID, Kind: Extra})
			continue
		}
		v.seen.add(key)
		v.compare(o, u)
	}
	v.page = v.page[:0]
	return nil
}

// compare counts one user. Without a digest the source decides later.
func (v *verifier) compare(o driver.Outcome, u *resource.User) {
	v.Checked++
	v.Same++
	if o.Digest == "" {
		if v.snapshot != nil {
			v.snapshot.add(o.Key, profileOfUser(u))
		}
		return
	}
	if fields := differing(o.Digest, v.digests.digest(profileOfUser(u))); len(fields) > 0 && o.Code != codeBlocked {
		v.changed(u.ID, fields)
	}
}

func (v *verifier) changed(userID string, fields []string) {
	v.Same--
	v.Changed++
	v.differ(Difference{UserID: userID, Kind: Changed, Fields: fields})
}

// compareSource compares the export with the source, for a run without digests.
func (v *verifier) compareSource(ctx context.Context) error {
	if v.snapshot == nil {
		return nil
	}
	for page, err := range v.pages(ctx) {
		if err != nil {
			return err
		}
		for i := range page {
			rec := page[i]
			if !v.seen.has(rec.Key) || v.rules.classify(&rec).class == Invalid || v.snapshot.same(rec.Key, profileOf(&rec)) {
				continue
			}
			u, mine, err := v.user(ctx, rec.Key)
			if err != nil {
				return err
			}
			if u == nil || mine == "" {
				continue // gone since the export
			}
			if fields := profileOf(&rec).changes(profileOfUser(u)); len(fields) > 0 {
				v.changed(u.ID, fields)
			}
		}
	}
	return nil
}

// findMissing looks up the users whom the export did not have: it may be older
// than they are.
func (v *verifier) findMissing(ctx context.Context) error {
	for o, err := range v.ledger.Outcomes(ctx, v.run.Name) {
		if err != nil {
			return fmt.Errorf("migration: read the ledger: %w", err)
		}
		if o.State != driver.StateMigrated || v.seen.has(o.Key) {
			continue
		}
		u, mine, err := v.user(ctx, o.Key)
		if err != nil {
			return err
		}
		if mine != "" {
			v.compare(o, u)
			continue
		}
		v.Checked++
		v.Missing++
		v.differ(Difference{UserID: v.run.UserID(o.Key), Kind: Missing})
	}
	return nil
}

// comparePlaces reads the members of each organization and the holders of each role
// that the ledger names.
func (v *verifier) comparePlaces(ctx context.Context) error {
	orgs, err := v.givenOrgs(ctx)
	if err != nil {
		return err
	}
	there := newCompact()
	for _, org := range orgs {
		if err := v.readPlaces(ctx, org, there); err != nil {
			return err
		}
	}
	for o, err := range v.ledger.Outcomes(ctx, v.run.Name) {
		if err != nil {
			return fmt.Errorf("migration: read the ledger: %w", err)
		}
		if o.State != driver.StateMigrated || o.Memberships != driver.MembershipsDone {
			continue
		}
		given := parsePlaces(o.Given)
		for _, org := range given.orgs() {
			v.Memberships++
			if org != "" && !there.has(org+" "+v.run.UserID(o.Key)) {
				v.outside(o.Key, org)
				continue
			}
			for _, role := range given.roles[org] {
				if !there.has(org + " " + role + " " + v.run.UserID(o.Key)) {
					v.outside(o.Key, orDefault(org, "tenant"), role)
					break
				}
			}
		}
	}
	return nil
}

func (v *verifier) outside(key string, ids ...string) {
	v.Outside++
	v.differ(Difference{UserID: v.run.UserID(key), Kind: Outside, Fields: ids})
}

// givenOrgs are the organizations of the ledger, and under a space the roles of the
// tenant.
func (v *verifier) givenOrgs(ctx context.Context) ([]string, error) {
	set := make(map[string]bool)
	for o, err := range v.ledger.Outcomes(ctx, v.run.Name) {
		if err != nil {
			return nil, fmt.Errorf("migration: read the ledger: %w", err)
		}
		given := parsePlaces(o.Given)
		for _, org := range given.orgs() {
			set[org] = org != ""
			if org == "" {
				delete(set, org)
				for _, role := range given.roles[org] {
					set[" "+role] = true
				}
			}
		}
	}
	var all []string
	for org := range set {
		all = append(all, org)
	}
	slices.Sort(all)
	return all, nil
}

func (v *verifier) readPlaces(ctx context.Context, org string, there *compact) error {
	if org[0] == ' ' {
		for u, err := range v.dst.RoleUsers(ctx, org[1:]) {
			if err != nil {
				return fmt.Errorf("migration: read the users of a role: %w", err)
			}
			there.add(org + " " + u.ID)
		}
		return nil
	}
	for m, err := range v.dst.Members(ctx, org) {
		if errors.Is(err, resource.ErrNotFound) {
			return nil // all are outside
		}
		if err != nil {
			return fmt.Errorf("migration: read the members of an organization: %w", err)
		}
		there.add(org + " " + m.UserID)
		for _, role := range m.Roles {
			there.add(org + " " + role.ID + " " + m.UserID)
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
			u.Connection = r.run.Connection // an export does not say it
			if !yield(u, nil) {
				return
			}
		}
	}
}
