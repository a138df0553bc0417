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

// Directory reads and changes factors at Auth0; *management.Client implements it.
// It needs the scopes read:guardian_factors, create:guardian_enrollment_tickets,
// read:authentication_methods, create:authentication_methods (MirrorTOTP),
// delete:authentication_methods, delete:guardian_enrollments, update:users, and,
// only with AllowTenantWideChange, update:guardian_factors.
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

// Config holds a Service's optional settings. With the zero value the Service
// manages Auth0's enrollments and verifies nothing.
type Config struct {
	// Store and Keys are set together. They enable the local factors and the counting
	// of failures for all factors. Keys are 32 bytes each: the first seals, all open.
	// Keep an old key until every record was written again: seeds live as long as
	// their users.
	Store driver.Store
	Keys  [][]byte

	// Verifiers verify the other factors: NewMFA, NewCIBA, or your own.
	Verifiers map[Factor]Verifier

	// Issuer is your product's name as authenticator apps show it. Required with
	// Store; must not contain a colon.
	Issuer string

	// MirrorTOTP also registers the seeds of LocalTOTP at Auth0 when they are
	// confirmed, so that one app serves both. A code can then be spent once here and
	// once at Auth0, because neither side knows what the other accepted.
	MirrorTOTP bool

	// ExactTime accepts only the code of the current 30 seconds. By default one step
	// before and after it is accepted too (RFC 6238 section 5.2), and the drift of the
	// device's clock is learned up to two minutes (section 6).
	ExactTime bool

	// MaxFailures is the number of failures in a row that lock a factor of a user
	// until it is enrolled again. 10 to 100. Defaults to 100, the most that NIST SP
	// 800-63B-4 section 3.2.2 allows.
	MaxFailures int

	// AllowTenantWideChange lets EnrollmentTickets, Register, and EnrollTOTP with
	// MirrorTOTP turn on a factor that is off. That affects every user and every
	// application of the tenant.
	AllowTenantWideChange bool

	// Recorder receives an event for every step. Defaults to audit.Discard.
	Recorder audit.Recorder

	// Notifier tells users about new, removed and recovered factors. Defaults to none.
	Notifier Notifier

	// Now is the clock that codes depend on; keep it right. Defaults to time.Now.
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

// New returns a Service. It does no I/O. dir may be nil if the Service only
// verifies factors. A login service then needs no access to the Management API;
// but enrollments at Auth0 are not seen, so users must not have any.
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

// checkUser refuses what cannot be a user id.
func checkUser(userID string) error {
	if userID == "" || len(userID) > 255 || !utf8.ValidString(userID) ||
		strings.ContainsFunc(userID, func(r rune) bool { return r < ' ' || r == 0x7f }) {
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

// notify tells the user, also when the request has ended.
func (s *Service) notify(ctx context.Context, userID, action string, f Factor, name string) {
	if s.cfg.Notifier == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.cfg.Notifier.Notify(ctx, userID, Change{Action: action, Factor: f, Name: name, At: s.now()}); err != nil {
		_ = s.record(ctx, event("notify", userID, f, err)) // The change is done, and its own event is there.
	}
}

// Run removes expired records from the store, at once and then every hour, until
// ctx ends, and returns the error of ctx. Start it once in a process. A sweep that
// fails is repeated by the next.
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
