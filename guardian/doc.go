// Package guardian enrolls and verifies second factors for a service that uses
// Auth0: the factors of Auth0, and an authenticator app with recovery codes that
// the service keeps itself by the rules of RFC 6238 and NIST SP 800-63B-4.
//
// # An authenticator app
//
// Auth0 has no endpoint that takes a user and a code from a server. A server can
// verify an app itself if it keeps the seed:
//
//	package main
//
//	import (
//		"context"
//		"crypto/rand"
//		"fmt"
//		"log"
//
//		"github.com/auth0kit/auth0kit/guardian"
//	)
//
//	func main() {
//		ctx, user := context.Background(), "auth0|42"
//		seal := make([]byte, 32)
//		rand.Read(seal) // a service reads this key from its vault
//		factors, err := guardian.New(nil, guardian.Config{
//			Store: guardian.NewMemory(), Keys: [][]byte{seal}, Issuer: "Example",
//		})
//		check(err)
//		key, err := factors.EnrollTOTP(ctx, user, "ada@example.com", nil) // nil: the first factor
//		check(err)
//		fmt.Println("Enter this in the app, then type a code:", key.Secret()) // or show key.SVG(); once
//
//		var code string
//		fmt.Scan(&code)
//		recovery, err := factors.ConfirmTOTP(ctx, user, code)
//		check(err)
//		fmt.Println("Keep these recovery codes, then type the next code:", recovery) // show them once
//
//		fmt.Scan(&code)
//		proof, err := factors.Verify(ctx, guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: code})
//		check(err)
//		fmt.Println("Proved by:", proof.AMR)
//	}
//
//	func check(err error) {
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// A nil error means that the factor is proved and the code is spent: of all
// requests with one code, in all processes on one store, exactly one succeeds. A
// refusal is a [*VerifyError] with the time of the next attempt, which wraps
// [ErrWrongCode], [ErrReplayed] (somebody saw the code: raise an alert),
// [ErrThrottled] or [ErrLocked].
//
// [Pages] offers all of this as HTML pages and as JSON, behind the sessions of
// package session, and passkeys of package passkey beside it:
//
//	pages, err := guardian.NewPages(factors, web, guardian.PagesConfig{})
//	…
//	mux.Handle("/mfa/", web.Require(pages))
//	fresh := guardian.RequireMFA(5*time.Minute, pages.StepUp)
//	mux.Handle("POST /transfer", web.Require(fresh(transfer)))
//
// Without the pages, put a proof into the session by session.HTTP.StepUp with
// proof.Time and proof.AMR, and end the user's other sessions when a factor has
// changed. [Require] also asks for passkeys, and answers APIs by RFC 9470.
//
// # Who gets a factor
//
// The first factor of a user needs a session. Every other one needs a fresh proof
// of a factor that the user has here or at Auth0; otherwise whoever steals a
// session could enroll an app and step up with it. Only [Service.ConfirmTOTP]
// completes a pending enrollment; [Service.Verify] does not touch it. A user may
// have several apps and passkeys, each with a name. Seeds are sealed with
// AES-256-GCM under Config.Keys, each bound to its user, and kept out of every log.
// The pages keep recovery codes, sealed, for ten minutes or until their user says
// that they are kept, so that a form that is sent twice does not lose them.
//
// # Factors of Auth0
//
// [Service.EnrollmentTickets] makes enrollment tickets, and [Service.Register]
// enrolls a number or an address that you have verified. Both first check that the
// tenant has the factor turned on, and return [ErrFactorDisabled] if not: turning
// one on affects every user of the tenant, so they do it only with
// Config.AllowTenantWideChange. [MFA] verifies factors after a login stopped with
// mfa_required, and [CIBA] asks a known user on their phone to approve a message.
// The StepUp of session/login sends the browser to Auth0, which supports every
// factor: give it to Require.
// Config.MirrorTOTP registers the local app at Auth0 too, so that it serves both.
// [Directory] names the scopes that the Management API asks for.
//
// # Time
//
// The code of now is accepted, and those of the steps before and after it. Beside
// them stand the same three of the app's own clock once it is known to be wrong by
// up to two minutes: to be ahead as soon as a code comes early, to be behind when
// the last ten codes were all late, or the only one so far. After an enrollment, two
// more are accepted until two codes have shown the clock. Reading and typing make
// a code later and never earlier, so a single code that is typed at once, or a
// clock that is corrected, ends that. Someone who never takes less than 25 s looks
// like an app that is 25 s behind: a code of theirs is accepted for up to 90 s.
//
// # Guessing
//
// A user has five failures in a row with a factor free. After that, attempts are
// refused for 30 s, after the next failure for twice that, and so on up to four
// hours. A hundred failures lock the factor until it is enrolled again; a proof of
// another factor or a recovery code is enough for that. A right recovery code or
// passkey is heard even then: neither can be guessed, so nobody keeps its owner out by
// failing on purpose. While more codes are accepted than three, of a wrong clock or of several apps, a wrong code counts
// once for each three, and delays are as many times as long. With three codes
// accepted out of a million, a day of guessing succeeds with a probability of 1 in
// 9,800; at Auth0's own limit (10, and one more every six minutes) it is 1 in
// 1,300. Attempts are counted before their codes are compared, so parallel
// attempts gain nothing.
//
// The failures of a user are also counted for each address, of IPv6 for each network of
// 64 bits. One is forgiven in two weeks, and one at each success from there. While an
// address has 24, the user is refused from there if they have failed since their last
// success, and nothing is counted: a guesser from one address is heard once after each
// login of the owner, and keeps them waiting nowhere else. Other users are not concerned:
// an office or a carrier's customers share an address.
//
// # Events
//
// The actions are guardian.enable, register, tenant_factor, enroll, confirm,
// associate, challenge, verify, lock, recovery_codes, remove, reset, forget, clone, notify
// and forget_browsers, with the factor and, for a refusal, the reason. Users hear
// of new, removed, locked and recovered factors by Config.Notifier (NIST SP
// 800-63B-4 section 4.2.1.1 requires it for recovery). Investigate every verify
// with the reason replayed or denied, and every clone.
//
// # Requirements and the tests that show them
//
//	RFC 4226 D            HOTP values                               TestRFC4226
//	RFC 4226 R6           secrets of 128 bits at least, here 160    TestShortSecretsAreRefused TestSecretsAreOf160Bits
//	RFC 4226 7.3          throttling with a growing delay           TestDelays TestDelaysGrowAndSuccessResets TestBruteForce
//	RFC 6238 B            TOTP values, three hashes                 TestRFC6238 TestOathtool
//	RFC 6238 5.2          no second use; one step of delay          TestReplaysAreRefused TestWindow TestTheWindowDoesNotFollowTheTypist
//	RFC 6238 6            drift learnt within a limit               TestDriftIsLearntWithinBounds TestDriftingPhone
//	NIST 800-63B-4 3.1.2  recovery codes random, hashed, used once  TestRecoveryCodes guardiantest
//	NIST 800-63B-4 3.1.4  an output is accepted once                TestCodeOfTwoStepsIsSpentOnce guardiantest
//	NIST 800-63B-4 3.2.2  100 failures in a row, then rebinding     TestLockNeedsRebinding
//	WebAuthn 3 7.1, 7.2   responses checked, user verified         passkey TestRefusals TestVectors TestGuardianInChromium
//	WebAuthn 3 6.1.1      counters that go back are told           passkey TestClone
//	RFC 8628 3.5          polls back off, and outlive outages      TestApprovalsOutliveOutages TestCIBASlowDown
//	RFC 9470 3            step-up challenge of an API              ExampleRequire
//	ASVS 5.0 6.5.1        used once                                 guardiantest
//	ASVS 5.0 6.5.3        seeds from a CSPRNG                       TestSecretsAreOf160Bits
//	ASVS 5.0 6.5.5        lifetime of a code                        TestWindow TestExactTime
//	ASVS 5.0 16.2.5       no secret in logs, errors, events         TestNothingLeaks
package guardian
