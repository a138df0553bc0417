package guardian

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
)

// ACRMultiFactor asks /authorize for a second factor
// (https://auth0.com/docs/secure/multi-factor-authentication/step-up-authentication/configure-step-up-authentication-for-web-apps).
const ACRMultiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// Authenticated returns when and how its user proved who they are.
// *session.Session and *tenancy.TenantContext implement it.
type Authenticated interface {
	Authentication() (at time.Time, amr []string)
}

// RequireMFA returns middleware that admits a request if its user has proved a
// second factor within maxAge: the methods that who returns contain "mfa", and
// their time is not older. Other requests go to challenge, which sends the browser
// to StepUp.URL or to Pages, or answers 401 to an API. who returns nil for a
// request without a user. A maxAge of zero or less admits nobody. RequireMFA
// panics when who or challenge is nil.
//
// Authentication returns one time for all methods. A type that knows the time of
// each method has a method AuthenticatedBy(method string) time.Time, as
// *session.Session does; then a password typed again does not renew an old factor.
// Give a type of your own that method if its users can authenticate again by a
// password alone.
func RequireMFA(maxAge time.Duration, who func(*http.Request) Authenticated, challenge http.Handler) func(http.Handler) http.Handler {
	return require(maxAge, who, challenge, time.Now)
}

// RequireMFA calls the function RequireMFA with the clock of Config.Now.
func (s *Service) RequireMFA(maxAge time.Duration, who func(*http.Request) Authenticated, challenge http.Handler) func(http.Handler) http.Handler {
	return require(maxAge, who, challenge, s.cfg.Now)
}

func require(maxAge time.Duration, who func(*http.Request) Authenticated, challenge http.Handler, now func() time.Time) func(http.Handler) http.Handler {
	switch {
	case who == nil:
		panic("guardian: RequireMFA needs who, which says what a session knows of second factors; it is nil")
	case challenge == nil:
		panic("guardian: RequireMFA needs a challenge for those who have proved none; it is nil")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if fresh(who(r), maxAge, now()) {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Cache-Control", "no-store")
			challenge.ServeHTTP(w, r)
		})
	}
}

// fresh allows a minute for clocks that are ahead of ours.
func fresh(a Authenticated, maxAge time.Duration, now time.Time) bool {
	if isNil(a) {
		return false
	}
	at, _ := secondFactor(a)
	age := now.Sub(at)
	return !at.IsZero() && age < maxAge && age > -time.Minute
}

// secondFactor returns when a second factor was proved, zero for never, and all
// methods.
func secondFactor(a Authenticated) (at time.Time, amr []string) {
	at, amr = a.Authentication()
	if !slices.Contains(amr, "mfa") {
		return time.Time{}, amr
	}
	if by, ok := a.(interface{ AuthenticatedBy(string) time.Time }); ok {
		at = by.AuthenticatedBy("mfa")
	}
	return at, amr
}

// isNil sees through an interface that holds a nil pointer: what a function for a
// *session.Session returns when there is none.
func isNil(a Authenticated) bool {
	if a == nil {
		return true
	}
	v := reflect.ValueOf(a)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// Proven returns a Verification from what a session already knows, for EnrollTOTP:
// a second factor that was proved at Auth0's login, or by Verify in an earlier
// request. It returns ErrStepUp when a has no second factor. EnrollTOTP decides
// how old it may be.
func Proven(userID string, a Authenticated) (*Verification, error) {
	if isNil(a) {
		return nil, ErrStepUp
	}
	at, amr := secondFactor(a)
	if at.IsZero() {
		return nil, ErrStepUp
	}
	return &Verification{UserID: userID, AMR: slices.Clone(amr), Time: at, genuine: true}, nil
}

// StepUp holds a request to /authorize that makes Auth0 ask for a second factor.
// All fields but the last three are required.
type StepUp struct {
	Issuer        string // "https://tenant.eu.auth0.com/" or "tenant.eu.auth0.com".
	ClientID      string
	RedirectURI   string
	State         string // Random, and bound to the browser.
	Nonce         string // Random; compare it with the ID token's.
	CodeChallenge string // S256 of RFC 7636.

	Scope        string // Defaults to "openid".
	Organization string
	MaxAge       time.Duration // How old the login may be; at most RequireMFA's maxAge. Zero asks for a new login with both factors.
}

// URL returns where to send the browser. The tenant needs an Action that asks for
// a second factor when event.transaction.acr_values contains ACRMultiFactor.
func (u StepUp) URL() (string, error) {
	tenant, err := issuer.Parse("guardian: StepUp.Issuer", u.Issuer)
	if err != nil {
		return "", err
	}
	q := url.Values{"response_type": {"code"}, "code_challenge_method": {"S256"}, "acr_values": {ACRMultiFactor}, "scope": {"openid"}}
	for _, p := range []struct{ name, field, value string }{
		{"client_id", "ClientID", u.ClientID}, {"redirect_uri", "RedirectURI", u.RedirectURI}, {"state", "State", u.State},
		{"nonce", "Nonce", u.Nonce}, {"code_challenge", "CodeChallenge", u.CodeChallenge},
	} {
		if p.value == "" {
			return "", invalid("StepUp."+p.field, "is empty")
		}
		q.Set(p.name, p.value)
	}
	if u.Scope != "" {
		q.Set("scope", u.Scope)
	}
	if u.Organization != "" {
		q.Set("organization", u.Organization)
	}
	if u.MaxAge < 0 {
		return "", invalid("StepUp.MaxAge", "must not be negative")
	}
	q.Set("max_age", strconv.Itoa(int(u.MaxAge.Seconds())))
	return tenant.Join("authorize") + "?" + q.Encode(), nil
}

// StepUpClaims holds claims of the ID token of the callback. Verify its signature,
// nonce and audience first.
type StepUpClaims struct {
	Subject  string   `json:"sub"`
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
}

// Check returns the time and the methods to store in the session. Store them at
// the callback: tokens from a refresh or a silent login do not contain them. since
// is the time at which the browser was sent to Auth0, less StepUp.MaxAge; clocks
// may differ by a minute. Check returns [ErrStepUp] when the token is not
// userID's, or no second factor was proved since then.
func (c StepUpClaims) Check(userID string, since time.Time) (at time.Time, amr []string, err error) {
	at = time.Unix(c.AuthTime, 0).UTC()
	if userID == "" || c.Subject != userID || !slices.Contains(c.AMR, "mfa") || c.AuthTime == 0 || at.Before(since.Add(-time.Minute)) {
		return time.Time{}, nil, ErrStepUp
	}
	return at, slices.Clone(c.AMR), nil
}

// isLocalPath reports whether to is a path of this site, and not a way out of it.
func isLocalPath(to string) bool {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return false
	}
	u, err := url.Parse(to)
	return err == nil && u.Host == "" && u.Scheme == ""
}
