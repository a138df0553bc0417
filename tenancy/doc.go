// Package tenancy tells an API for each request who is calling, for which Auth0
// organization, and whether they may.
//
// A [Verifier] checks Auth0 access tokens; an [Extractor] turns them into a
// [TenantContext] and guards routes:
//
//	package main
//
//	import (
//		"fmt"
//		"log"
//		"net/http"
//
//		"github.com/auth0kit/auth0kit/tenancy"
//	)
//
//	func main() {
//		v, err := tenancy.NewVerifier("tenant.eu.auth0.com", "https://api.example.com", tenancy.VerifierConfig{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		x, err := tenancy.NewExtractor(v, tenancy.FromPath("org"), tenancy.Config{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		invoices := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			caller, _ := tenancy.FromContext(r.Context())
//			fmt.Fprintln(w, "invoices of", caller.TenantID) // scope every query by TenantID
//		})
//		http.Handle("GET /orgs/{org}/invoices", x.Require(tenancy.AllOf("read:invoices"))(invoices))
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// # Which organization
//
// A token of one organization is as genuine as that of another. So the
// organization of the request is a required argument, the [Locator], and must be
// the token's. [FromToken] is for requests that name none.
//
// # Which permissions
//
// Auth0 puts the permissions that a user's roles inside the organization have for
// the API into the token, if "Enable RBAC" and "Add Permissions in the Access
// Token" are on for it. Roles outside of the organization do not count there. That
// costs no call, but a role that is removed keeps working until the token expires.
// With a [Directory] (a *management.Client) the roles of users are read instead,
// and cached for RoleTTL; [Extractor.Invalidate] and [Extractor.Observe], which
// understands Auth0's event streams, apply a change at once. Directory says what
// Auth0's rate limit allows.
//
// Applications and AI agents that call for themselves are not members. Their
// scopes count as permissions. Scopes of users never do: while RBAC is off, a user
// gets any scope that is asked for.
//
// # What is refused
//
// Tokens over 16 kB; lax encodings; member names that occur twice, also in another
// case; crit, b64, zip, enc and key material in the header; a type, algorithm,
// issuer or audience that is not the expected one; a key that is meant for another
// algorithm or use, and RSA keys under 2048 bits; tokens without exp, expired, or
// not valid yet; tokens that are bound to a key (DPoP, mTLS), since possession is
// not proved here. Also ID and logout tokens, which have the same typ as Auth0's
// access tokens, tokens without sub, and claims of the wrong type. No claim is
// trusted before the signature is verified: a token that is both expired and
// forged is reported as forged. [Extractor.Diagnose] says in words what is wrong.
//
// When keys or roles cannot be read, the response is 503 with Retry-After, not
// 401, so that an outage of the issuer does not sign users out.
package tenancy
