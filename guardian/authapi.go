package guardian

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// AuthAPI holds the credentials of an application at the Authentication API.
// Domain and ClientID are required; set ClientSecret or PrivateKey, not both. The
// application needs the MFA grant for [MFA] and the CIBA grant for [CIBA].
type AuthAPI struct {
	Domain       string // "tenant.eu.auth0.com" or "https://tenant.eu.auth0.com/".
	ClientID     string
	ClientSecret string
	PrivateKey   crypto.Signer // Signs an assertion for each request instead of the secret.
	HTTPClient   *http.Client  // Defaults to one with a timeout of 30 s.
}

// Format hides the secret from package fmt.
func (a AuthAPI) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue shows only the domain and the application.
func (a AuthAPI) LogValue() slog.Value {
	return secret.Shown(slog.String("domain", a.Domain), slog.String("client_id", a.ClientID))
}

// MarshalJSON hides the secret wherever something that contains a is logged as JSON.
func (a AuthAPI) MarshalJSON() ([]byte, error) { return secret.JSON(a) }

func (a AuthAPI) client() (*oauth.Client, error) {
	tenant, err := issuer.Parse("guardian: AuthAPI.Domain", a.Domain)
	switch {
	case err != nil:
		return nil, err
	case a.ClientID == "":
		return nil, invalid("AuthAPI.ClientID", "is empty; it is that of the application")
	case a.ClientSecret != "" && a.PrivateKey != nil:
		return nil, invalid("AuthAPI.ClientSecret", "and PrivateKey are both set; keep the one that the application is registered with")
	case a.PrivateKey != nil:
		if _, err := oauth.Algorithm(a.PrivateKey); err != nil {
			return nil, invalid("AuthAPI.PrivateKey", "cannot be used: "+err.Error())
		}
	}
	return &oauth.Client{
		Issuer: tenant, ClientID: a.ClientID, ClientSecret: a.ClientSecret,
		PrivateKey: a.PrivateKey, HTTPClient: a.HTTPClient,
	}, nil
}

// Tokens holds what Auth0 issued with a proof. The tokens have no amr claim: keep
// Verification.AMR in the session
// (https://auth0.com/docs/secure/multi-factor-authentication/step-up-authentication).
type Tokens struct {
	Access, ID, Refresh string
	ExpiresIn           time.Duration // Of the access token.
}

// Format hides the tokens from package fmt.
func (t Tokens) Format(f fmt.State, _ rune) { secret.Format(f, t) }

// LogValue hides them from log/slog.
func (t Tokens) LogValue() slog.Value { return secret.Shown() }

// proved turns the tokens into a proof of the user they are for. They come from
// the token endpoint itself, so their signature need not be checked (OpenID
// Connect Core 1.0 section 3.1.3.7, 6).
func proved(t *oauth.Token) (*Verification, error) {
	sub := subject(t.ID)
	if sub == "" {
		sub = subject(t.Access)
	}
	if sub == "" {
		return nil, errors.New("guardian: the tokens do not say whose they are; ask for the scope openid in the login that led to mfa_required")
	}
	return &Verification{
		UserID: sub, NewRecoveryCode: t.RecoveryCode,
		Tokens: &Tokens{Access: t.Access, ID: t.ID, Refresh: t.Refresh, ExpiresIn: t.ExpiresIn},
	}, nil
}

// subject reads the claim sub of a JWT; empty for what is none.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Subject
}

// answers are Auth0's codes that are a no, whatever was asked.
var answers = map[string]error{
	"invalid_grant":              ErrWrongCode,
	"access_denied":              ErrDenied,
	"expired_token":              ErrExpired,
	"too_many_attempts":          ErrThrottled,
	"unsupported_challenge_type": ErrNotEnrolled,
	"association_required":       ErrNotEnrolled,
	"unknown_user_id":            ErrNotEnrolled,
}

// answerOf makes a no of what Auth0 answered, where it is one. special wins over
// answers.
func answerOf(what string, err error, special map[string]error) error {
	e, is := errors.AsType[*oauth.Error](err)
	if !is {
		return err
	}
	no := answers[e.Code]
	if e.Status == http.StatusUnauthorized && e.Code == "invalid_grant" {
		no = ErrExpired // The mfa_token is none, not the code.
	}
	if s := special[e.Code]; s != nil {
		no = s
	}
	if no == nil {
		return wrapped(what, err)
	}
	return &VerifyError{Err: no, AttemptsLeft: -1, RetryAfter: e.RetryAfter}
}

// poll asks every interval until the user has answered on their device, or the
// request has ended. An answer that says nothing of the user (429, 5xx, or none at
// all) ends no request: poll asks on, less and less often (RFC 8628 section 3.5).
func poll(ctx context.Context, interval, lifetime time.Duration, ask func() (*oauth.Token, error)) (*oauth.Token, error) {
	ends, lost := time.Now().Add(lifetime), 0
	for {
		t, err := ask()
		e, is := errors.AsType[*oauth.Error](err)
		if !is {
			return t, err
		}
		wait := interval
		switch {
		case e.Code == "authorization_pending":
			lost = 0
		case e.Code == "slow_down": // OpenID CIBA Core 1.0 section 11: at least 5 seconds more, from now on.
			lost = 0
			interval += 5 * time.Second
			wait = max(interval, e.RetryAfter)
		case e.Status == http.StatusTooManyRequests, e.Status >= 500, e.Status < 300: // Below: no answer, or none that can be read.
			lost++
			wait = max(min(interval<<min(lost, 4), time.Minute), interval, e.RetryAfter)
		default:
			return nil, err
		}
		if left := time.Until(ends); left <= 0 {
			return nil, refuse(ErrExpired)
		} else if err := retry.Sleep(ctx, min(wait, left)); err != nil {
			return nil, fmt.Errorf("guardian: the user has not answered: %w", err)
		}
	}
}
