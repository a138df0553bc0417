// Package auth0test is an Auth0 tenant in this process: the Management API and
// the Authentication API over users, organizations, roles, jobs and all that
// belongs to them, with Auth0's statuses, bodies, error texts, scopes, paging,
// rate limits and delays.
//
// A test makes a tenant, fills it, and gives the code under test a client, which is
// in process and has all scopes. A program does the same:
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"fmt"
//		"log"
//
//		"github.com/auth0kit/auth0kit/management"
//		"github.com/auth0kit/auth0kit/management/auth0test"
//		"github.com/auth0kit/auth0kit/management/resource"
//	)
//
//	func main() {
//		ctx := context.Background()
//		tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Enterprise})
//		id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
//		tenant.AddClient(auth0test.Application{Name: "Shop", CallbackURL: "https://shop.example.com/callback"})
//		tokens, err := tenant.Login(ctx, auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"})
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println("signed in:", tokens.ID != "")
//
//		// The answer to the next creation is lost after it was done.
//		tenant.Fault("POST /api/v2/users", auth0test.Fault{CutAfter: true, Times: 1})
//		client := tenant.Management()
//		_, err = client.CreateUser(ctx, resource.NewUser{User: resource.User{Email: "bob@example.com", Connection: "Username-Password-Authentication"}, Password: "battery staple 7"})
//		fmt.Println("unknown outcome:", errors.Is(err, management.ErrOutcomeUnknown))
//		user, err := client.User(ctx, id)
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(user.Email)
//	}
//
// Code that makes its own client reaches the tenant through HTTPClient (any
// host, no sockets, works in a testing/synctest bubble) or through Start (TLS
// on 127.0.0.1 under an authority whose certificate is Server.CAPEM; write it
// to a file and set SSL_CERT_FILE or NODE_EXTRA_CA_CERTS for programs that are
// not this one).
//
// # Logging in
//
// Login drives /authorize and the login pages as a browser does, with second
// factors, and returns the tokens; AccessToken makes one without a login, and
// Sign any token, also wrong ones:
//
//	tokens, err := tenant.Login(ctx, auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"})
//
// A browser or an OpenID Connect library logs in at the same pages, which are plain
// forms without JavaScript. Pages of other origins may call the tenant as the
// application's allowed_origins, callbacks and web_origins say, so that a
// single-page application works with Auth0's own library. Browse goes through an
// application's own login and back to its callback, to test that code.
//
// SetFactor, SetMFAPolicies and Enroll say who is asked for a second factor; its
// codes and pushes are in the Outbox, and Message.Approve answers a push.
// Applications with a BackChannelLogoutURL hear of the end of sessions through
// Options.Outgoing.
//
// The tenant asks for the second factor when the user is enrolled, and when the
// application asks by acr_values. At Auth0 an Action or a policy has to say so.
//
// # Time
//
// The tenant's clock, Now, is package time plus what Advance added. What is due,
// such as the end of an import job, is done before the next request is answered. Only
// what is sent to others, logout tokens and log streams to HTTP, is sent in the
// background. Reset makes the tenant new again.
//
// # A tenant with a past
//
// AddLog, AddSession and AddRefreshToken add what happened before the test: entries
// of the log, sessions of other browsers, and refresh tokens that were given out.
//
// # Limits, delays and faults
//
// Options.Plan limits the rate as Auth0's plans do. Options.SearchDelay makes
// search and lists eventually consistent. Fault makes single routes slow,
// failing, or cut off before or after their work:
//
//	remove := tenant.Fault("POST /api/v2/users", auth0test.Fault{CutAfter: true, Times: 1})
//
// Attack protection works as its settings under attack-protection/ say: after ten
// wrong passwords a user is blocked from the address, after a hundred an address
// is refused, and with AddBreachedPasswords and detection turned on, passwords
// are. The settings of the tenant (tenants/settings) count too: lifetimes of
// sessions, default audience and directory, logout URLs, discovery. Auth0 has
// ended Rules and Hooks; Options.RulesAndHooks brings their routes back.
//
// Settings take effect, or are only shown, as docs/auth0test/settings.md says of
// each. Where Auth0 would refuse or protect something that the tenant cannot, the
// setting is refused with the errorCode auth0test_setting_not_implemented, unless
// Options.IgnoredSettings names it: a tenant that is kinder than Auth0 hides
// faults.
//
// An operation that Auth0 has and the tenant does not answers 501 with the
// errorCode auth0test_not_implemented, never 404, which a client would read as
// "no such resource". What Auth0 does not have either is 404. Options.Missing
// sets another status than 501 for programs that would repeat the request.
//
// # What the tenant was asked and sent
//
// Outbox returns the mails, text messages and push notifications that would have
// been sent, and Requests the requests that came.
package auth0test
