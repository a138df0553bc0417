package tenancy

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// Token is a verified access token. It is immutable and safe for concurrent use.
type Token struct {
	Issuer, Subject string
	ExpiresAt       time.Time

	tenant TenantContext // never handed out itself: its slices are shared
}

// Claim decodes the claim of exactly that name into v; see TenantContext.Claim.
func (t *Token) Claim(name string, v any) error { return t.tenant.Claim(name, v) }

// newToken reads the claims that a TenantContext has. One of the wrong type is
// an error: a permissions claim that is a string has been read as a list of
// letters, and as a list of one.
func newToken(verified *jose.Token, now func() time.Time) (*Token, error) {
	c := claims{token: verified}
	tenant := TenantContext{
		TenantID: c.text("org_id"), TenantName: c.text("org_name"), UserID: verified.Subject,
		Issuer: verified.Issuer, ClientID: c.client(), Actors: c.actors(),
		SessionID: c.text("sid"), Permissions: c.texts("permissions"), AMR: c.texts("amr"), ACR: c.text("acr"), JTI: c.text("jti"),
		Scopes: strings.Fields(c.text("scope")), AuthTime: c.time("auth_time"), IssuedAt: verified.IssuedAt, ExpiresAt: verified.ExpiresAt,
		Kind: kind(verified.Subject, c.text("sub_profile"), c.grant()), token: verified, now: now,
	}
	if isIDToken(verified) || slices.Contains(verified.Audiences, tenant.ClientID) {
		return nil, &TokenError{Reason: "id_token"}
	}
	if verified.Subject == "" {
		return nil, &TokenError{Reason: string(jose.BadClaims)}
	}
	if c.err != nil {
		return nil, fromJose(c.err)
	}
	return &Token{Issuer: verified.Issuer, Subject: verified.Subject, ExpiresAt: verified.ExpiresAt, tenant: tenant}, nil
}

// isIDToken tells ID and logout tokens from access tokens, which Auth0 gives the
// same typ, JWT, unless the API uses the profile of RFC 9068. ID tokens have
// claims that access tokens never have (OpenID Connect Core section 2,
// Back-Channel Logout section 2.4), and lack all that every access token has one
// of. One whose audience is its own client is an ID token too, in newToken.
func isIDToken(t *jose.Token) bool {
	if slices.ContainsFunc([]string{"nonce", "at_hash", "c_hash", "s_hash", "events"}, t.Has) {
		return true
	}
	return t.Type != "at+jwt" && !slices.ContainsFunc([]string{"scope", "azp", "client_id", "gty"}, t.Has)
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

// client returns who got the token: azp, or client_id in the profile of RFC 9068.
func (c *claims) client() string {
	if azp := c.text("azp"); azp != "" {
		return azp
	}
	return c.text("client_id")
}

// grant returns how the token was got: Auth0 writes gty as a string, and as an
// array where one grant follows another.
func (c *claims) grant() string {
	if list, err := c.token.Texts("gty"); err == nil {
		return strings.Join(list, " ")
	}
	return c.text("gty")
}

// actors returns the chain of act (RFC 8693 section 4.1): who acts for the subject,
// and for whom they do.
func (c *claims) actors() (actors []string) {
	if !c.token.Has("act") {
		return nil
	}
	var act map[string]json.RawMessage // a map: names are exact
	err := c.token.Claim("act", &act)
	for err == nil && act != nil {
		var sub string
		if err = json.Unmarshal(act["sub"], &sub); err != nil || sub == "" {
			break
		}
		actors = append(actors, sub)
		next := act["act"]
		if act = nil; next != nil {
			err = json.Unmarshal(next, &act)
		}
	}
	if (err != nil || act != nil || len(actors) == 0) && c.err == nil {
		c.err = &TokenError{Reason: string(jose.BadClaims)}
	}
	return actors
}
