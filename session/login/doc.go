// Package login signs users of a Go web application in at Auth0 and keeps them
// signed in with package session.
//
//	package main
//
//	import (
//		"encoding/base64"
//		"fmt"
//		"log"
//		"net/http"
//		"os"
//
//		"github.com/auth0kit/auth0kit/session"
//		"github.com/auth0kit/auth0kit/session/login"
//	)
//
//	func main() { // APP_BASE_URL, AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET; SESSION_KEY: openssl rand -base64 32
//		key := must(base64.StdEncoding.DecodeString(os.Getenv("SESSION_KEY")))
//		sessions := must(session.New(session.NewMemory(), session.Config{Keys: [][]byte{key}}))
//		web := must(session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login"}))
//		auth := must(login.New(web, must(login.FromEnv()), login.Config{}))
//		http.Handle("/auth/", auth)
//		http.Handle("GET /account", web.Require(http.HandlerFunc(account)))
//		log.Fatal(http.ListenAndServe(":8080", nil))
//	}
//
//	func account(w http.ResponseWriter, r *http.Request) {
//		s, _ := session.FromContext(r.Context())
//		fmt.Fprintln(w, "Hello", s.UserID)
//	}
//
//	func must[T any](v T, err error) T {
//		if err != nil {
//			log.Fatal(err)
//		}
//		return v
//	}
//
// # Routes
//
// Below Config.Path, "/auth" by default:
//
//	GET  /auth/login               to Auth0; the parameter to is the page to come back to
//	GET  /auth/callback            from Auth0
//	POST /auth/logout              ends the session here and at Auth0; the form needs the CSRF token
//	POST /auth/backchannel-logout  Auth0 ends the session (Enterprise plan)
//
// Login passes on organization, organization_name, invitation, login_hint and
// screen_hint, so it can be the application's Login URI at Auth0: links in
// invitations lead there.
//
// # What is checked
//
// Each login is the authorization code flow with PKCE (RFC 7636), state and nonce.
// What belongs to it waits in a sealed cookie of its own for an hour, so logins in
// several tabs do not disturb each other, and a callback that this browser has not
// asked for is refused. The ID token is verified strictly (issuer, audience,
// signature, times, nonce, authorized party, organization). max_age is always sent,
// so that Auth0 tells when the user has authenticated, and is enforced. The page to
// come back to must be a path of this site.
//
// Where a session or its user was revoked while the login was under way, or the
// provider's session has expired, the user authenticates again. Auth0's error descriptions, which may echo input, are never
// shown.
//
// # A second factor of your own
//
// Config.OnLogin may return [Hold] to have a page of this site ask for a second factor
// before there is a session:
//
//	OnLogin: func(w http.ResponseWriter, r *http.Request, id *login.Identity) error {
//		if risky(r, id) && !id.MFA {
//			return login.Hold("/verify")
//		}
//		return nil
//	}
//
// The page knows the user by [Handler.Held], which package guardian's pages take too.
//
// # At Auth0
//
// A Regular Web Application with BaseURL followed by Path and "/callback" among its
// Allowed Callback URLs, BaseURL among its Allowed Logout URLs, and, for
// [Handler.AccessToken], refresh tokens: "Allow Offline Access" at the API and the
// grant type Refresh Token at the application. Rotation may be on.
package login
