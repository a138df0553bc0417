package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/session/redissession"
)

// store is what keeps sessions and what Auth0 is still to be told.
type store interface {
	driver.Store
	driver.Outbox
}

// app is the application and, offline, its tenant.
type app struct {
	base     string // where browsers reach it
	domain   string // Auth0's, with its scheme
	sessions *session.Manager
	web      *session.HTTP
	pages    *site.Site
	auth     *login.Handler
	tenant   *auth0test.Tenant
	phone    string   // the secret of Ada's authenticator, offline
	sent     sync.Map // transfers, by user and number
	closers  []func()
}

func (a *app) close() {
	for _, f := range a.closers {
		f()
	}
}

func newApp(port int) (_ *app, err error) {
	a := &app{}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	application, client, err := a.atAuth0(port)
	if err != nil {
		return nil, err
	}
	a.base, a.domain = application.BaseURL, application.Domain
	if !strings.Contains(a.domain, "://") {
		a.domain = "https://" + a.domain
	}
	key, err := site.Key("SESSION_KEY", os.Getenv("SESSION_KEY")) // several processes share one
	if err != nil {
		return nil, err
	}
	if a.pages, err = site.New("Ledger", pages); err != nil {
		return nil, err
	}
	a.pages.Frame = a.frame
	kept, err := a.open(os.Getenv("REDIS_URL"))
	if err != nil {
		return nil, err
	}
	a.sessions, err = session.New(kept, session.Config{Keys: [][]byte{key}, Revoker: client, Outbox: kept})
	if err != nil {
		return nil, err
	}
	a.web, err = session.NewHTTP(a.sessions, session.HTTPConfig{
		LoginPath: "/auth/login", Render: a.pages.Refusal, ClientIP: session.Direct,
		AllowInsecureCookie: strings.HasPrefix(a.base, "http://"),
	})
	if err != nil {
		return nil, err
	}
	factors, err := guardian.New(client, guardian.Config{})
	if err != nil {
		return nil, err
	}
	a.auth, err = login.New(a.web, application, login.Config{Factors: factors, OnLogin: called})
	return a, err
}

// called keeps what the pages call the user. A real application asks risk, roles or
// an old system here.
func called(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
	id.Payload = []byte(cmp.Or(id.Name, id.Email, "a user without a name"))
	return nil
}

// atAuth0 is the application at your tenant, or at one in this process.
func (a *app) atAuth0(port int) (login.Application, *management.Client, error) {
	if os.Getenv("AUTH0_DOMAIN") == "" {
		return a.offline(port)
	}
	application, err := login.FromEnv()
	if err != nil {
		return application, nil, err
	}
	cfg, err := management.ConfigFromEnv()
	if err != nil {
		return application, nil, err
	}
	client, err := management.New(cfg)
	return application, client, err
}

// open returns the sessions of this process, or those in Redis.
func (a *app) open(url string) (store, error) {
	if url == "" {
		return session.NewMemory(), nil
	}
	options, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, errors.New("REDIS_URL cannot be read; give one such as redis://localhost:6379")
	}
	client, err := rueidis.NewClient(options)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	a.closers = append(a.closers, client.Close)
	return redissession.New(client, redissession.Config{Prefix: "web"})
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", a.auth)
	mux.Handle("GET /{$}", a.web.Load(http.HandlerFunc(a.home)))
	a.pages.Sessions(mux, a.web)
	fresh := guardian.Require(guardian.MultiFactor, 5*time.Minute, a.auth.StepUp)
	mux.Handle("/transfer", a.web.Require(fresh(http.HandlerFunc(a.transfer))))
	mux.HandleFunc("GET /style.css", site.Style)
	if a.tenant != nil {
		mux.HandleFunc("GET /phone", a.showPhone)
	}
	mux.Handle("/", a.web.Load(http.HandlerFunc(a.pages.NotFound)))
	return site.Secure(mux, a.domain)
}
