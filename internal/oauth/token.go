package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Token is the answer of the token endpoint. All but Type, Scope and ExpiresIn
// are secrets.
type Token struct {
	Access       string
	ID           string
	Refresh      string
	RecoveryCode string // The new one, after a recovery code was spent.
	Type         string
	Scope        string        // What was granted; Auth0 leaves it out when it is what was asked for.
	ExpiresIn    time.Duration // Of the access token, from the moment of the answer.
}

// Format hides the secrets from every verb of fmt.
func (t Token) Format(f fmt.State, _ rune) { secret.Format(f, t) }

// LogValue hides them from log/slog.
func (t Token) LogValue() slog.Value { return secret.Shown() }

const (
	grantRealm    = "http://auth0.com/oauth/grant-type/password-realm"
	grantOTP      = "http://auth0.com/oauth/grant-type/mfa-otp"
	grantOOB      = "http://auth0.com/oauth/grant-type/mfa-oob"
	grantRecovery = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
	grantCIBA     = "urn:openid:params:grant-type:ciba"
)

// ClientCredentials asks for a token of the application itself (RFC 6749
// section 4.4) for the API with that audience.
func (c *Client) ClientCredentials(ctx context.Context, audience string) (*Token, error) {
	return c.token(ctx, "client_credentials", url.Values{"audience": {audience}}, nil)
}

// AuthorizationCode redeems a code (RFC 6749 section 4.1.3) with the PKCE
// verifier of RFC 7636, which may be empty when the request had no challenge.
func (c *Client) AuthorizationCode(ctx context.Context, code, verifier, redirectURI string) (*Token, error) {
	form := url.Values{"code": {code}, "redirect_uri": {redirectURI}}
	set(form, "code_verifier", verifier)
	return c.token(ctx, "authorization_code", form, nil)
}

// PasswordLogin is what PasswordRealm takes. Username and Password are required.
type PasswordLogin struct {
	Realm    string // The name of the connection. Empty: the tenant's default directory.
	Username string // Or the email.
	Password string
	Audience string
	Scope    string
	IP       netip.Addr // The user's, for Auth0's attack protection; counts for confidential applications only.
}

// Format hides the password and the name.
func (l PasswordLogin) Format(f fmt.State, _ rune) { secret.Format(f, l) }

// LogValue hides them from log/slog.
func (l PasswordLogin) LogValue() slog.Value { return secret.Shown() }

// PasswordRealm logs a user in by password. An *Error with Code "mfa_required"
// has an MFAToken, with which the login goes on.
func (c *Client) PasswordRealm(ctx context.Context, l PasswordLogin) (*Token, error) {
	form := url.Values{"username": {l.Username}, "password": {l.Password}}
	set(form, "audience", l.Audience)
	set(form, "scope", l.Scope)
	grant := "password"
	if l.Realm != "" {
		grant = grantRealm
		form.Set("realm", l.Realm)
	}
	header := http.Header{}
	if l.IP.IsValid() {
		header.Set("Auth0-Forwarded-For", l.IP.String())
	}
	return c.token(ctx, grant, form, header)
}

// MFAOTP proves a second factor by a code of an authenticator app.
func (c *Client) MFAOTP(ctx context.Context, mfaToken, otp string) (*Token, error) {
	return c.token(ctx, grantOTP, url.Values{"mfa_token": {mfaToken}, "otp": {otp}}, nil)
}

// MFAOOB proves a second factor out of band. bindingCode is what the user read
// in the message, and empty for push, which is polled: "authorization_pending"
// and "slow_down" ask for patience.
func (c *Client) MFAOOB(ctx context.Context, mfaToken, oobCode, bindingCode string) (*Token, error) {
	form := url.Values{"mfa_token": {mfaToken}, "oob_code": {oobCode}}
	set(form, "binding_code", bindingCode)
	return c.token(ctx, grantOOB, form, nil)
}

// MFARecoveryCode spends a recovery code; the answer has the next one.
func (c *Client) MFARecoveryCode(ctx context.Context, mfaToken, code string) (*Token, error) {
	return c.token(ctx, grantRecovery, url.Values{"mfa_token": {mfaToken}, "recovery_code": {code}}, nil)
}

// Revoke ends a refresh token and, by the tenant's setting, its grant (RFC
// 7009). Revoking one that is not known is no error.
func (c *Client) Revoke(ctx context.Context, refreshToken string) error {
	return c.postForm(ctx, "revoke", "/oauth/revoke", url.Values{"token": {refreshToken}}, nil, nil)
}

func (c *Client) token(ctx context.Context, grant string, form url.Values, header http.Header) (*Token, error) {
	form.Set("grant_type", grant)
	var answer struct {
		Access       string  `json:"access_token"`
		ID           string  `json:"id_token"`
		Refresh      string  `json:"refresh_token"`
		RecoveryCode string  `json:"recovery_code"`
		Type         string  `json:"token_type"`
		Scope        string  `json:"scope"`
		ExpiresIn    float64 `json:"expires_in"`
	}
	if err := c.postToken(ctx, form, header, &answer); err != nil {
		return nil, err
	}
	if answer.Access == "" {
		return nil, &Error{Op: "token", Status: http.StatusOK, Err: errUnreadable}
	}
	return &Token{
		Access: answer.Access, ID: answer.ID, Refresh: answer.Refresh, RecoveryCode: answer.RecoveryCode,
		Type: answer.Type, Scope: answer.Scope, ExpiresIn: seconds(answer.ExpiresIn),
	}, nil
}

// postToken asks the token endpoint, with a proof where there is a key: once more when
// Auth0 asks for a nonce in it, and has done nothing yet.
func (c *Client) postToken(ctx context.Context, form url.Values, header http.Header, out any) error {
	if c.prove == nil {
		return c.postForm(ctx, "token", "/oauth/token", form, header, out)
	}
	nonce := ""
	for {
		proof, err := c.prove(c.Issuer.Join("/oauth/token"), nonce)
		if err != nil {
			return &Error{Op: "token", Err: err}
		}
		proved := http.Header{"Dpop": {proof}}
		maps.Copy(proved, header)
		err = c.postForm(ctx, "token", "/oauth/token", form, proved, out)
		if e, ok := errors.AsType[*Error](err); !ok || nonce != "" || e.Code != "use_dpop_nonce" || e.Nonce == "" {
			return err
		} else {
			nonce = e.Nonce
		}
	}
}

func set(form url.Values, name, value string) {
	if value != "" {
		form.Set(name, value)
	}
}
