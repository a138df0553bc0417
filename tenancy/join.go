package tenancy

import (
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// Join returns one Guard for the tokens of several tenants or regions. Each request
// is decided by the Guard of the token's issuer, with its own Directory, cache and
// Cutoff; what concerns no token, such as PublicURL, whether the scheme DPoP is
// known, and the answer to a request without one, is as the first says. Observe and
// Invalidate tell all of them, and user ids are not unique among tenants: pass events
// to the Guard of their tenant. Two that have an issuer in common are an error.
func Join(g ...*Guard) (*Guard, error) {
	if len(g) == 0 {
		return nil, errors.New("tenancy: Join needs at least one Guard")
	}
	byIssuer := make(map[string]*Guard)
	for i, one := range g {
		if one == nil {
			return nil, fmt.Errorf("tenancy: Join was given a nil Guard at position %d", i)
		}
		var err error
		one.each(func(one *Guard) {
			for _, issuer := range one.v.issuers {
				if byIssuer[issuer] != nil {
					err = fmt.Errorf("tenancy: Join was given two Guards for the issuer %s", issuer)
				}
				byIssuer[issuer] = one
			}
		})
		if err != nil {
			return nil, err
		}
	}
	joined := *g[0]
	joined.byIssuer = byIssuer
	return &joined, nil
}

// ofNobody is why a token is of none of the joined issuers.
func ofNobody(token string) error {
	if _, err := jose.Unverified(token); err != nil {
		return fromJose(err)
	}
	return &TokenError{Reason: string(jose.BadIssuer)}
}

// ofCaller returns who has admitted the caller: g itself for one of nobody.
func (g *Guard) ofCaller(t *TenantContext) *Guard {
	if t != nil && g.byIssuer[t.Issuer] != nil {
		return g.byIssuer[t.Issuer]
	}
	return g
}

// of returns who decides about the token: nil if it is of none of the joined
// issuers.
func (g *Guard) of(token string) *Guard {
	if g.byIssuer == nil {
		return g
	}
	unverified, err := jose.Unverified(token)
	if err != nil {
		return nil
	}
	issuer, _ := unverified.Text("iss") // "" when it is no text
	return g.byIssuer[issuer]
}
