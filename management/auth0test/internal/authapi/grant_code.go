package authapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const codeLifetime = 10 * time.Minute // Of an authorization code.

// AuthCode is an authorization code with what it was given for.
type AuthCode struct {
	Code              string
	Redirect          string
	RedirectSent      bool   // redirect_uri was in the request, so the exchange needs it too.
	Jkt               string // dpop_jkt: the key of which the exchange must prove possession.
	Challenge, Method string // Of PKCE; empty without.
	Issuance          Issuance
	expires           time.Time
	used              bool
	refresh           *state.RefreshToken // That the exchange gave.
}

// KeepCode gives a code its value, and keeps it. The caller holds the mutex.
func KeepCode(t *state.Tenant, c *AuthCode, now time.Time) {
	c.Code, c.expires = store.RandomID(43), now.Add(codeLifetime)
	state.Keep(t, c.Code, c, c.expires.Add(time.Hour))
}

// exchangeCode exchanges an authorization code, once. A second exchange also ends
// the refresh token of the first (RFC 6749, section 4.1.2).
func exchangeCode(t *state.Tenant, q *tokenRequest) (*TokenSet, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	c := state.Kept[*AuthCode](t)[q.Get("code")]
	if c == nil || c.Issuance.App.ID != q.app.ID || !now.Before(c.expires) {
		return nil, invalidGrant("Invalid authorization code")
	}
	if c.used {
		if c.refresh != nil {
			t.Auth.Refresh.Revoke(c.refresh)
		}
		return nil, invalidGrant("Invalid authorization code")
	}
	if bad := c.check(q); bad != nil {
		return nil, bad
	}
	i := c.Issuance
	i.Issuer, i.Jkt = q.Issuer, q.jkt
	if i.User = t.UserView(i.User.ID); i.User == nil || c.Jkt != "" && c.Jkt != q.jkt {
		return nil, invalidGrant("Invalid authorization code")
	}
	if bad := i.NeedsProof(); bad != nil {
		return nil, bad
	}
	c.used = true
	set := issueWithRefresh(t, &i, q.Origin, now)
	c.refresh, _ = t.Auth.Refresh.ByPresented(set.Refresh)
	f := i.LogFields(q.Origin)
	f.Connection, f.Strategy, f.Scope = i.User.Connection(), "auth0", set.Scope
	t.Log("seacft", f)
	return set, nil
}

// check compares what the exchange says with what /authorize was told. A code
// whose verifier is wrong is spent.
func (c *AuthCode) check(q *tokenRequest) *OAuthError {
	sent := q.Get("redirect_uri")
	if (c.RedirectSent || sent != "") && sent != c.Redirect {
		if sent == "" {
			sent = "null"
		}
		return OAuthFail(http.StatusForbidden, "unauthorized_client", "The redirect URI is wrong. You sent "+sent+", and we expected "+c.Redirect)
	}
	verifier := q.Get("code_verifier")
	if c.Challenge == "" {
		if q.app.AuthMethod == "none" {
			return unauthorizedClient()
		}
		return nil
	}
	if c.Method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(verifier), []byte(c.Challenge)) != 1 {
		c.used = true
		return invalidGrant("Failed to verify code verifier")
	}
	return nil
}
