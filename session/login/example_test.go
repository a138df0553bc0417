package login_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

func ExampleNew() {
	keys := [][]byte{bytes.Repeat([]byte("k1"), 16)} // 32 random bytes, from the environment
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, err := session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login"})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := login.Application{Domain: "tenant.eu.auth0.com", ClientID: "app", ClientSecret: "secret", BaseURL: "https://app.example.com"}
	auth, err := login.New(web, app, login.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("GET /account", web.Require(http.NotFoundHandler()))

	r := httptest.NewRequest(http.MethodGet, "/account", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))

	w = httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth/login?to=/account", nil))
	to, _ := url.Parse(w.Header().Get("Location"))
	fmt.Println(w.Code, to.Host+to.Path, to.Query().Get("redirect_uri"), to.Query().Get("code_challenge_method"), to.Query().Get("max_age"))
	// Output:
	// 303 /auth/login?to=%2Faccount
	// 303 tenant.eu.auth0.com/authorize https://app.example.com/auth/callback S256 86400
}

func ExampleHandler_Held() {
	keys := [][]byte{bytes.Repeat([]byte("k1"), 16)} // 32 random bytes, from the environment
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, err := session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login"})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := login.Application{Domain: "tenant.eu.auth0.com", ClientID: "app", ClientSecret: "secret", BaseURL: "https://app.example.com"}
	auth, err := login.New(web, app, login.Config{
		OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
			if !id.MFA {
				return login.Hold("/verify")
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	held := auth.Held()
	verify := func(w http.ResponseWriter, r *http.Request) {
		user, err := held.UserID(r)
		if err != nil {
			fmt.Println(err) // nobody's login waits in this browser
			return
		}
		// Check a code of user, then:
		if err := held.StepUp(w, r, time.Now(), "otp", "mfa"); err != nil {
			fmt.Println(user, err)
			return
		}
		http.Redirect(w, r, "/auth/login", http.StatusSeeOther) // where the login goes on
	}
	verify(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/verify", nil))
	// Output: session: there is no such session
}

func ExampleFromEnv() {
	_, err := login.FromEnv()
	fmt.Println(err)
	// Output: login: set APP_BASE_URL, AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET in the environment
}

func ExampleApplication_print() {
	fmt.Println(login.Application{Domain: "tenant.eu.auth0.com", ClientID: "app", ClientSecret: "secret"})
	// Output: login.Application{Domain: "tenant.eu.auth0.com", ClientID: "app", BaseURL: "", …}
}
