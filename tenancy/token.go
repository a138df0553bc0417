package tenancy

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// Token is a verified access token. It is immutable and safe for concurrent use.
type Token struct {
	Issuer, Subject string
	ExpiresAt       time.Time

	verified *jose.Token
	tenant   TenantContext // never handed out itself: its slices are shared
}

// Claim decodes the claim of exactly that name into v. It returns ErrNoClaim if
// there is none. Below the claim, encoding/json matches the fields of structs
// without regard to case: decode what users can influence into a map.
func (t *Token) Claim(name string, v any) error { return t.verified.Claim(name, v) }

// ErrNoClaim is returned when a token has no claim of that name.
var ErrNoClaim = jose.ErrNoClaim

func (t *Token) orNil(err error) *Token {
	if err != nil {
		return nil
	}
	return t
}

// newToken reads the claims that a TenantContext has. One of the wrong type is
// an error: a permissions claim that is a string has been read as a list of
// letters, and as a list of one.
func newToken(verified *jose.Token) (*Token, error) {
	if isIDToken(verified) {
		return nil, &TokenError{Reason: "id_token"}
	}
	if verified.Subject == "" {
		return nil, &TokenError{Reason: string(jose.BadClaims)}
	}
	c := claims{token: verified}
	tenant := TenantContext{
		TenantID: c.text("org_id"), TenantName: c.text("org_name"), UserID: verified.Subject,
		SessionID: c.text("sid"), Permissions: c.texts("permissions"), AMR: c.texts("amr"),
		Scopes: strings.Fields(c.text("scope")), AuthTime: c.time("auth_time"), ExpiresAt: verified.ExpiresAt,
		Kind: kind(verified.Subject, c.text("sub_profile"), c.grant()), Actor: c.actor(),
	}
	if c.err != nil {
		return nil, fromJose(c.err)
	}
	return &Token{Issuer: verified.Issuer, Subject: verified.Subject, ExpiresAt: verified.ExpiresAt, verified: verified, tenant: tenant}, nil
}

// isIDToken tells ID and logout tokens from access tokens, which Auth0 gives the
// same typ, JWT, unless the API uses the profile of RFC 9068. ID tokens have
// claims that access tokens never have (OpenID Connect Core section 2,
// Back-Channel Logout section 2.4), and lack all that every access token has one
// of.
func isIDToken(t *jose.Token) bool {
	if slices.ContainsFunc([]string{"nonce", "at_hash", "c_hash", "s_hash", "events"}, t.Has) {
		return true
	}
	return t.Type != "at+jwt" && !slices.ContainsFunc([]string{"scope", "permissions", "azp", "client_id", "gty"}, t.Has)
}

// claims reads claims and keeps the first error.
type claims struct {
	token *jose.Token
	err   error
}

func (c *claims) text(name string) string    { return keep(c, name, c.token.Text) }
func (c *claims) texts(name string) []string { return keep(c, name, c.token.Texts) }
func (c *claims) time(name string) time.Time { return keep(c, name, c.token.Time) }

func keep[T any](c *claims, name string, read func(string) (T, error)) T {
	value, err := read(name)
	if err != nil && c.err == nil {
		c.err = err
	}
	return value
}

// grant returns how the token was got: Auth0 writes gty as a string, and as an
// array where one grant follows another.
func (c *claims) grant() string {
	if list, err := c.token.Texts("gty"); err == nil {
		return strings.Join(list, " ")
	}
	return c.text("gty")
}

// actor returns act.sub (RFC 8693 section 4.1): who acts for the subject.
func (c *claims) actor() string {
	if !c.token.Has("act") {
		return ""
	}
	act := keep(c, "act", c.token.Object)
	if act["sub"] == "" && c.err == nil {
		c.err = &TokenError{Reason: string(jose.BadClaims)}
	}
	return act["sub"]
}
