// Package session keeps users signed in: server-side sessions that stay dead once
// they are revoked, whatever requests are under way, with the lifetimes and
// verbs that NIST SP 800-63B-4 and OWASP ASVS 5.0 ask for, anchored at Auth0's
// sessions.
//
// # A web application
//
// Sessions live in a [driver.Store]: [NewMemory] for one process, package redissession
// or sqlsession for several. A [Manager] has the policy, and [HTTP] connects it
// with requests and cookies. Package login signs users in at Auth0; an application
// with a login of its own calls [HTTP.Login]:
//
//	package main
//
//	import (
//		"crypto/rand"
//		"fmt"
//		"log"
//		"net/http"
//		"time"
//
//		"github.com/auth0kit/auth0kit/session"
//	)
//
//	func main() {
//		key := make([]byte, 32)
//		rand.Read(key) // a service reads this key from its vault
//		sessions, err := session.New(session.NewMemory(), session.Config{Keys: [][]byte{key}})
//		if err != nil {
//			log.Fatal(err)
//		}
//		web, err := session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/login"})
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.Handle("GET /callback", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			user, ok := verified(r)
//			if !ok {
//				http.Error(w, "sign in again", http.StatusForbidden)
//				return
//			}
//			if _, err := web.Login(w, r, session.Login{UserID: user, AuthTime: time.Now()}); err != nil {
//				web.Refuse(w, r, session.Refusal{Err: err})
//				return
//			}
//			http.Redirect(w, r, "/account", http.StatusSeeOther)
//		})))
//		http.Handle("GET /account", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			s, _ := session.FromContext(r.Context())
//			fmt.Fprintln(w, "Hello", s.UserID)
//		})))
//		http.Handle("POST /logout", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			if err := web.Logout(w, r); err != nil {
//				web.Refuse(w, r, session.Refusal{Err: err})
//			}
//		})))
//		log.Fatal(http.ListenAndServe(":8080", nil))
//	}
//
//	// verified returns who has signed in: the sub of an ID token that was verified.
//	func verified(r *http.Request) (userID string, ok bool) { return "", false }
//
// Pages put [Session.CSRFToken] into their forms as csrf_token, or scripts send it
// as X-CSRF-Token. Start [Manager.Run] once in every process: it lets the store
// forget, and tells Auth0.
//
// # What a session is
//
// The client holds a [Token] of 32 random bytes; the store holds its SHA-256, so
// a copy of the database signs nobody in. Lists, logs and [Manager.RevokeID] name
// a session by its ID, which is public. The payload, usually Auth0's tokens, is
// sealed with AES-256-GCM under Config.Keys and bound to its session; put a new
// key in front to rotate, and drop the old one after Config.Absolute.
//
// A session ends when it was not used for Config.Idle, when Config.Absolute has
// passed since the login, at the identity provider's session_expiry
// (Login.NotAfter), or when it is revoked. Use is noted every Config.TouchEvery,
// which shortens the idle time by that much at most. [Policy] explains itself.
//
// # Stays revoked
//
// A request that was under way during logout writes nothing back: stores change
// only records that live, and never create one by a touch or an update. Two
// requests that change a payload do not overwrite each other ([Manager.Update] is
// compare and set). Validate itself compares a session with what was revoked of its
// user, its SID and everyone, so no list that is lost brings one back. A login that
// was under way when its user or its session at Auth0 was revoked is refused.
//
// After [Manager.StepUp] and after a new login no older token works, so one that an
// attacker planted is worth nothing; after [Manager.Renew] the old one works for
// 10 s, for parallel requests. A request that is late by less than 10 s is answered
// with [ErrSuperseded]: it changes nothing and takes no cookie away. When the session
// has been revoked meanwhile it is [ErrRevoked], as for the new token. A replaced
// token can still do one thing, which is to end its session.
//
// When a store cannot answer, the error is [ErrUnavailable], and that is a no.
// Config.AllowStaleReads relaxes it for reads.
//
// # Auth0
//
// With Config.Revoker (a *management.Client) and Config.Outbox (the store), what
// is revoked here is revoked at Auth0 afterwards: by Revoke, RevokeID,
// RevokeOthers, RevokeSID and evictions the session and its refresh tokens, by
// RevokeUser all access. The order is written down before the local session ends
// and retried for a day, also by another process. In the other direction,
// [BackChannelLogout] takes Auth0's logout tokens.
//
// # Requirements and the tests that show them
//
// OWASP ASVS 5.0:
//
//	7.1.1   timeouts documented, deviations explained            TestPolicyExplains
//	7.1.2   number of sessions and what happens at the limit     TestConcurrentSessions
//	7.1.3   lifetimes coordinated with the identity provider     TestSessionExpiry TestAuth0Follows
//	7.2.1   tokens verified by the trusted service               TestDeadTokens FuzzToken
//	7.2.3   tokens unique, random, of 128 bits at least          TestToken
//	7.2.4   new token at authentication, the old session ends    TestLoginReplaces TestHTTPStepUp
//	7.3.1   inactivity timeout                                   TestIdleTimeout TestPolicyIsMandatory
//	7.3.2   absolute lifetime                                    TestAbsoluteTimeout TestConfig
//	7.4.1   no use after termination                             TestLogout TestMemory TestReauthenticationIsRefusedWhenOld
//	7.4.2   all sessions end with the account                    TestRevokeVerbs TestReauthenticationIsRefusedWhenOld
//	7.4.3   end all others after a factor has changed            TestRevokeVerbs
//	7.4.5   administrators end a user's or all sessions          TestRevokeVerbs
//	7.5.1   full authentication before sensitive changes         TestFresh
//	7.5.2   users see their sessions and end any                 TestDevices TestRevokeVerbs
//	7.5.3   a further factor before sensitive operations         TestFresh
//	7.6.1   lifetimes here and at the provider as documented     TestSessionExpiry
//	3.3.1   cookie Secure, __Host- or __Secure-                  TestCookie
//	3.3.2   cookie SameSite by purpose                           TestCookie TestCookieConfig
//	3.3.3   __Host- unless shared between hosts                  TestCookie
//	3.3.4   cookie HttpOnly                                      TestCookie
//	3.3.5   name and value within 4096 bytes                     TestCookie
//	10.5.5  logout tokens: type, event, no nonce, short life     TestBadLogoutTokens TestLogoutTypes
//	16.2.5  session tokens only hashed or masked in logs         TestTokenIsNotShown TestEvents
//	16.3.1  authentication operations are logged                 TestEvents TestRefusedLoginIsRecorded
//
// NIST SP 800-63B-4:
//
//	2.2.3   AAL2: 1 h inactivity and 24 h overall at most        TestPolicyIsMandatory
//	2.3.3   AAL3: 15 min and 12 h, as Idle and Absolute          TestAAL3
//	5.1     secret from an approved generator, 64 bits at least  TestToken
//	5.1     secret does not persist when the browser ends        TestCookie
//	5.1     what changes something is verified against forgery   TestCSRF TestCSRFTokensDiffer
//	5.1.1   cookie Secure, HttpOnly, minimal host and path       TestCookie
//	5.1.1   __Host- with Path=/, SameSite Lax or Strict          TestCookie TestCookieConfig
//	5.1.1   opaque, and without personal information             TestCookie TestToken
//	5.1.1   cookie expiry is not relied upon for timeouts        TestCookie TestIdleTimeout
//	5.2     activity resets the inactivity timeout               TestIdleTimeout
//	5.2     reauthentication resets both timeouts                TestReauthenticationResets
//	5.2     either timeout terminates                            TestIdleTimeout TestAbsoluteTimeout
//
// Reauthentication in the sense of 5.2 is a new login: [HTTP.Login] ends the old
// session and starts one with new deadlines. StepUp adds a factor to a session
// and extends nothing but the idle time. What section 2.2.3 allows after the
// inactivity timeout alone, a password with the old secret, is not offered.
package session
