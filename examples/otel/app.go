package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/detect"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

const (
	api      = "https://api.example.com"
	password = "correct horse battery"
)

var key = []byte("an example of a key with 32 byte") // 32 random bytes from a secret store

// app is a service with all its packages observed.
type app struct {
	tenant  *auth0test.Tenant
	login0  auth0test.Application
	client  *management.Client
	log     *auditlog.Log
	events  audit.Recorder
	guard   *tenancy.Guard
	web     *session.HTTP
	factors *guardian.Service
	engine  *risk.Engine
	actions http.Handler
	server  *httptest.Server
	t       *Telemetry
	ended   chan struct{}
	closers []func()
	ada     string
}

func (a *app) close() {
	for _, f := range a.closers {
		f()
	}
}

// newApp wires telemetry into everything.
func newApp(ctx context.Context, t *Telemetry) (a *app, err error) {
	a = &app{t: t, tenant: auth0test.NewTenant(auth0test.Options{JobTime: -1}), ended: make(chan struct{})}
	machine := a.tenant.Machine()
	a.client, err = management.New(management.Config{
		Domain: a.tenant.Issuer(), ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: t.Client(a.tenant.HTTPClient().Transport), OnCall: t.Called,
	})
	if err != nil {
		return nil, err
	}
	a.tenant.AddAPI(api, "read:invoices")
	a.login0 = a.tenant.AddClient(auth0test.Application{Name: "Shop", CallbackURL: "https://shop.example.com/callback"})
	a.ada = a.tenant.AddUser(resource.User{Email: "ada@example.com", EmailVerified: true, AppMetadata: map[string]any{"plan": "gold"}}, password)
	for _, part := range []func(context.Context) error{a.openLog, a.protect, a.decide} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// openLog opens the audit log, watched, with a sink. Whatever the packages record
// goes through telemetry into it.
func (a *app) openLog(ctx context.Context) error {
	made, _, err := auditlog.GenerateKey("example.com/audit")
	if err != nil {
		return err
	}
	seal, err := auditlog.ParseSeal(made, key)
	if err != nil {
		return err
	}
	siem := auditlog.Sink{Name: "siem", Policy: auditlog.Durable, Deliver: func(context.Context, auditlog.Delivery) error { return nil }}
	a.log, err = auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{
		Detections: detect.All(), Sinks: []auditlog.Sink{a.t.Sink(siem), a.t.Findings()},
	})
	if err != nil {
		return err
	}
	a.events = a.t.Recorder(a.log)
	ctx, stop := context.WithCancel(ctx)
	go func() { defer close(a.ended); _ = a.log.Run(ctx) }()
	a.closers = append(a.closers, func() { stop(); <-a.ended })
	return a.t.Watch(a.log)
}

// protect makes an API and a page behind one server.
func (a *app) protect(context.Context) error {
	verifier, err := tenancy.NewVerifier(a.tenant.Issuer(), api, tenancy.VerifierConfig{HTTPClient: a.tenant.HTTPClient()})
	if err != nil {
		return err
	}
	a.guard, err = tenancy.NewGuard(verifier, tenancy.GuardConfig{OnRefuse: a.t.RefusedByAPI, Recorder: a.events})
	if err != nil {
		return err
	}
	sessions, err := session.New(session.NewMemory(), session.Config{Recorder: a.events})
	if err != nil {
		return err
	}
	a.web, err = session.NewHTTP(sessions, session.HTTPConfig{OnRefuse: a.t.RefusedByPage})
	if err != nil {
		return err
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux := http.NewServeMux()
	mux.Handle("GET /orgs/{org}/invoices", a.guard.Require(tenancy.FromPath("org"), tenancy.AllOf("read:invoices"))(ok))
	mux.Handle("GET /account", a.web.Require(ok))
	a.server = httptest.NewServer(a.t.Server("app.example.com", mux))
	a.closers = append(a.closers, a.server.Close)
	return nil
}

// decide makes what decides about logins.
func (a *app) decide(context.Context) (err error) {
	a.factors, err = guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{key}, Issuer: "Example", Recorder: a.events, Now: a.tenant.Now})
	if err != nil {
		return err
	}
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{key}, anomaly.Config{})
	if err != nil {
		return err
	}
	a.engine, err = risk.New(a.t.Assessor(detector), risk.Config{Enforcer: challenges{}, Recorder: a.events})
	if err != nil {
		return err
	}
	live, err := actions.New(actions.PostLogin, actions.MetadataClaims("https://example.com/", "plan"), actions.Track(a.events))
	if err != nil {
		return err
	}
	next, err := actions.New(actions.PostLogin, actions.Suspended("Your account is suspended."))
	if err != nil {
		return err
	}
	a.actions, err = actions.Handler([][]byte{key}, actions.HandlerConfig{
		OnCall: a.t.ActionCalled, OnDiff: a.t.ActionDiffers, Candidates: []*actions.Pipeline{next},
	}, live)
	if err != nil {
		return err
	}
	server := httptest.NewServer(a.t.Server("actions.example.com", a.actions))
	a.closers = append(a.closers, server.Close)
	engine, err := scripts.New(scripts.Config{Hosts: []string{strings.TrimPrefix(server.URL, "http://")}})
	if err != nil {
		return err
	}
	a.tenant.RunScripts(engine)
	deployment, err := actions.NewDeployment(a.client, live, server.URL, [][]byte{key}, actions.DeploymentConfig{})
	if err != nil {
		return err
	}
	plan, err := deployment.Plan(context.Background())
	if err != nil {
		return err
	}
	return deployment.Apply(context.Background(), plan)
}

type challenges struct{}

func (challenges) RequireMFA(context.Context, risk.Decision) error       { return nil }
func (challenges) SendVerification(context.Context, risk.Decision) error { return nil }

// call asks Auth0 something, once for nothing.
func (a *app) call(ctx context.Context) error {
	if _, err := a.client.UsersByEmail(ctx, "ada@example.com"); err != nil {
		return err
	}
	if _, err := a.client.User(ctx, "auth0|nobody"); !errors.Is(err, management.ErrNotFound) {
		return fmt.Errorf("an unknown user: %w, want ErrNotFound", err)
	}
	return nil
}

// refuse asks the server without a token and without a session.
func (a *app) refuse(ctx context.Context) error {
	for _, path := range []string{"/orgs/org_acme/invoices", "/account"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server.URL+path, nil)
		if err != nil {
			return err
		}
		answer, err := a.server.Client().Do(r)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("%s: %s, want 401", path, answer.Status)
		}
	}
	return nil
}

// login scores a login, makes a session and ends it.
func (a *app) login(ctx context.Context) error {
	decision, err := a.engine.Evaluate(ctx, risk.Login{Attempt: anomaly.Attempt{
		UserID: a.ada, Time: time.Now(), IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
	}})
	if err != nil {
		return err
	}
	if err := a.engine.Apply(ctx, decision); err != nil && !errors.Is(err, risk.ErrChallenged) {
		return err
	}
	sessions := a.web.Manager()
	token, _, err := sessions.Create(ctx, session.Login{UserID: a.ada, AuthTime: time.Now()})
	if err != nil {
		return err
	}
	return sessions.Revoke(ctx, token)
}

// factor enrolls an authenticator app and gives a wrong code.
func (a *app) factor(ctx context.Context) error {
	app, err := a.factors.EnrollTOTP(ctx, a.ada, "ada@example.com", nil)
	if err != nil {
		return err
	}
	if _, err := a.factors.ConfirmTOTP(ctx, a.ada, a.tenant.OTP(app.Secret())); err != nil {
		return err
	}
	wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, a.tenant.OTP(app.Secret()))
	_, err = a.factors.Verify(ctx, guardian.Request{UserID: a.ada, Factor: guardian.LocalTOTP, Code: wrong})
	if !errors.Is(err, guardian.ErrWrongCode) {
		return fmt.Errorf("a wrong code: %w, want ErrWrongCode", err)
	}
	return nil
}

// pipeline logs in at the tenant, whose Action asks the handler.
func (a *app) pipeline(ctx context.Context) error {
	_, err := a.tenant.Login(ctx, auth0test.Login{ClientID: a.login0.ID, Identifier: "ada@example.com", Password: password})
	return err
}

// legacy has one user.
type legacy struct{}

func (legacy) Page(_ context.Context, after string, _ int) ([]migration.Record, error) {
	if after != "" {
		return nil, nil
	}
	return []migration.Record{{Key: "1", Email: "grace@example.com"}}, nil
}

func (legacy) Find(context.Context, string) (migration.Record, error) {
	return migration.Record{}, migration.ErrNoUser
}

func (legacy) Get(context.Context, string) (migration.Record, error) {
	return migration.Record{}, migration.ErrNoUser
}

// migrate runs a migration.
func (a *app) migrate(ctx context.Context) error {
	runner, err := migration.NewRunner(legacy{}, a.client, migration.NewMemoryLedger(), migration.Run{
		Source: "shop", Connection: "Username-Password-Authentication", KeyPrefix: "shop|",
	}, migration.Config{Reset: migration.ResetMissing, Progress: a.t.Progress("shop"), Recorder: a.events})
	if err != nil {
		return err
	}
	result, err := runner.Run(ctx)
	if err == nil && result.Migrated != 1 {
		err = fmt.Errorf("%d migrated, want 1", result.Migrated)
	}
	return err
}

// delegate makes Ada the administrator of an organization.
func (a *app) delegate(ctx context.Context) error {
	org := a.tenant.AddOrganization("acme")
	role := a.tenant.AddRole("administrator", api)
	a.tenant.AddMember(org, a.ada)
	service, err := delegation.New(a.client, role, delegation.Jobs("nightly"), delegation.Config{Recorder: a.events})
	if err != nil {
		return err
	}
	return service.As(delegation.Job("nightly")).Grant(ctx, org, a.ada, role)
}

// settle waits until the log is sealed and its sink has everything.
func (a *app) settle(ctx context.Context) error {
	for range 1200 {
		status, err := a.log.Status(ctx)
		if err != nil {
			return err
		}
		sinks, err := a.log.Sinks(ctx)
		if err != nil {
			return err
		}
		waiting := uint64(0)
		for _, s := range sinks {
			waiting += s.Waiting
		}
		if status.Unsealed == 0 && waiting == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("nothing was sealed within a minute")
}
