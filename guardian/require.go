package guardian

import (
	"context"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/internal/challenge"
)

// ACRMultiFactor asks /authorize for a second factor, and ACRPhishingResistant for
// one that a false site cannot use (OpenID PAPE 1.0 section 4). The tenant needs an
// Action that heeds event.transaction.acr_values; see
// https://auth0.com/docs/secure/multi-factor-authentication/step-up-authentication/configure-step-up-authentication-for-web-apps.
const (
	ACRMultiFactor       = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
	ACRPhishingResistant = "http://schemas.openid.net/pape/policies/2007/06/phishing-resistant"
)

// Authenticated says when its user proved who they are. Sessions of package
// session and callers of package tenancy are known without it.
type Authenticated interface {
	// Subject returns the user id, or "" if nobody has authenticated.
	Subject() string
	// AuthenticatedBy returns when the user last used a method, by its name of RFC
	// 8176. Zero means never, or that the answer cannot be relied on.
	AuthenticatedBy(method string) time.Time
}

// NewContext returns a context with a, for sessions of your own. Two of one subject
// count together; one of another subject replaces those before.
func NewContext(ctx context.Context, a Authenticated) context.Context {
	return authn.NewContext(ctx, a)
}

// Level says how strong a proof must be. The zero Level is met by nothing.
type Level uint8

// The levels. A passkey of package passkey meets all of them.
const (
	MultiFactor       Level = iota + 1 // Any second factor.
	PhishingResistant                  // WebAuthn, which works at the true site alone.
	UserVerified                       // WebAuthn that also verified its user, by fingerprint, face or PIN.
)

// at returns when a proof of the level was given, zero for never.
func (l Level) at(a Authenticated) time.Time {
	newest := func(methods ...string) (at time.Time) {
		for _, m := range methods {
			if t := a.AuthenticatedBy(m); t.After(at) {
				at = t
			}
		}
		return at
	}
	switch l {
	case MultiFactor:
		return newest("mfa", methodUV)
	case PhishingResistant:
		return newest(methodPop, methodUV)
	case UserVerified:
		return newest(methodUV)
	}
	return time.Time{}
}

// acr names the level to an authorization server.
func (l Level) acr() []string {
	switch l {
	case MultiFactor:
		return []string{ACRMultiFactor}
	case PhishingResistant, UserVerified:
		return []string{ACRPhishingResistant}
	}
	return nil
}

// Require returns middleware that admits a request if its user has given a proof of
// level l within maxAge. It stands inside of session.HTTP.Load or Require, a guard
// of package tenancy, or what calls NewContext; without any of them it answers 500.
// A maxAge of zero or less admits nobody, and neither does a stale session.
//
// Other requests go to challenge, such as Pages.StepUp or the StepUp of
// session/login, which learns by Needed what is missing. Without a challenge the
// answer is that of an API, 401 with insufficient_user_authentication, acr_values
// and max_age (RFC 9470 section 3).
func Require(l Level, maxAge time.Duration, challenge http.HandlerFunc) func(http.Handler) http.Handler {
	return require(l, maxAge, challenge, time.Now)
}

// RequireMFA is Require(MultiFactor, maxAge, challenge).
func RequireMFA(maxAge time.Duration, challenge http.HandlerFunc) func(http.Handler) http.Handler {
	return Require(MultiFactor, maxAge, challenge)
}

// Require calls the function Require with the clock of Config.Now.
func (s *Service) Require(l Level, maxAge time.Duration, challenge http.HandlerFunc) func(http.Handler) http.Handler {
	return require(l, maxAge, challenge, s.cfg.Now)
}

type neededKey struct{}

type needed struct {
	level  Level
	maxAge time.Duration
}

// Needed returns what Require has asked for, to its challenge; zero elsewhere.
func Needed(ctx context.Context) (Level, time.Duration) {
	n, _ := ctx.Value(neededKey{}).(needed)
	return n.level, n.maxAge
}

func require(l Level, maxAge time.Duration, challenge http.HandlerFunc, now func() time.Time) func(http.Handler) http.Handler {
	if challenge == nil {
		challenge = unauthorized
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a, ok := authn.FromContext(r.Context())
			switch {
			case !ok:
				http.Error(w, "guardian: Require does not know the user: put it inside of session.HTTP.Require or a guard of package tenancy", http.StatusInternalServerError)
			case fresh(l.at(a), maxAge, now()):
				next.ServeHTTP(w, r)
			default:
				w.Header().Set("Cache-Control", "no-store")
				challenge(w, r.WithContext(context.WithValue(r.Context(), neededKey{}, needed{l, maxAge})))
			}
		})
	}
}

// unauthorized is the answer to a client that is no browser.
func unauthorized(w http.ResponseWriter, r *http.Request) {
	l, maxAge := Needed(r.Context())
	w.Header().Add("WWW-Authenticate", challenge.StepUp(maxAge, l.acr()...).String())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"error":"` + challenge.InsufficientAuthentication + `"}` + "\n"))
}

// fresh allows a minute for clocks that are ahead of ours.
func fresh(at time.Time, maxAge time.Duration, now time.Time) bool {
	age := now.Sub(at)
	return !at.IsZero() && maxAge > 0 && age < maxAge && age > -time.Minute
}

// Proven returns a Verification from what a session already knows, for EnrollTOTP:
// a second factor that was proved at Auth0's login, or by Verify in an earlier
// request. It returns ErrStepUp when a has none. EnrollTOTP decides how old it may
// be.
func Proven(a Authenticated) (*Verification, error) {
	if a == nil || a.Subject() == "" {
		return nil, ErrStepUp
	}
	at := MultiFactor.at(a)
	if at.IsZero() {
		return nil, ErrStepUp
	}
	return &Verification{UserID: a.Subject(), AMR: []string{"mfa"}, Time: at, genuine: true}, nil
}
