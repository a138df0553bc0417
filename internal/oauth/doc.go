// Package oauth is a client of Auth0's Authentication API: the token endpoint
// with the grants that auth0kit uses, the MFA API, and CIBA.
//
// A [Client] is the identity of one application. Each verb is one request; none
// is repeated, because most of them spend what they send (a code, an assertion):
//
//	app := &oauth.Client{Issuer: "https://tenant.eu.auth0.com/", ClientID: id, ClientSecret: secret}
//	token, err := app.PasswordRealm(ctx, oauth.PasswordLogin{Realm: "Users", Username: name, Password: password})
//	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Code == "mfa_required" {
//		token, err = app.MFAOTP(ctx, e.MFAToken, code)
//	}
//
// Auth0's description of an error may echo what was sent, so it is a field of
// [Error] and never part of its text.
//
// The protocols: RFC 6749 (grants), RFC 7009 (revocation), RFC 7523 (assertions
// signed with a private key), RFC 7636 (PKCE), OpenID CIBA Core 1.0, and
// https://auth0.com/docs/secure/multi-factor-authentication/multi-factor-authentication-developer-resources/mfa-api.
package oauth
