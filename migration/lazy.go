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
// the service that has the login form, and is safe for concurrent use.
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

// LazyConfig is what a Lazy can be told. The zero value is ready.
type LazyConfig struct {
	// Run is the mark of the users in app_metadata.auth0kit: give it that of the
	// Runner, so that the two know each other's users. Defaults to the name of
	// the connection.
	Run string

	// Importer creates by import job whom POST /users cannot create as they are:
	// users with second factors, and users whose password breaks the connection's
	// policy although it is right. Such a login takes as long as the job. Without
	// it they get ErrImportOnly.
	Importer Importer

	// AccountFailures and AddressFailures bound the wrong guesses in an hour for
	// one account and from one address (an IPv6 /64): nothing else does, for Auth0
	// never hears of them. They default to 100 each, the most that NIST SP 800-63B
	// (section 5.2.2) allows for an account.
	AccountFailures, AddressFailures int

	// MaxEntries bounds the accounts, the unknown identifiers and the addresses
	// that are remembered for that, each; an entry takes some 40 bytes. Who has
	// guessed least is forgotten first. Defaults to 100,000.
	MaxEntries int

	// Verifications is how many hashes are computed at once, and MaxWaiting how
	// many logins wait for that; more get a *ThrottledError at once. They default
	// to the number of processors and to 256.
	Verifications, MaxWaiting int

	Recorder audit.Recorder // Defaults to audit.Discard.
}

// Credentials are what a person typed, and where from. Never printed.
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

// ThrottledError says that nothing was tried: too many guesses, or too many
// logins at once. It is the same for accounts that exist and that do not.
type ThrottledError struct {
	RetryAfter time.Duration
}

// Error names the wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("migration: too many attempts; retry after %s", e.RetryAfter.Round(time.Second))
}

// What Login answers. Other errors say that it could not find out, and that the
// person should try again.
var (
	// ErrCredentials is the answer to an unknown user, a wrong password, a blocked
	// user and a hash that is broken or missing: one error, after one duration.
	ErrCredentials = errors.New("migration: wrong identifier or password")

	// ErrMigrated says that the user is at Auth0 and was NOT proved here: let Auth0
	// authenticate it. It must not be shown to the person: it says that the account
	// exists.
	ErrMigrated = errors.New("migration: the user is at Auth0; authenticate there")

	// ErrImportOnly says that the password is right and that only an import job can
	// create the user: set LazyConfig.Importer, or have the password reset.
	ErrImportOnly = errors.New("migration: only an import job can create this user; set LazyConfig.Importer")
)

// NewLazy returns a Lazy that has not done anything yet: no I/O. The connection is
// the name of a database connection, which it does not look up: an unknown one is
// an error of the first login.
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
// the user exists at Auth0 now, with this password: log it in there. ErrMigrated
// comes without any proof, and nothing is created on any error but a lost answer
// of Auth0.
//
// Logins of one user that overlap share one creation, but only after each of
// them has proved its own password.
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
