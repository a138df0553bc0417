// Package lazy migrates users one by one, at their first login, for programs that
// show the login form themselves:
//
//	users, err := lazy.New(src, client, run, lazy.Config{Importer: client, Members: client})
//	…
//	_, err = users.Login(ctx, migration.Credentials{Identifier: email, Password: password, IP: ip})
//	throttled, slow := errors.AsType[*lazy.ThrottledError](err)
//	switch {
//	case err == nil, errors.Is(err, lazy.ErrMigrated):
//		authenticate(w, r) // at Auth0: ErrMigrated proved nothing here
//	case errors.Is(err, lazy.ErrCredentials):
//		http.Error(w, "wrong email or password", http.StatusUnauthorized)
//	case slow:
//		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.RetryAfter.Seconds())+1))
//		http.Error(w, "try again later", http.StatusTooManyRequests)
//	default: // nothing is known
//		http.Error(w, "try again", http.StatusServiceUnavailable)
//	}
//
// It verifies the password against the legacy hash before it creates the user at
// Auth0 with it, limits guesses for each account and each address, and limits
// concurrent hashing. Wrong, unknown, blocked and unusable are one answer after one
// duration.
//
// Users with second factors, and users whose password breaks the connection's
// policy, are created by an import job; with a client as dst nothing has to be set
// for that. Give it the run of the bulk migration: both then know each other's users
// and can work at the same time.
//
// The client needs the scopes create:users, read:users and read:connections, and for
// memberships read:organizations, create:organization_members, read:roles and
// update:users.
package lazy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// Lazy migrates users at their first login. It is safe for concurrent use.
type Lazy struct {
	src    migration.Source
	dst    migration.Creator
	run    *migration.Run
	cfg    Config
	marker migration.Marker // nil unless the source is one

	accounts, strangers, addresses *throttle
	gate                           *gate
	timing                         timing
	flights                        flights
	opened                         opened
}

// Config holds a Lazy's optional settings. The zero value uses the defaults.
type Config struct {
	// Importer creates by import job the users that POST /users cannot create: users
	// with second factors, and users whose right password breaks the connection's
	// policy. Such a login takes as long as the job, and waits for a job slot of the
	// tenant. Defaults to dst if it is one, as *management.Client is; without one such
	// users get ErrImportOnly.
	Importer migration.Importer

	// Members gives organizations and roles at the login. Defaults to none: then the
	// next Sync of a Runner gives them.
	Members migration.MemberAdder

	// Ledger is that of the bulk migration. With it, users who were migrated and then
	// deleted at Auth0 stay deleted. It is only read. Defaults to none: then
	// Record.Migrated alone says so.
	Ledger driver.Ledger

	// Duration is how long each refusal takes. It must be longer than the costliest
	// hash of the source takes on a busy machine; a costlier one raises it. Defaults to
	// what Calibrate measures.
	Duration time.Duration

	// AccountFailures and AddressFailures bound the wrong guesses in an hour for one
	// account and from one address (an IPv6 /64). Auth0 does not see these guesses and
	// cannot limit them. They default to 100 each, the most that NIST SP 800-63B
	// (section 5.2.2) allows for an account.
	AccountFailures, AddressFailures int

	// MaxEntries bounds the accounts, the unknown identifiers and the addresses that
	// are remembered for that, each; an entry takes some 40 bytes. Those with the
	// fewest guesses are forgotten first. Defaults to 100,000.
	MaxEntries int

	// Verifications is how many hashes are computed at once, and MaxWaiting how
	// many logins wait for that; more get a *ThrottledError at once. They default
	// to the number of processors and to 256.
	Verifications, MaxWaiting int

	Recorder audit.Recorder // Defaults to audit.Discard.
}

// ThrottledError is returned when a login was not tried because of too many
// guesses, or too many logins at once. It is the same whether or not the account
// exists.
type ThrottledError struct {
	RetryAfter time.Duration
}

// Error says how long to wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("lazy: too many attempts; retry after %s", e.RetryAfter.Round(time.Second))
}

// The errors of Login. Any other error means the result is unknown; let the user
// try again.
var (
	// ErrCredentials is returned for an unknown user, a wrong password, a blocked
	// user, and a broken or missing hash: one error, after one duration.
	ErrCredentials = errors.New("lazy: wrong identifier or password")

	// ErrMigrated is returned when the user is at Auth0, or was and has been deleted,
	// and was NOT proved here: let Auth0 authenticate them. Do not show this error,
	// because it reveals that the account exists.
	ErrMigrated = errors.New("lazy: the user is at Auth0; authenticate there")

	// ErrImportOnly is returned when the password is right but only an import job can
	// create the user: set Config.Importer, or let the user reset the password.
	ErrImportOnly = errors.New("lazy: only an import job can create this user; set Config.Importer")

	// ErrMemberships is returned when the password is right and the user is at Auth0,
	// but not yet in all organizations. The next login goes on.
	ErrMemberships = errors.New("lazy: the user is not yet in all organizations; log in again")

	// ErrTaken is returned when the password is right but the user's id or username is
	// somebody else's in the tenant: set Run.KeyPrefix, or see Run.Fields.
	ErrTaken = errors.New("lazy: the id, the username or the phone number of this user is somebody else's at Auth0")
)

// New returns a Lazy. It does no I/O; a connection that does not exist makes the
// first login fail.
func New(src migration.Source, dst migration.Creator, run migration.Run, cfg Config) (*Lazy, error) {
	switch {
	case src == nil:
		return nil, errors.New("lazy: src must not be nil: give New a Source, such as one of package sqlsource")
	case dst == nil:
		return nil, errors.New("lazy: dst must not be nil: give New a *management.Client")
	}
	run, err := run.Check()
	if err != nil {
		return nil, err
	}
	if cfg, err = cfg.complete(); err != nil {
		return nil, err
	}
	if cfg.Importer == nil {
		cfg.Importer, _ = dst.(migration.Importer)
	}
	l := &Lazy{src: src, dst: dst, run: &run, cfg: cfg}
	l.marker, _ = src.(migration.Marker)
	l.accounts = newThrottle(cfg.AccountFailures, cfg.MaxEntries)
	l.strangers = newThrottle(cfg.AccountFailures, cfg.MaxEntries)
	l.addresses = newThrottle(cfg.AddressFailures, cfg.MaxEntries)
	l.gate = newGate(cfg.Verifications, cfg.MaxWaiting)
	l.timing.base = cfg.Duration
	return l, nil
}

func (c Config) complete() (Config, error) {
	for field, value := range map[string]int{
		"AccountFailures": c.AccountFailures, "AddressFailures": c.AddressFailures, "MaxEntries": c.MaxEntries,
		"Verifications": c.Verifications, "MaxWaiting": c.MaxWaiting, "Duration": int(c.Duration),
	} {
		if value < 0 {
			return c, fmt.Errorf("lazy: Config.%s must not be negative", field)
		}
	}
	orDefault(&c.AccountFailures, 100)
	orDefault(&c.AddressFailures, 100)
	orDefault(&c.MaxEntries, 100_000)
	orDefault(&c.Verifications, runtime.GOMAXPROCS(0))
	orDefault(&c.MaxWaiting, 256)
	return c, nil
}

func orDefault(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

// opened is what is asked once: the connection, and whether the ledger is this
// run's.
type opened struct {
	mu         sync.Mutex
	connection *resource.Connection
}

func (l *Lazy) open(ctx context.Context) (*resource.Connection, error) {
	l.opened.mu.Lock()
	defer l.opened.mu.Unlock()
	if l.opened.connection != nil {
		return l.opened.connection, nil
	}
	c, _, err := jobs.Resolve(ctx, l.dst, l.run.Connection)
	if err != nil {
		return nil, err
	}
	if l.cfg.Ledger != nil {
		bound, err := l.cfg.Ledger.Bind(ctx, l.run.Name, "")
		if err != nil {
			return nil, fmt.Errorf("lazy: read the ledger: %w", err)
		}
		if err := l.run.Belongs(bound, l.dst.Issuer(), c.ID); err != nil {
			return nil, err
		}
	}
	l.opened.connection = c
	return c, nil
}

// Login returns the user if the password was proved against the legacy hash and
// the user now exists at Auth0 with this password: log them in there.
// [ErrMigrated] proves nothing. On an error nothing was created, unless Auth0's
// answer was lost or it is [ErrMemberships].
//
// Overlapping logins of one user share one creation, but only after each has
// proved its own password.
func (l *Lazy) Login(ctx context.Context, c migration.Credentials) (*resource.User, error) {
	a := &attempt{Lazy: l, c: c, began: time.Now(), action: "migration.login"}
	u, err := a.login(ctx)
	return ended(ctx, a, u, err)
}

// Authenticate proves the password as Login does and creates nothing: it returns
// the user that Login would create. It is for Auth0's custom database scripts,
// where Auth0 creates the user. Second factors and organizations are not part of
// the answer.
func (l *Lazy) Authenticate(ctx context.Context, c migration.Credentials) (*resource.NewUser, error) {
	a := &attempt{Lazy: l, c: c, began: time.Now(), action: "migration.authenticate"}
	u, err := a.authenticate(ctx)
	return ended(ctx, a, u, err)
}

// Lookup returns the user with this email or username, without a password, or
// [migration.ErrNoUser]. It tells who exists, so it must serve signed callers only.
// Users who were migrated and deleted do not exist.
func (l *Lazy) Lookup(ctx context.Context, identifier string) (*resource.NewUser, error) {
	a := &attempt{Lazy: l, c: migration.Credentials{Identifier: identifier}}
	if err := a.find(ctx); err != nil {
		return nil, err
	}
	if !a.found || a.bad != nil || a.rec.Blocked {
		return nil, migration.ErrNoUser
	}
	gone, err := a.deleted(ctx)
	if err != nil {
		return nil, err
	}
	if gone {
		return nil, migration.ErrNoUser
	}
	return new(l.run.NewUser(&a.rec, "")), nil
}

func ended[T any](ctx context.Context, a *attempt, v *T, err error) (*T, error) {
	if !errors.Is(err, ErrCredentials) {
		a.refund()
	}
	if recorded := a.record(ctx, err); recorded != nil {
		return nil, errors.Join(err, recorded)
	}
	return v, err
}
