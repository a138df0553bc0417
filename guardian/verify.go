package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Request holds an attempt to prove a factor.
type Request struct {
	UserID   string     // Required. The signed-in user, never one that the request claims.
	Factor   Factor     // Required.
	Code     string     // What the user typed, without spaces. Empty for Push.
	MFAToken string     // For the MFA API: from the error mfa_required.
	OOBCode  string     // For SMS and Email: from Challenge. Push may leave it empty.
	Message  string     // For CIBA: shown on the device.
	IP       netip.Addr // The user's address; the zero Addr if it is not known. After 24 failures of this user from there, they are not heard from there while they have a failure. Events contain it.
}

// Format hides codes and tokens from package fmt.
func (r Request) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows only the factor.
func (r Request) LogValue() slog.Value { return secret.Shown(slog.String("factor", string(r.Factor))) }

// MarshalJSON hides codes and tokens wherever something that contains r is logged as JSON.
func (r Request) MarshalJSON() ([]byte, error) { return secret.JSON(r) }

// Verification is a proof of a factor. Only Verify, package passkey and
// Proven make one; EnrollTOTP refuses a literal.
type Verification struct {
	UserID          string
	Factor          Factor    // Empty from Proven.
	AMR             []string  // For the session: "mfa", and the method of RFC 8176 where there is one.
	Time            time.Time // When the factor was proved.
	NewRecoveryCode string    // Replaces the code that was spent. A secret: show it once.
	Tokens          *Tokens   // Set by MFA and CIBA. Secrets.

	genuine bool
}

// Format hides the recovery code and the tokens from package fmt.
func (v Verification) Format(f fmt.State, _ rune) { secret.Format(f, v) }

// LogValue shows only the factor and the time.
func (v Verification) LogValue() slog.Value {
	return secret.Shown(slog.String("factor", string(v.Factor)), slog.Time("time", v.Time))
}

// MarshalJSON hides them wherever something that contains v is logged as JSON.
func (v Verification) MarshalJSON() ([]byte, error) { return secret.JSON(v) }

// Verifier verifies a factor that is not local. A refusal is one of the sentinels,
// or a [*VerifyError] that wraps one; any other error means the result is unknown.
// The result must be about r.UserID: if the request proves another user, the
// verifier returns ErrWrongCode.
type Verifier interface {
	Verify(ctx context.Context, r Request) (*Verification, error)
}

// proofAge is how fresh a proof must be to enroll another factor.
const proofAge = 10 * time.Minute

// check reports whether v proves a factor of userID now.
func (v *Verification) check(userID string, now time.Time) error {
	if v == nil || !v.genuine || v.UserID != userID || now.Sub(v.Time) > proofAge || v.Time.Sub(now) > time.Minute {
		return ErrStepUp
	}
	return nil
}

// Verify proves that r.UserID has r.Factor now. A nil error means that the factor
// is proved and the code is spent: no second request succeeds with it. A refusal
// is a [*VerifyError]; any other error means the result is unknown, so do not let
// the user in.
//
// With a Store, attempts are throttled: a user has five failures in a row with a
// factor free, then the delay grows from 30 s to four hours, and Config.MaxFailures
// failures lock the factor until it is enrolled again. Of recovery codes and passkeys,
// which nobody can guess, only wrong ones are refused for that. A success resets only
// this factor. An address with 24 failures of a user is not heard for them while they have a
// failure, until two weeks have taken one back.
//
// For Push it waits until the user has answered or ctx ends. It never confirms an
// enrollment.
func (s *Service) Verify(ctx context.Context, r Request) (*Verification, error) {
	verifier, err := s.verifier(r)
	if err != nil {
		return nil, err
	}
	return s.settle(ctx, verifier, r)
}

// settle is an attempt with its events and notices.
func (s *Service) settle(ctx context.Context, verifier Verifier, r Request) (*Verification, error) {
	v, err := s.attempt(ctx, verifier, r)
	err = errors.Join(err, s.record(ctx, r.event("verify", err)))
	if no, is := errors.AsType[*VerifyError](err); is && no.AttemptsLeft == 0 && no.Err != ErrLocked {
		err = errors.Join(err, s.record(ctx, r.event("lock", nil)))
		s.notify(ctx, r.UserID, "locked", r.Factor, "")
	}
	if err != nil {
		return nil, err
	}
	if r.Factor == LocalRecovery {
		s.notify(ctx, r.UserID, "recovered", r.Factor, "")
	}
	return v, nil
}

// event is a step of the request.
func (r Request) event(action string, err error) audit.Event {
	e := event(action, r.UserID, r.Factor, err)
	if r.IP.IsValid() {
		e.IP = r.IP.WithZone("").String()
	}
	return e
}

// verifier checks the request and finds who answers it.
func (s *Service) verifier(r Request) (Verifier, error) {
	if err := checkUser(r.UserID); err != nil {
		return nil, err
	}
	switch {
	case r.Factor == Passkey:
		return nil, invalid("Request.Factor", "is verified by package passkey")
	case r.Factor.local() && s.store == nil:
		return nil, errNoStore
	case r.Factor == LocalTOTP:
		return localTOTP{s}, nil
	case r.Factor == LocalRecovery:
		return localRecovery{s}, nil
	case s.cfg.Verifiers[r.Factor] != nil:
		return s.cfg.Verifiers[r.Factor], nil
	}
	return nil, invalid("Request.Factor", "is none that Config.Verifiers has")
}

// A precheck says without an attempt that the answer is no: what cannot be a code
// is no guess. Otherwise it says how many failures a wrong code counts for.
type precheck interface {
	precheck(ctx context.Context, r Request) (weight int, err error)
}

// attempt charges, asks, and settles the charge.
func (s *Service) attempt(ctx context.Context, verifier Verifier, r Request) (*Verification, error) {
	weight := 1
	if p, has := verifier.(precheck); has {
		var err error
		if weight, err = p.precheck(ctx, r); err != nil {
			return nil, new(charge).explain(err, false)
		}
	}
	c, refused := s.charge(ctx, r, weight)
	if refused != nil && (r.Factor.guessable() || sentinelOf(refused) == nil) {
		return nil, refused
	}
	v, err := verifier.Verify(ctx, r)
	if err == nil && (v == nil || v.UserID != r.UserID) {
		err = ErrWrongCode // A proof of somebody else is none.
	}
	switch {
	case err != nil && refused != nil && sentinelOf(err) != nil:
		return nil, refused
	case err != nil && refused != nil: // Nothing was charged.
		return nil, err
	case err != nil:
		if counts(r.Factor, err) {
			return nil, c.explain(err, true)
		}
		return nil, errors.Join(c.explain(err, false), c.refund(ctx))
	}
	if err := c.succeed(ctx); err != nil {
		return nil, err
	}
	proof := *v
	proof.Factor, proof.AMR, proof.Time, proof.genuine = r.Factor, r.Factor.amr(), s.now(), true
	return &proof, nil
}

// guessable reports whether failures delay and lock f. Recovery codes of 80 bits and
// answers of passkeys are guessed by nobody, so who fails on purpose must not keep their
// owner out with them (NIST SP 800-63B-4 section 3.1.2.2 limits codes below 64 bits).
func (f Factor) guessable() bool { return f != LocalRecovery && f != Passkey }

// counts reports whether a no is a failed attempt. A replay is none, but an event
// of its own. Of pushes all count that reached the device: a person who is asked
// again and again says yes in the end.
func counts(f Factor, err error) bool {
	if errors.Is(err, ErrWrongCode) || errors.Is(err, ErrDenied) {
		return true
	}
	return f == Push && !errors.Is(err, ErrNotEnrolled) && !errors.Is(err, ErrFactorDisabled) && !errors.Is(err, ErrThrottled)
}

// localTOTP verifies LocalTOTP.
type localTOTP struct{ s *Service }

func (l localTOTP) precheck(ctx context.Context, r Request) (weight int, err error) {
	var st totpState
	if _, err := l.s.read(ctx, totpKey(r.UserID), &st); err != nil {
		return 0, err
	}
	if len(st.Apps) == 0 {
		return 0, ErrNotEnrolled
	}
	if !standard.wellFormed(r.Code) {
		return 0, ErrWrongCode
	}
	return st.weight(), nil
}

// Verify spends the code's step by an update on condition that nobody else has
// changed the record.
func (l localTOTP) Verify(ctx context.Context, r Request) (*Verification, error) {
	now := l.s.now()
	err := update(ctx, l.s, totpKey(r.UserID), func(st *totpState) (time.Time, error) {
		if len(st.Apps) == 0 {
			return time.Time{}, ErrNotEnrolled
		}
		return time.Time{}, st.accept(r.Code, now, l.s.window())
	})
	if err != nil {
		return nil, err
	}
	return &Verification{UserID: r.UserID}, nil
}

func totpKey(userID string) driver.Key { return driver.Key{Subject: userID, Kind: driver.KindTOTP} }

// window is how many steps beside the expected one are accepted.
func (s *Service) window() int64 {
	if s.cfg.ExactTime {
		return 0
	}
	return 1
}
