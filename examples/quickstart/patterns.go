package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// company is what the patterns after the migration share: a tenant in this process
// with two organizations, and the log that all of them record to.
type company struct {
	*transcript
	report       *report
	tenant       *auth0test.Tenant
	client       *management.Client
	log          *auditlog.Log
	verifierKey  string
	ada, bob     string
	acme, globex string
	app          string // Client id that people log in with.
	detector     *anomaly.Detector
	now          time.Time
}

const (
	api      = "https://api.example.com"
	password = "correct horse battery"
	firefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// noon is when the logins are that anomaly, risk and actions look at.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var sealing = [][]byte{[]byte("an example of a key with 32 byte")} // 32 random bytes from a vault

// patterns shows the other packages, one after the other.
func patterns(ctx context.Context, t *transcript, r *report) error {
	c, err := newCompany(t, r)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.tenancy, c.sessions, c.factors, c.anomaly, c.risk, c.actions, c.delegation, c.audit} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func newCompany(t *transcript, r *report) (*company, error) {
	c := &company{transcript: t, report: r, tenant: auth0test.NewTenant(auth0test.Options{}), now: noon}
	c.client = c.tenant.Management()
	c.tenant.AddAPI(api, "read:invoices")
	c.acme, c.globex = c.tenant.AddOrganization("acme"), c.tenant.AddOrganization("globex")
	c.ada = c.tenant.AddUser(resource.User{Email: "ada@example.com", EmailVerified: true}, password)
	c.bob = c.tenant.AddUser(resource.User{Email: "bob@example.com", EmailVerified: true}, password)
	c.tenant.AddMember(c.acme, c.ada, c.tenant.AddRole("clerk", api, "read:invoices"))
	c.tenant.AddMember(c.acme, c.bob)
	c.app = c.tenant.AddClient(auth0test.Application{Name: "Ledger", CallbackURL: "https://ledger.example.com/callback"}).ID
	key, public, err := auditlog.GenerateKey("example.com/audit")
	if err != nil {
		return nil, err
	}
	seal, err := auditlog.ParseSeal(key, sealing...)
	if err != nil {
		return nil, err
	}
	c.verifierKey = public
	c.log, err = auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{})
	return c, err
}

// tenancy asks who may read the invoices of whom.
func (c *company) tenancy(ctx context.Context) error {
	c.step("tenancy", "Which organization may a token act for?")
	verifier, err := tenancy.NewVerifier(c.tenant.Issuer(), api, tenancy.VerifierConfig{HTTPClient: c.tenant.HTTPClient()})
	if err != nil {
		return err
	}
	guard, err := tenancy.NewGuard(verifier, tenancy.GuardConfig{
		FirstParty: []string{c.app}, Recorder: c.log, Logger: slog.New(slog.DiscardHandler), // the transcript says it
	})
	if err != nil {
		return err
	}
	tokens := make(map[string]string)
	for _, name := range []string{"ada", "bob"} {
		got, err := c.tenant.Login(ctx, auth0test.Login{ClientID: c.app, Audience: api, OrgID: c.acme, Identifier: name + "@example.com", Password: password})
		if err != nil {
			return err
		}
		tokens[name] = got.Access
	}
	ask := func(token, org string) string {
		_, err := guard.Admit(ctx, token, tenancy.Org{ID: org}, tenancy.AllOf("read:invoices"))
		if forbidden, ok := errors.AsType[*tenancy.ForbiddenError](err); ok {
			return "refused, " + forbidden.Reason
		}
		if wrong, ok := errors.AsType[*tenancy.TokenError](err); ok {
			return "refused, " + wrong.Reason
		}
		if err != nil {
			return err.Error()
		}
		return "admitted"
	}
	r := &c.report.Tenancy
	*r = tenancyReport{
		Member: ask(tokens["ada"], c.acme), OtherOrganization: ask(tokens["ada"], c.globex),
		WithoutPermission: ask(tokens["bob"], c.acme), Forged: ask(tokens["ada"][:len(tokens["ada"])-8]+"AAAAAAAA", c.acme),
	}
	c.say("Ada of acme at acme: %s; at globex: %s", r.Member, r.OtherOrganization)
	c.say("Bob of acme, who has no role: %s; a forged token: %s", r.WithoutPermission, r.Forged)
	return nil
}

// sessions signs in twice, and out everywhere.
func (c *company) sessions(ctx context.Context) error {
	c.step("session", "Signed out is signed out")
	sessions, err := session.New(session.NewMemory(), session.Config{Recorder: c.log})
	if err != nil {
		return err
	}
	var tokens []session.Token
	for range 2 {
		token, _, err := sessions.Create(ctx, session.Login{UserID: c.ada, AuthTime: time.Now()})
		if err != nil {
			return err
		}
		tokens = append(tokens, token)
	}
	if err := sessions.RevokeUser(ctx, c.ada); err != nil {
		return err
	}
	r := &c.report.Session
	r.Created = len(tokens)
	for _, token := range tokens {
		if _, err := sessions.Validate(ctx, token); errors.Is(err, session.ErrRevoked) {
			r.Refused++
		}
	}
	c.say("%d sessions, one \"sign out everywhere\": %d of the tokens are refused", r.Created, r.Refused)
	return nil
}

// factors enrolls an authenticator app.
func (c *company) factors(ctx context.Context) error {
	c.step("guardian", "A code works once")
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: sealing, Issuer: "Ledger", Recorder: c.log, Now: c.tenant.Now,
	})
	if err != nil {
		return err
	}
	key, err := factors.EnrollTOTP(ctx, c.ada, "ada@example.com", nil)
	if err != nil {
		return err
	}
	code := func() string { return c.tenant.OTP(key.Secret()) } // what the app on the phone shows
	recovery, err := factors.ConfirmTOTP(ctx, c.ada, code())
	if err != nil {
		return err
	}
	r := &c.report.Guardian
	r.RecoveryCodes = len(recovery)
	c.tenant.Advance(time.Minute)
	verify := func(code string) string {
		_, err := factors.Verify(ctx, guardian.Request{UserID: c.ada, Factor: guardian.LocalTOTP, Code: code})
		switch {
		case err == nil:
			return "accepted"
		case errors.Is(err, guardian.ErrReplayed):
			return "refused, used before"
		case errors.Is(err, guardian.ErrWrongCode):
			return "refused"
		}
		return err.Error()
	}
	right := code()
	r.Right, r.Again = verify(right), verify(right)
	r.Wrong = verify(strings.Map(func(d rune) rune { return '0' + (d-'0'+5)%10 }, right))
	c.say("an authenticator app and %d recovery codes", r.RecoveryCodes)
	c.say("the right code: %s; the same again: %s; a wrong one: %s", r.Right, r.Again, r.Wrong)
	return nil
}

// home and away are two logins of Ada: on her own device, and of somebody else in
// another country, an hour later.
func (c *company) home(at time.Time) anomaly.Attempt {
	return anomaly.Attempt{
		UserID: c.ada, Time: at, IP: netip.MustParseAddr("84.176.10.20"), DeviceID: "ada's laptop", UserAgent: firefox,
		Place: &anomaly.Place{Country: "DE", Lat: 52.5, Lon: 13.4, ASN: 3320},
	}
}

func (c *company) away(at time.Time) anomaly.Attempt {
	return anomaly.Attempt{
		UserID: c.ada, Time: at, IP: netip.MustParseAddr("103.6.84.9"), UserAgent: "curl/8.17.0",
		Place: &anomaly.Place{Country: "SG", Lat: 1.35, Lon: 103.8, ASN: 4657},
	}
}

// anomaly learns a month of logins and looks at two.
func (c *company) anomaly(ctx context.Context) (err error) {
	c.step("anomaly", "What is unusual about a login?")
	c.detector, err = anomaly.New(anomaly.NewMemory(0), sealing, anomaly.Config{})
	if err != nil {
		return err
	}
	r := &c.report.Anomaly
	for day := 30; day > 0; day-- {
		if err := c.detector.Learn(ctx, c.home(c.now.AddDate(0, 0, -day)), anomaly.Proved); err != nil {
			return err
		}
		r.Learned++
	}
	for _, a := range []anomaly.Attempt{c.home(c.now.Add(-time.Hour)), c.away(c.now)} {
		found, err := c.detector.Assess(ctx, a)
		if err != nil {
			return err
		}
		words := []string{}
		for _, f := range found.Findings {
			if f.Kind != 0 {
				words = append(words, f.Kind.String())
			}
		}
		if a.DeviceID != "" {
			r.Usual = words
			if err := c.detector.Learn(ctx, a, anomaly.Proved); err != nil {
				return err
			}
		} else {
			r.Stranger = words
		}
	}
	c.say("%d logins of Ada from Berlin are learned; one more: %d findings", r.Learned, len(r.Usual))
	c.say("an hour later from Singapore: %s", strings.Join(r.Stranger, ", "))
	return nil
}

// risk decides about the same two logins.
func (c *company) risk(ctx context.Context) error {
	c.step("risk", "What happens to it?")
	engine, err := risk.New(c.detector, risk.Config{Recorder: c.log})
	if err != nil {
		return err
	}
	decide := func(a anomaly.Attempt) (decided, error) {
		d, err := engine.Evaluate(ctx, risk.Login{Attempt: a})
		if err != nil {
			return decided{}, err
		}
		err = engine.Apply(ctx, d)
		if err != nil && !errors.Is(err, risk.ErrChallenged) && !errors.Is(err, risk.ErrDenied) {
			return decided{}, err
		}
		return decided{Score: d.Score, Action: string(d.Action)}, nil
	}
	r := &c.report.Risk
	if r.Stranger, err = decide(c.away(c.now)); err != nil {
		return err
	}
	if r.Usual, err = decide(c.home(c.now.Add(time.Minute))); err != nil {
		return err
	}
	c.say("Singapore: score %d, %s; Berlin: score %d, %s", r.Stranger.Score, r.Stranger.Action, r.Usual.Score, r.Usual.Action)
	return nil
}

// actions runs a pipeline that a deployed Action would ask.
func (c *company) actions(ctx context.Context) error {
	c.step("actions", "What Rules did, in Go")
	p, err := actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."), actions.MetadataClaims("https://example.com/", "plan"), actions.Track(c.log))
	if err != nil {
		return err
	}
	event := func(metadata map[string]any) *actions.Event {
		return &actions.Event{
			ID: fmt.Sprint("login-", len(metadata)), Time: c.now, User: actions.User{ID: c.ada, AppMetadata: metadata},
			Client: actions.Ref{ID: c.app}, Transaction: actions.Transaction{Protocol: "oidc-basic-profile"},
		}
	}
	allowed, err := p.Run(ctx, event(map[string]any{"plan": "gold"}))
	if err != nil {
		return err
	}
	denied, err := p.Run(ctx, event(map[string]any{"plan": "gold", "suspended": true}))
	if !errors.Is(err, actions.ErrDenied) {
		return fmt.Errorf("a suspended user: %w, want ErrDenied", err)
	}
	r := &c.report.Actions
	r.Claims, r.Denied = allowed.IDToken, denied.Denied
	claims, err := json.Marshal(r.Claims)
	if err != nil {
		return err
	}
	c.say("a login gets the claims %s", claims)
	c.say("a suspended user is told: %s", r.Denied)
	return nil
}

// delegation keeps the administrators of acme as declared.
func (c *company) delegation(ctx context.Context) error {
	c.step("tenancy/delegation", "Administrators as declared")
	role := c.tenant.AddRole("administrator", api)
	service, err := delegation.New(c.client, role, delegation.Jobs("nightly"), delegation.Config{Recorder: c.log})
	if err != nil {
		return err
	}
	job := service.As(delegation.Job("nightly"))
	plan, err := job.Plan(ctx, c.acme, delegation.Declared{Emails: []string{"ada@example.com"}, From: "admins.yaml"})
	if err != nil {
		return err
	}
	var diff bytes.Buffer
	if err := plan.WriteDiff(&diff, false); err != nil {
		return err
	}
	if _, err := job.Apply(ctx, plan); err != nil {
		return err
	}
	r := &c.report.Delegation
	r.Changes = len(plan.Changes)
	for line := range strings.Lines(diff.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "+") {
			c.say("%s", strings.TrimSpace(line))
		}
	}
	r.LastRemoved = "removed"
	if err := job.Revoke(ctx, c.acme, c.ada, role); errors.Is(err, delegation.ErrLastAdmin) {
		r.LastRemoved = "refused, the last administrator"
	} else if err != nil {
		return err
	}
	c.say("applied; to remove Ada again: %s", r.LastRemoved)
	return nil
}

// audit proves what all of this has recorded.
func (c *company) audit(ctx context.Context) error {
	c.step("audit/auditlog", "All of this is on record, provably")
	var last string
	for e, err := range c.log.Query(ctx, auditlog.Filter{Type: "delegation"}) {
		if err != nil {
			return err
		}
		last = e.ID
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.log.Run(running) }() // seals, at once and then each second
	defer func() { stop(); <-ended }()
	var proof *auditlog.Proof
	for range 600 {
		var err error
		if proof, err = c.log.Prove(ctx, last); err == nil {
			break
		} else if !errors.Is(err, auditlog.ErrNotSealed) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	if proof == nil {
		return errors.New("nothing was sealed within half a minute")
	}
	event, err := proof.Verify(c.verifierKey)
	if err != nil {
		return err
	}
	whole, err := c.log.Verify(ctx)
	if err != nil && !errors.Is(err, auditlog.ErrTailNotProved) { // Nobody has kept a checkpoint yet.
		return err
	}
	r := &c.report.Audit
	r.Events, r.Proved = int(whole.Events), event.Action
	c.say("%d sealed events, nothing edited, removed or reordered;", r.Events)
	c.say("a proof of %q verifies with the log's public key alone", r.Proved)
	return nil
}
