package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
)

func ExampleNew() {
	sessions, err := session.New(session.NewMemory(), session.Config{
		Idle:       30 * time.Minute,
		MaxPerUser: 5,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(sessions.Policy())
	// Output:
	// A session ends after 30m0s without use, and 24h0m0s after it was created, whatever happens.
	// Use is noted every 30s, so an idle session may end that much earlier.
	// A user has at most 5 sessions; at one more: evict oldest.
	// Both are within NIST SP 800-63B-4 section 2.2.3 (AAL2: 1h and 24h).
}

func ExampleManager_Create() {
	ctx := context.Background()
	log := audit.NewMemory()
	key := []byte("32 random bytes, from your vault") // of your own
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: [][]byte{key}, Recorder: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, s, err := sessions.Create(ctx, session.Login{
		UserID: "auth0|42", SID: "the sid of the ID token", AMR: []string{"pwd", "mfa"}, Payload: []byte("refresh token"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, amr := s.Authentication()
	fmt.Println(token, s.UserID, amr)
	fmt.Println(log.Actions())
	// Output:
	// session.Token{…} auth0|42 [pwd mfa]
	// [session.create]
}

func ExampleManager_Validate() {
	ctx := context.Background()
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|42"})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sessions.Validate(ctx, token)
	fmt.Println(s.UserID, err)

	if err := sessions.Revoke(ctx, token); err != nil {
		fmt.Println(err)
	}
	_, err = sessions.Validate(ctx, token)
	fmt.Println(errors.Is(err, session.ErrRevoked), err)
	// Output:
	// auth0|42 <nil>
	// true session: the session was revoked
}

func ExampleManager_Update() {
	ctx := context.Background()
	key := []byte("32 random bytes, from your vault")
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: [][]byte{key}})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|42", Payload: []byte("cart: apple")})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = sessions.Update(ctx, token, func(payload []byte) ([]byte, error) {
		return append(payload, ", pear"...), nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sessions.Validate(ctx, token)
	fmt.Println(string(s.Payload), err)
	// Output: cart: apple, pear <nil>
}

func ExampleManager_RevokeID() {
	ctx := context.Background()
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, agent := range []string{"Firefox on Linux", "an old phone"} {
		_, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|42", Device: session.Device{UserAgent: agent}})
		if err != nil {
			fmt.Println(err)
		}
	}
	list, err := sessions.List(ctx, "auth0|42")
	if err != nil {
		fmt.Println(err)
	}
	for _, s := range list {
		if s.Device.UserAgent == "an old phone" {
			fmt.Println("end it:", sessions.RevokeID(ctx, "auth0|42", s.ID))
		}
	}
	list, err = sessions.List(ctx, "auth0|42")
	fmt.Println(len(list), list[0].Device.UserAgent, err)
	// Output:
	// end it: <nil>
	// 1 Firefox on Linux <nil>
}

func ExampleHTTP() {
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, err := session.NewHTTP(sessions, session.HTTPConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.Handle("GET /callback", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := web.Login(w, r, session.Login{UserID: "auth0|42"}); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})))
	mux.Handle("GET /account", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := session.FromContext(r.Context())
		fmt.Fprintln(w, "hello", s.UserID)
	})))
	mux.Handle("POST /logout", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := web.Logout(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})))

	get := func(path string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	fmt.Println(get("/account").Status)
	login := get("/callback")
	cookie := login.Cookies()[0]
	fmt.Println(cookie.Name, cookie.Secure, cookie.HttpOnly)
	fmt.Println(get("/account", cookie).Status)
	// Output:
	// 401 Unauthorized
	// __Host-session true true
	// 200 OK
}

func ExampleBehind() {
	clientIP, err := session.Behind("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8"))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.1:54321" // the proxy
	r.Header.Set("X-Forwarded-For", "127.0.0.1, 203.0.113.7")
	fmt.Println(clientIP(r))
	// Output: 203.0.113.7
}

func ExampleBackChannelLogout() {
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := session.BackChannelLogout(sessions, "https://tenant.eu.auth0.com/", "client id", session.LogoutConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /backchannel-logout", receiver) // not behind Load

	form := url.Values{"logout_token": {"something that Auth0 has not signed"}}
	r := httptest.NewRequest("POST", "/backchannel-logout", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 400 {"error":"invalid_request","error_description":"malformed"}
}
