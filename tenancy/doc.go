// Package tenancy tells an API for each request who is calling, through which
// application, for which Auth0 organization, and whether they may.
//
// A permission counts when the caller has it and, unless the application is your
// own, when the application was granted it too:
//
//	caller                              what counts              what a removal does
//	user, first-party application       permissions              403 after RoleTTL or an event
//	user, third-party application       permissions and scopes   403 after RoleTTL or an event
//	user, an agent acts for them (act)  permissions and scopes   403 after RoleTTL or an event
//	agent or machine for itself         scopes                   when the token expires
//	the same, first-party machine       scopes or permissions    when the token expires
//	without a Directory: user           the same, as of the token's issue
//	without a Directory: blocked user   goes on until the token expires, or a Cutoff is told
//	any token, with a Cutoff            as above; 401 once its user, session or application is revoked
//
// docs/tenancy has the table of all cases, written by the test that tries them.
//
// A [Verifier] checks Auth0 access tokens; a [Guard] decides by them, and is shared
// by all routes:
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
//		guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{FirstParty: []string{"your-spa-client-id"}})
//		if err != nil {
//			log.Fatal(err)
//		}
//		invoices := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			caller, _ := tenancy.FromContext(r.Context())
//			fmt.Fprintln(w, "invoices of", caller.TenantID) // scope every query by TenantID
//		})
//		http.Handle("GET /orgs/{org}/invoices", guard.Require(tenancy.FromPath("org"), tenancy.AllOf("read:invoices"))(invoices))
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
// Token" are on for it: all of them, whatever the application asked for. What the
// application was granted is in the scope claim (docs: enable role-based access
// control for APIs). So an application that is not one of GuardConfig.FirstParty,
// and whoever acts for a user, needs both. Roles outside of the organization do not
// count there. Scopes of users never make a permission: while RBAC is off, a user
// gets any scope that is asked for.
//
// That costs no call, but what is taken away keeps working until the token expires.
// With a [Directory] (a *management.Client) memberships, accounts and roles of users
// are read instead, and cached for RoleTTL; [Guard.Invalidate] and [Guard.Observe],
// which understands Auth0's event streams and log, apply a change at once. Directory
// says what Auth0's rate limit allows, and [Outage] what counts when it cannot be
// asked. A [Cutoff] refuses tokens that are out.
//
// # What is refused
//
// Tokens over 16 kB; lax encodings; objects with over 256 members or over 32 levels;
// member names that occur twice, also in another case; crit, b64, zip, enc and key
// material in the header; a type, algorithm, issuer or audience that is not the
// expected one; a key that is meant for another algorithm or use, and RSA keys under
// 2048 bits; tokens without exp, expired, or not valid yet; tokens that are bound to
// a key, unless GuardConfig.DPoP takes them with their proof (RFC 9449; mTLS is not
// known). Also ID and logout tokens, which have the same typ as Auth0's access
// tokens, tokens without sub, and claims of the wrong type. No claim is trusted
// before the signature is verified: a token that is both expired and forged is
// reported as forged. [Guard.Diagnose] says in words what is wrong.
//
// When keys or roles cannot be read, the response is 503 with Retry-After, not
// 401, so that an outage of the issuer does not sign users out. A token whose key is
// not known yet waits up to 10 s for the next look at the issuer's keys.
//
// # In front of it
//
// CORS preflights have no token: put the CORS handler around the guard, or set
// GuardConfig.Preflight if the handlers answer them.
package tenancy
