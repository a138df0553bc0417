// Package tenancy answers, for each request to an API: who is calling, for which
// organization, and may they.
//
// A [Verifier] checks Auth0 access tokens, an [Extractor] turns them into a
// [TenantContext] and guards routes:
//
//	v, err := tenancy.NewVerifier("https://tenant.eu.auth0.com/", "https://api.example.com", tenancy.VerifierConfig{})
//	…
//	x, err := tenancy.NewExtractor(v, tenancy.FromPath("org"), tenancy.Config{})
//	…
//	mux.Handle("GET /orgs/{org}/invoices", x.Require(tenancy.AllOf("read:invoices"))(listInvoices))
//
// The handler knows its caller:
//
//	caller, _ := tenancy.FromContext(r.Context())
//	rows, err := db.Query("SELECT … WHERE tenant = $1", caller.TenantID)
//
// # Which organization
//
// A token of one organization is as genuine as that of another. So the
// organization of the request is an argument, the [Locator], and must be the
// token's. [FromToken] is for requests that name none.
//
// # Which permissions
//
// Auth0 puts the permissions that a user's roles inside the organization have
// for the API into the token, if "Enable RBAC" and "Add Permissions in the Access
// Token" are on for it. Roles outside of the organization do not count there.
// That is fast and costs no call, but is as old as the token: a role that is
// removed works until the token expires. With a [Directory] (a
// *management.Client) the roles of users are read instead, and believed for
// RoleTTL; [Extractor.Invalidate] and [Extractor.Observe], which understands
// Auth0's event streams, make a change work at once. Read there what Auth0's
// rate limit allows.
//
// Applications and AI agents that call for themselves are no members. Their
// scopes count as permissions. Those of users never do: while RBAC is off, a user
// gets any scope that is asked for.
//
// # What is refused
//
// Tokens over 16 kB; lax encodings; names of members that are there twice, also in
// another case; crit, b64, zip, enc and key material in the header; a type,
// algorithm, issuer or audience that is not the expected one; a key that is meant
// for another algorithm or use, and RSA keys under 2048 bits; tokens without exp,
// expired, or not valid yet; tokens that are bound to a key (DPoP, mTLS), since
// possession is not proved here. Also ID and logout tokens, which have the same
// typ as Auth0's access tokens, tokens without sub, and claims of the wrong type.
// Nothing is believed before the signature: a token that is both expired and
// forged is reported as forged. [Extractor.Diagnose] says in words what is wrong.
//
// When keys or roles cannot be read, the answer is 503 with Retry-After and not
// 401, which would sign users out whenever the issuer has an outage.
package tenancy
