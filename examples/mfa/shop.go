package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
)

// payAge is how old the proof of a second factor may be that pays.
const payAge = 5 * time.Minute

// shop is a web application whose users pay. Its tenant is in this process.
type shop struct {
	tenant  *auth0test.Tenant
	user    string
	events  *audit.Memory
	factors *guardian.Service
	web     *session.HTTP
	ahead   time.Duration // What wait has added to the clock.
}

const (
	email    = "ada@example.com"
	password = "correct horse battery"
)

// newShop makes the shop. insecure is for http://localhost.
func newShop(insecure bool) (*shop, error) {
	s := &shop{tenant: auth0test.NewTenant(auth0test.Options{}), events: audit.NewMemory()}
	s.tenant.AddClient(auth0test.Application{CallbackURL: "https://shop.example.com/callback"})
	s.user = s.tenant.AddUser(resource.User{Email: email}, password)
	s.tenant.SetFactor("otp", true)

	key := make([]byte, 32) // A real one comes from a vault, and stays.
	rand.Read(key)
	var err error
	s.factors, err = guardian.New(s.tenant.Management(), guardian.Config{
		Store: guardian.NewMemory(), Keys: [][]byte{key}, Issuer: "Shop",
		MirrorTOTP: true, MaxFailures: 10, Recorder: s.events, Now: s.now,
	})
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(session.NewMemory(), session.Config{Recorder: s.events, Now: s.now})
	if err != nil {
		return nil, err
	}
	s.web, err = session.NewHTTP(sessions, session.HTTPConfig{AllowInsecureCookie: insecure})
	return s, err
}

// now is the time of the shop, and wait moves it and the tenant's.
func (s *shop) now() time.Time { return time.Now().Add(s.ahead) }

func (s *shop) wait(d time.Duration) {
	s.ahead += d
	s.tenant.Advance(d)
}

// handler is the shop: /pay needs a second factor within five minutes.
func (s *shop) handler() (http.Handler, error) {
	pages, err := guardian.NewPages(s.factors, s.web, guardian.PagesConfig{Account: func(*http.Request) string { return email }})
	if err != nil {
		return nil, err
	}
	pay := s.factors.Require(guardian.MultiFactor, payAge, pages.StepUp)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "paid\n")
	}))
	mux := http.NewServeMux()
	mux.Handle("GET /login", s.web.Load(http.HandlerFunc(s.login)))
	mux.Handle("/mfa/", s.web.Require(pages))
	mux.Handle("GET /pay", s.web.Require(pay)) // A real one is a POST.
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<p><a href="/login">Log in</a>, <a href="/mfa/">set up a second factor</a>, <a href="/pay">pay</a></p>`)
	})
	return mux, nil
}

// login stands for the callback of a login at Auth0, which tells by amr and
// auth_time what was proved: a password.
func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	if _, err := s.web.Login(w, r, session.Login{UserID: s.user, AuthTime: s.now(), AMR: []string{"pwd"}}); err != nil {
		http.Error(w, fmt.Sprint(err), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
