package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Lazy migrates users one by one, at their first login: it verifies the password
// against the legacy hash and then creates the user at Auth0 with it. It runs in
// the service that shows the login form, and is safe for concurrent use.
type Lazy struct {
	src        Source
	dst        Creator
	connection string
	cfg        LazyConfig
	marker     Marker // nil unless the source is one

	accounts, strangers, addresses *throttle
	gate                           *gate
	timing                         timing
	flights                        flights
}

// LazyConfig holds a Lazy's optional settings. The zero value uses the defaults.
type LazyConfig struct {
	// Run is the mark of the users in app_metadata.auth0kit. Use the Runner's Run, so
	// that the two know each other's users. Defaults to the name of the connection.
	Run string

	// Importer creates by import job the users that POST /users cannot create: users
	// with second factors, and users whose right password breaks the connection's
	// policy. Such a login takes as long as the job. Without Importer they get
	// ErrImportOnly.
	Importer Importer

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

// Credentials holds what the user typed, and their address. It is never printed.
type Credentials struct {
	Identifier string // An email or a username, as Source.Find takes it.
	Password   string
	IP         netip.Addr // The zero Addr is not throttled by address.
}

// Format hides the password and the identifier from package fmt.
func (c Credentials) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides them from log/slog.
func (c Credentials) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains c is logged as JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

// ThrottledError is returned when a login was not tried because of too many
// guesses, or too many logins at once. It is the same whether or not the account
// exists.
type ThrottledError struct {
	RetryAfter time.Duration
}

// Error says how long to wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("migration: too many attempts; retry after %s", e.RetryAfter.Round(time.Second))
}

// The errors of Lazy.Login. Any other error means the result is unknown; let the
// user try again.
var (
	// ErrCredentials is returned for an unknown user, a wrong password, a blocked
	// user, and a broken or missing hash: one error, after one duration.
	ErrCredentials = errors.New("migration: wrong identifier or password")

	// ErrMigrated is returned when the user is at Auth0 and was NOT proved here: let
	// Auth0 authenticate them. Do not show this error, because it reveals that the
	// account exists.
	ErrMigrated = errors.New("migration: the user is at Auth0; authenticate there")

	// ErrImportOnly is returned when the password is right but only an import job can
	// create the user: set LazyConfig.Importer, or let the user reset the password.
	ErrImportOnly = errors.New("migration: only an import job can create this user; set LazyConfig.Importer")
)

// NewLazy returns a Lazy. It does no I/O. connection is the name of a database
// connection; an unknown one makes the first login fail.
func NewLazy(src Source, dst Creator, connection string, cfg LazyConfig) (*Lazy, error) {
	switch {
	case src == nil:
		return nil, invalidConfig("src", "must not be nil: give NewLazy a Source, such as one of package sqlsource")
	case dst == nil:
		return nil, invalidConfig("dst", "must not be nil: give NewLazy a *management.Client")
	case connection == "":
		return nil, invalidConfig("connection", "must not be empty: name a database connection of the tenant")
	}
	cfg, err := cfg.complete(connection)
	if err != nil {
		return nil, err
	}
	l := &Lazy{src: src, dst: dst, connection: connection, cfg: cfg}
	l.marker, _ = src.(Marker)
	l.accounts = newThrottle(cfg.AccountFailures, cfg.MaxEntries)
	l.strangers = newThrottle(cfg.AccountFailures, cfg.MaxEntries)
	l.addresses = newThrottle(cfg.AddressFailures, cfg.MaxEntries)
	l.gate = newGate(cfg.Verifications, cfg.MaxWaiting)
	return l, nil
}

func (c LazyConfig) complete(connection string) (LazyConfig, error) {
	c.Run = orDefault(c.Run, connection)
	c.AccountFailures = orDefault(c.AccountFailures, 100)
	c.AddressFailures = orDefault(c.AddressFailures, 100)
	c.MaxEntries = orDefault(c.MaxEntries, 100_000)
	c.Verifications = orDefault(c.Verifications, runtime.GOMAXPROCS(0))
	c.MaxWaiting = orDefault(c.MaxWaiting, 256)
	for field, value := range map[string]int{
		"AccountFailures": c.AccountFailures, "AddressFailures": c.AddressFailures, "MaxEntries": c.MaxEntries,
		"Verifications": c.Verifications, "MaxWaiting": c.MaxWaiting,
	} {
		if value < 0 {
			return c, invalidConfig("LazyConfig."+field, "must not be negative")
		}
	}
	return c, nil
}

// Login returns the user if the password was proved against the legacy hash and
// the user now exists at Auth0 with this password: log them in there.
// [ErrMigrated] proves nothing. On an error nothing was created, unless Auth0's
// answer was lost.
//
// Overlapping logins of one user share one creation, but only after each has
// proved its own password.
func (l *Lazy) Login(ctx context.Context, c Credentials) (*resource.User, error) {
	a := &attempt{Lazy: l, c: c, began: time.Now()}
	u, err := a.login(ctx)
	if !errors.Is(err, ErrCredentials) {
		a.refund()
	}
	if recorded := a.record(ctx, err); recorded != nil {
		return nil, errors.Join(err, recorded)
	}
	return u, err
}
