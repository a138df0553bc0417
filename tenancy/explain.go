package tenancy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// diagnosis explains an error, from what is at hand.
func (g *Guard) diagnosis(token string, t *TenantContext, err error) []string {
	if e, ok := errors.AsType[*ForbiddenError](err); ok && t != nil {
		switch e.Reason {
		case "permission":
			if g.live == nil && t.Kind == User {
				return diagnoseClaims(t)
			}
		case "scope":
			return diagnoseConsent(t)
		case "not_member":
			return []string{"The user is not a member of the organization now, or was deleted. Roles outside of it do not count."}
		case "blocked":
			return []string{"An administrator has blocked the user."}
		}
		return nil
	}
	switch {
	case errors.Is(err, ErrRequest):
		return nil
	case errors.Is(err, ErrNoTenant):
		return []string{"The token is for no organization: the login must name one (authorize with organization=org_…), " +
			"and for an application by itself the client grant must allow organizations."}
	case errors.Is(err, ErrInvalidToken):
		return g.explain(token, err)
	case errors.Is(err, ErrUnavailable) && t != nil:
		return []string{"Nothing can be said about the roles: Auth0's Management API did not answer, or refused, the Directory."}
	case errors.Is(err, ErrUnavailable):
		return []string{"Nothing can be said about the token: the keys of its issuer cannot be read."}
	}
	return nil
}

// explain says what is usually behind the refusal of a token.
func (g *Guard) explain(token string, err error) []string {
	e, ok := errors.AsType[*TokenError](err)
	if !ok {
		return nil
	}
	switch dots := strings.Count(token[:min(len(token), 16<<10)], "."); {
	case e.Reason == "malformed" && dots == 4:
		return []string{"The token is encrypted (JWE). Turn token encryption off for this API."}
	case e.Reason == "malformed" && dots != 2:
		return []string{"The token is opaque: Auth0 gives one that only /userinfo reads if the login names no audience. Add audience=" + g.v.audience + "."}
	}
	if text, ok := explanations[e.Reason]; ok {
		return []string{text}
	}
	return []string{"The token is refused: " + e.Reason + "."}
}

var explanations = map[string]string{
	"malformed":    "The token is damaged, or its claims are not a JSON object of at most 256 members.",
	"audience":     "The token is for another API: the login must name the audience of this one.",
	"issuer":       "The token is of another issuer: another tenant, or a custom domain that is not in OtherIssuers.",
	"id_token":     "The token is an ID token (or a logout token). Send the access token.",
	"type":         "The token is of another kind: typ must be at+jwt or JWT.",
	"algorithm":    "The token is signed with another algorithm than VerifierConfig.Algorithms has; Auth0 sets it for each API.",
	"confirmation": "The token is bound to a key (DPoP or mTLS) and was sent as a bearer token, or GuardConfig.DPoP is disabled here; or it is a bearer token, and DPoP is required.",
	"not_bound":    "The token is not bound to a key, but was sent with the scheme DPoP: the token request had no DPoP proof.",
	"claims":       "A claim has the wrong type or is missing (sub), a name is there twice, also in another case, or an object has over 256 members or is over 32 levels deep.",
	"revoked":      "The token was issued before a logout or another revocation of its user, session or application. Sign in again.",
	"lifetime":     "The token lives longer than CutoffConfig.Keep, or does not say when it was issued. Shorten the lifetime of this API's tokens.",
	"expired":      "The token has expired.",
	"not_yet":      "The token is not valid yet: the clock of this machine is behind.",
	"key":          "The issuer publishes no such key: it was revoked, or the token is not of this tenant.",
	"signature":    "The token was changed after it was signed, or forged.",
}

func diagnoseMachine(t *TenantContext) []string {
	if len(t.Scopes)+len(t.Permissions) > 0 {
		return nil
	}
	return []string{fmt.Sprintf("The caller is a %s, whose scopes count as permissions, and the token has none: add them to its client grant for this API.", t.Kind)}
}

func diagnoseClaims(t *TenantContext) []string {
	if len(t.Permissions) > 0 || t.token == nil { // nil: made by hand, for a test
		return nil
	}
	var found []string
	if t.token.Has("permissions") {
		found = append(found, "The user has no permission of this API by a role inside the organization. "+
			"Roles that are assigned to the user outside of it do not count in its tokens.")
	} else {
		found = append(found, "The token has no permissions claim: turn on both \"Enable RBAC\" and "+
			"\"Add Permissions in the Access Token\" for this API, and sign in again.")
	}
	if len(t.Scopes) > 0 {
		found = append(found, "The token has scopes. They are no permissions of users: without RBAC a user gets any scope that is asked for. "+
			"An Action that changes scopes does not change permissions.")
	}
	return found
}

// diagnoseConsent explains permissions that do not count because the application
// was not granted them.
func diagnoseConsent(t *TenantContext) []string {
	if !t.delegated() || !slices.ContainsFunc(t.Permissions, func(p string) bool { return !t.granted(p) }) {
		return nil
	}
	if len(t.Actors) > 0 || t.Kind == Agent {
		return []string{"Somebody acts for the user, so permissions count only where their scope was granted: ask for the scopes."}
	}
	return []string{fmt.Sprintf("The application %q is not one of GuardConfig.FirstParty, so permissions count only where their scope was granted. "+
		"List it if it is yours, or ask for the scopes at its login.", t.ClientID)}
}

func (g *Guard) diagnoseLive(t *TenantContext) []string {
	var found []string
	switch {
	case len(t.Roles) == 0:
		found = append(found, "The user has no role inside the organization. Roles outside of it do not count.")
	case len(t.Permissions) == 0:
		found = append(found, fmt.Sprintf("None of the user's roles in the organization (%s) has a permission of %s.", strings.Join(t.Roles, ", "), g.v.audience))
	}
	of, err := t.token.Texts("permissions")
	slices.Sort(of)
	if err == nil && t.token.Has("permissions") && !slices.Equal(of, t.Permissions) {
		found = append(found, "The permissions in the token differ from those of the roles now: the roles have changed since it was issued, or an Action changes it.")
	}
	return found
}
