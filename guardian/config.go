package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/internal/seal"
	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Directory is Auth0's side; *management.Client is one. Its scopes are
// read:guardian_factors, create:guardian_enrollment_tickets,
// read:authentication_methods, create:authentication_methods (MirrorTOTP),
// delete:authentication_methods, delete:guardian_enrollments, update:users, and
// update:guardian_factors only with AllowTenantWideChange.
type Directory interface {
	Factors(ctx context.Context) ([]resource.Factor, error)
	SetFactor(ctx context.Context, name string, enabled bool) error
	CreateEnrollmentTicket(ctx context.Context, userID, factor string) (*resource.EnrollmentTicket, error)
	AuthenticationMethods(ctx context.Context, userID string) ([]resource.AuthenticationMethod, error)
	CreateAuthenticationMethod(ctx context.Context, userID string, m resource.NewAuthenticationMethod) (*resource.AuthenticationMethod, error)
	DeleteAuthenticationMethod(ctx context.Context, userID, methodID string) error
	DeleteAuthenticators(ctx context.Context, userID string) error
	RegenerateRecoveryCode(ctx context.Context, userID string) (code string, err error)
	InvalidateRememberedBrowsers(ctx context.Context, userID string) error
}

// Config of a Service. With the zero value it manages Auth0's enrollments and
// verifies nothing.
type Config struct {
	// Store and Keys, both or neither, make the local factors, and count the
	// failures of all. Keys are 32 bytes each: the first seals, all open. Keep a
	// dropped key until every record was written anew: seeds live as long as
	// their users.
	Store driver.Store
	Keys  [][]byte

	// Verifiers verify the other factors: NewMFA, NewCIBA, or your own.
	Verifiers map[Factor]Verifier

	// Issuer is shown in authenticator apps: your product's name. Required with
	// Store; without a colon.
	Issuer string

	// MirrorTOTP registers the seeds of LocalTOTP at Auth0 too, when they are
	// confirmed, so that one app serves both. Then a code can be spent once here
	// and once there: neither side knows of the other.
	MirrorTOTP bool

	// ExactTime accepts the code of the current 30 seconds only. Defaults to one
	// step before and after it (RFC 6238 section 5.2), around a clock whose drift
	// is learnt up to two minutes (section 6).
	ExactTime bool

	// MaxFailures in a row lock a factor of a user until it is enrolled anew.
	// Defaults to 100, which is the most that NIST SP 800-63B-4 section 3.2.2
	// allows; at least 10.
	MaxFailures int

	// AllowTenantWideChange lets EnrollmentTickets, EnrollTOTP with MirrorTOTP, and nothing
	// else, turn on a factor that is off. That concerns every user and every
	// application of the tenant.
	AllowTenantWideChange bool

	// Recorder gets an event for every step. Defaults to audit.Discard.
	Recorder audit.Recorder

	// Now defaults to time.Now. Codes depend on it: keep the clock right.
	Now func() time.Time
}

// Format hides the keys from package fmt.
func (c Config) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides them from log/slog.
func (c Config) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains c is logged as JSON.
func (c Config) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

var (
	errNoStore     = errors.New("guardian: local factors need Config.Store and Config.Keys")
	errNoDirectory = errors.New("guardian: this needs a Directory, which New was not given")
)

// Service manages and verifies second factors. It is safe for concurrent use.
type Service struct {
	dir   Directory    // may be nil
	store driver.Store // may be nil
	ring  *seal.Ring
	cfg   *Config // A pointer, so that fmt does not print the keys.
	cache methodCache
}

// New makes a Service. It does no I/O. dir may be nil where only factors are
// verified: a login service then needs no access to the Management API, but no
// enrollment at Auth0 is seen, so users must not have any.
func New(dir Directory, cfg Config) (*Service, error) {
	if cfg.MaxFailures == 0 {
		cfg.MaxFailures = maxFailures
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{dir: dir, store: cfg.Store, cfg: &cfg, cache: newMethodCache()}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if cfg.Store != nil {
		ring, err := seal.New("auth0kit/guardian", cfg.Keys)
		if err != nil {
			return nil, fmt.Errorf("guardian: Config.Keys: %w", err)
		}
		s.ring = ring
	}
	return s, nil
}

func (s *Service) validate() error {
	c := s.cfg
	switch {
	case s.dir == nil && c.Store == nil && len(c.Verifiers) == 0:
		return errors.New("guardian: give New a Directory, a Config.Store or Config.Verifiers; without any there is nothing to do")
	case (c.Store == nil) != (len(c.Keys) == 0):
		return invalid("Config.Store", "and Config.Keys belong together: set both or neither")
	case c.MirrorTOTP && (s.dir == nil || c.Store == nil):
		return invalid("Config.MirrorTOTP", "needs a Directory and a Store")
	case c.MaxFailures < 10 || c.MaxFailures > maxFailures:
		return invalid("Config.MaxFailures", "must be 10 to 100")
	}
	for f, v := range c.Verifiers {
		if _, known := f.Names(); !known || f.local() || v == nil {
			return invalid("Config.Verifiers", "must map factors of Auth0 to verifiers that are not nil; local factors have their own")
		}
	}
	if c.Store != nil {
		return checkLabel("Config.Issuer", c.Issuer)
	}
	return nil
}

// now is in whole milliseconds, as stores keep it.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// checkUser refuses what cannot be a user id, or could be the subject of another
// record.
func checkUser(userID string) error {
	if userID == "" || len(userID) > 255 || !utf8.ValidString(userID) ||
		strings.HasPrefix(userID, "address ") || strings.ContainsFunc(userID, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid("UserID", "must be an Auth0 user id, such as \"auth0|…\"")
	}
	return nil
}

// record hands an event to the recorder, also when the request has ended.
func (s *Service) record(ctx context.Context, e audit.Event) error {
	e.Type, e.Source = "guardian", "auth0kit/guardian"
	e.Action = "guardian." + e.Action
	e.Time = s.now()
	return audit.Record(context.WithoutCancel(ctx), s.cfg.Recorder, e)
}

// event is a step that concerns a user and a factor.
func event(action, userID string, f Factor, err error) audit.Event {
	e := audit.Event{Action: action, Target: audit.Ref{Kind: "user", ID: userID}, Outcome: audit.Success}
	if f != "" {
		e.Metadata = map[string]string{"factor": string(f)}
	}
	if err != nil {
		e.Outcome, e.Reason = audit.Failure, reasonOf(err)
	}
	return e
}

// ended records how a verb ended that takes something away: it stays done, and a
// recording that failed joins its error.
func (s *Service) ended(ctx context.Context, action, userID string, f Factor, err error) error {
	return errors.Join(err, s.record(ctx, event(action, userID, f, err)))
}

// Run lets the store forget what is over, at once and then every hour, until ctx
// ends. Start it once in a process. Its error is that of ctx: a sweep that fails
// is repeated by the next.
func (s *Service) Run(ctx context.Context) error {
	if s.store == nil {
		return errNoStore
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		_, _ = s.store.Sweep(ctx, s.now()) // The next one finds what this one left.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
