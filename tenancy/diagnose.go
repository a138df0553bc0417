package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Diagnose returns sentences for a developer that explain why a token is refused
// or why its permissions are empty; no sentence means that nothing is wrong. The
// error is that of Extract. The sentences repeat nothing of a token that is not
// verified.
func (x *Extractor) Diagnose(ctx context.Context, token string) ([]string, error) {
	t, err := x.v.Verify(ctx, token)
	if err != nil {
		return x.explain(token, err), err
	}
	if t.tenant.TenantID == "" {
		return []string{"The token is for no organization: the login must name one (authorize with organization=org_…), " +
			"and for an application by itself the client grant must allow organizations."}, ErrNoTenant
	}
	if t.tenant.Kind != User {
		return diagnoseMachine(&t.tenant), nil
	}
	if x.live != nil {
		return x.diagnoseLive(ctx, t)
	}
	return diagnoseClaims(t), nil
}

// explain says what is usually behind the refusal of a token.
func (x *Extractor) explain(token string, err error) []string {
	e, ok := errors.AsType[*TokenError](err)
	if !ok {
		return []string{"Nothing can be said about the token: the keys of its issuer cannot be read."}
	}
	switch dots := strings.Count(token[:min(len(token), 16<<10)], "."); {
	case e.Reason == "malformed" && dots == 4:
		return []string{"The token is encrypted (JWE). Turn token encryption off for this API."}
	case e.Reason == "malformed" && dots != 2:
		return []string{"The token is opaque: Auth0 gives one that only /userinfo reads if the login names no audience. Add audience=" + x.v.audience + "."}
	}
	if text, ok := explanations[e.Reason]; ok {
		return []string{text}
	}
	return []string{"The token is refused: " + e.Reason + "."}
}

var explanations = map[string]string{
	"audience":     "The token is for another API: the login must name the audience of this one.",
	"issuer":       "The token is of another issuer: another tenant, or a custom domain that is not in OtherIssuers.",
	"id_token":     "The token is an ID or logout token. Send the access token.",
	"type":         "The token is of another kind: typ must be at+jwt or JWT.",
	"algorithm":    "The token is signed with another algorithm than VerifierConfig.Algorithms has; Auth0 sets it for each API.",
	"confirmation": "The token is bound to a key (DPoP or mTLS), whose possession is not checked here. Turn sender constraining off for this API.",
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

func diagnoseClaims(t *Token) []string {
	if len(t.tenant.Permissions) > 0 {
		return nil
	}
	var found []string
	if t.verified.Has("permissions") {
		found = append(found, "The user has no permission of this API by a role inside the organization. "+
			"Roles that are assigned to the user outside of it do not count in its tokens.")
	} else {
		found = append(found, "The token has no permissions claim: turn on both \"Enable RBAC\" and "+
			"\"Add Permissions in the Access Token\" for this API, and sign in again.")
	}
	if len(t.tenant.Scopes) > 0 {
		found = append(found, "The token has scopes. They are no permissions of users: without RBAC a user gets any scope that is asked for. "+
			"An Action that changes scopes does not change permissions.")
	}
	return found
}

func (x *Extractor) diagnoseLive(ctx context.Context, t *Token) ([]string, error) {
	roles, permissions, err := x.live.member(ctx, member{t.tenant.TenantID, t.tenant.UserID})
	if err != nil {
		return []string{"Nothing can be said about the roles: Auth0's Management API did not answer, or refused, the Directory."}, err
	}
	var found []string
	switch {
	case len(roles) == 0:
		found = append(found, "The user is not a member of the organization, or has no role inside it. Roles outside of it do not count.")
	case len(permissions) == 0:
		found = append(found, fmt.Sprintf("None of the user's roles in the organization (%s) has a permission of %s.", strings.Join(roles, ", "), x.v.audience))
	}
	of := slices.Clone(t.tenant.Permissions)
	slices.Sort(of)
	if t.verified.Has("permissions") && !slices.Equal(of, permissions) {
		found = append(found, "The permissions in the token differ from those of the roles now: the roles have changed since it was issued, or an Action changes it.")
	}
	return found, nil
}
