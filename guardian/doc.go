// Package guardian enrolls and verifies second factors: Auth0's, by the ways that
// Auth0 really has, and an own authenticator app with recovery codes, by the
// rules of RFC 6238 and NIST SP 800-63B-4.
//
// # An authenticator app
//
// Auth0 has no endpoint to which a server could give a user and a code. What a
// server can verify itself is an app whose seed it keeps:
//
//	factors, err := guardian.New(client, guardian.Config{ // client is a *management.Client
//		Store: store, Keys: keys, Issuer: "Example", Recorder: log,
//	})
//	…
//	key, err := factors.EnrollTOTP(ctx, userID, "ada@example.com", nil) // nil: the first factor
//	svg, err := key.SVG()                                               // show it once
//	…
//	codes, err := factors.ConfirmTOTP(ctx, userID, code) // recovery codes: show them once
//	…
//	proof, err := factors.Verify(ctx, guardian.Request{
//		UserID: userID, Factor: guardian.LocalTOTP, Code: code, IP: ip,
//	})
//
// A nil error is a yes, and the code is spent: of any number of requests with one
// code, in all processes on one store, exactly one gets it. A no is a
// [*VerifyError]: [ErrWrongCode], [ErrReplayed] (somebody saw the code: alert),
// [ErrThrottled], [ErrLocked], and when to come again.
//
// Put what was proved into the session (session.HTTP.StepUp with proof.AMR), end
// the user's other sessions when a factor has changed (session.Manager.RevokeOthers),
// and guard what is sensitive:
//
//	mux.Handle("POST /transfer", guardian.RequireMFA(5*time.Minute, who, challenge)(transfer))
//
// [Pages] are all of this as HTML forms.
//
// # Who gets a factor
//
// The first factor of a user needs a session, every other one a fresh proof of
// one that is there, here or at Auth0: who has stolen a session cannot enroll an
// app of their own and step up with it. Pending enrollments end by
// [Service.ConfirmTOTP] alone; [Service.Verify] does not touch them. Seeds are
// sealed with AES-256-GCM under Config.Keys, each bound to its user. The
// secret of a [TOTPKey] is returned once and kept out of every log.
//
// # Factors of Auth0
//
// [Service.EnrollmentTickets] makes enrollment tickets, [Service.Register] takes over a number
// or an address that you have verified. Both look first whether the tenant has the
// factor: turning one on concerns every user of the tenant, so one that is off is
// an error, [ErrFactorDisabled], unless Config.AllowTenantWideChange says
// otherwise. [MFA] verifies where a login stopped with mfa_required, [CIBA]
// asks a known user on their phone to approve a message, and [StepUp] sends the
// browser to Auth0, which can do every factor. Config.MirrorTOTP registers the
// own app at Auth0 too, so that it serves both.
//
// # Guessing
//
// Five failures in a row of a user with a factor are free; then nothing is heard
// for 30 s, twice that after the next, and so on to an hour; a hundred lock the
// factor until it is enrolled anew. With three codes accepted out of a million,
// a day of guessing succeeds with a probability of 1 in 9,800; at Auth0's own
// limit (10, and one more every six minutes) it is 1 in 1,300. Attempts are
// counted before they are looked at, so parallel ones gain nothing.
//
// # Events
//
// guardian.enable, register, tenant_factor, enroll, confirm, associate, challenge, verify,
// lock, recovery_codes, remove, reset and forget_browsers, with the factor and,
// for a no, the reason. Tell the user by mail of confirm, register, remove, reset, lock and
// recovery_codes (NIST SP 800-63B-4 section 4.2.1.1 asks it for recovery), and look
// at every verify with the reason replayed or denied.
//
// # Requirements and the tests that show them
//
//	RFC 4226 D            HOTP values                               TestRFC4226
//	RFC 4226 R6           secrets of 128 bits at least, here 160    TestShortSecretsAreRefused TestSecretsAreOf160Bits
//	RFC 4226 7.3          throttling with a growing delay           TestDelays TestDelaysGrowAndSuccessResets TestBruteForce
//	RFC 6238 B            TOTP values, three hashes                 TestRFC6238 TestOathtool
//	RFC 6238 5.2          no second use; one step of delay          TestReplayAndEarlierStepsAreRefused TestWindow
//	RFC 6238 6            drift learnt within a limit               TestDriftIsLearntWithinBounds TestDrift
//	NIST 800-63B-4 3.1.2  recovery codes random, hashed, used once  TestRecoveryCodes guardiantest
//	NIST 800-63B-4 3.1.4  an output is accepted once                TestCodeOfTwoStepsIsSpentOnce guardiantest
//	NIST 800-63B-4 3.2.2  100 failures in a row, then rebinding     TestLockNeedsRebinding
//	ASVS 5.0 6.5.1        used once                                 guardiantest
//	ASVS 5.0 6.5.3        seeds from a CSPRNG                       TestSecretsAreOf160Bits
//	ASVS 5.0 6.5.5        lifetime of a code                        TestWindow TestExactTime
//	ASVS 5.0 16.2.5       no secret in logs, errors, events         TestNothingLeaks
package guardian
