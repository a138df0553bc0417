package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"embed"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/examples/internal/program"
	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

//go:embed pages/*.html
var pages embed.FS

// portal is the application.
type portal struct {
	*stores
	auth0
	key, actionKey []byte
	address        func(*http.Request) netip.Addr // of a client
	pages          *site.Site
	log            *auditlog.Log
	cutoff         *tenancy.Cutoff
	sessions       *session.Manager
	web            *session.HTTP
	login          *login.Handler
	factors        *guardian.Service
	mfa, verify    *guardian.Pages // behind a session, and before there is one
	detector       *anomaly.Detector
	risk           *risk.Engine
	gate           *riskhttp.Gate
	guard, api     *tenancy.Guard // of pages, and of programs
	admins         *delegation.Service
	pipeline       *actions.Pipeline
	arrivals       *lazy.Lazy
	demo           *demo // nil at a tenant of yours
	handler        http.Handler
}

// auth0 is the tenant, and what is there for this application.
type auth0 struct {
	login.Application
	client    *management.Client
	audience  string // of the API that pages and programs use
	adminRole string
	base      string // where browsers reach the application
	origin    string // the tenant's
}

// newPortal builds everything in the order in which one part needs another.
func newPortal(ctx context.Context, port int, env func(string) string) (_ *portal, err error) {
	p := &portal{}
	if p.key, err = site.Key("PORTAL_KEY", env("PORTAL_KEY")); err != nil {
		return nil, err
	}
	if p.actionKey, err = hkdf.Key(sha256.New, p.key, nil, "the Action of the portal", 32); err != nil {
		return nil, err
	}
	if p.stores, err = openStores(ctx, env("REDIS_URL"), env("DATABASE_URL"), p.key); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if env("AUTH0_DOMAIN") == "" {
		p.auth0, err = p.offline(port)
	} else {
		p.auth0, err = atAuth0(env)
	}
	if err != nil {
		return nil, err
	}
	if p.pages, err = site.New("Ledger", pages); err != nil {
		return nil, err
	}
	p.pages.Frame = p.frame
	for _, build := range []func(context.Context, func(string) string) error{
		p.buildLog, p.buildSignIn, p.buildFactors, p.buildRisk, p.buildGuards, p.buildTeam, p.buildArrivals, p.buildClaims, p.buildRoutes, p.seed,
	} {
		if err := build(ctx, env); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// serve runs until ctx ends, with what works in the background.
func (p *portal) serve(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	for _, run := range []func(context.Context) error{p.sessions.Run, p.factors.Run, p.detector.Run, p.log.Run} {
		background.Go(func() {
			if err := run(ctx); ctx.Err() == nil {
				log.Print("portal: ", err)
			}
		})
	}
	defer background.Wait()
	defer stop()
	return program.Serve(ctx, listener, p.handler)
}

func (p *portal) buildRoutes(context.Context, func(string) string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", site.Style)
	mux.Handle("/auth/", p.login)
	mux.Handle("/mfa/", p.web.Require(p.mfa))
	mux.Handle("/verify/", p.verify)
	p.pages.Sessions(mux, p.web)
	mux.Handle("GET /{$}", p.web.Load(http.HandlerFunc(p.home)))
	mux.Handle("GET /organizations", p.web.Require(p.settled(http.HandlerFunc(p.choose))))
	mux.Handle("GET /account", p.web.Require(p.settled(http.HandlerFunc(p.account))))
	mux.Handle("GET /account/data", p.web.Require(p.settled(http.HandlerFunc(p.data))))
	mux.Handle("/arrive", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.arrive))) // no session, so no token

	fresh := guardian.Require(guardian.MultiFactor, 5*time.Minute, p.stepUp)
	mux.Handle("GET /orgs/{org}/{$}", p.member("read:invoices", p.overview))
	mux.Handle("GET /orgs/{org}/invoices/{number}/pay", p.member("send:payouts", fresh(http.HandlerFunc(p.ask)).ServeHTTP))
	mux.Handle("POST /orgs/{org}/invoices/{number}/pay", p.member("send:payouts", fresh(http.HandlerFunc(p.payInvoice)).ServeHTTP))
	mux.Handle("GET /orgs/{org}/team", p.member("manage:team", p.team))
	mux.Handle("POST /orgs/{org}/team/plan", p.member("manage:team", p.planTeam))
	mux.Handle("POST /orgs/{org}/team/apply", p.member("manage:team", p.applyTeam))
	mux.Handle("GET /orgs/{org}/team/contain", p.member("manage:team", fresh(http.HandlerFunc(p.askContain)).ServeHTTP))
	mux.Handle("POST /orgs/{org}/team/contain", p.member("manage:team", fresh(http.HandlerFunc(p.contain)).ServeHTTP))
	mux.Handle("GET /orgs/{org}/receipts/{receipt}", p.member("manage:team", p.receipt))
	mux.Handle("GET /orgs/{org}/audit", p.member("read:audit", p.audit))
	mux.Handle("GET /orgs/{org}/audit/{event}", p.member("read:audit", p.prove))
	mux.Handle("GET /orgs/{org}/report", p.member("read:audit", p.report))
	mux.Handle("POST /orgs/{org}/streams", p.member("read:audit", p.addStream))
	mux.Handle("POST /orgs/{org}/streams/remove", p.member("read:audit", p.removeStream))

	mux.Handle("GET /api/orgs/{org}/invoices", p.api.Require(tenancy.FromPath("org"), tenancy.AllOf("read:invoices"))(http.HandlerFunc(p.invoicesAPI)))
	action, err := p.actionHandler()
	if err != nil {
		return err
	}
	mux.Handle(actionPath, action)
	if p.demo != nil {
		p.demo.routes(mux, p)
	}
	mux.Handle("/", p.web.Load(http.HandlerFunc(p.pages.NotFound)))
	p.handler = site.Secure(mux, p.origin)
	return nil
}

// plain reports whether browsers come by http, as to localhost.
func (p *portal) plain() bool { return strings.HasPrefix(p.base, "http://") }

// broken is said when a store or Auth0 does not answer. What went wrong is for our log.
func (p *portal) broken(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("portal: %s: %v", r.Pattern, err)
	w.Header().Set("Retry-After", "5")
	p.pages.Failed(w, r, http.StatusServiceUnavailable, "That did not work", "Something that we need does not answer. Try again in a moment.", "unavailable")
}

// atAuth0 is the application at your tenant.
func atAuth0(env func(string) string) (a auth0, err error) {
	if a.Application, err = login.FromEnv(); err != nil {
		return a, err
	}
	cfg, err := management.ConfigFromEnv()
	if err != nil {
		return a, err
	}
	if a.client, err = management.New(cfg); err != nil {
		return a, err
	}
	a.audience, a.adminRole = env("AUTH0_AUDIENCE"), env("ADMIN_ROLE_ID")
	a.base, a.origin = a.BaseURL, a.Domain
	if !strings.Contains(a.origin, "://") {
		a.origin = "https://" + a.origin
	}
	return a, nil
}
