//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/examples/internal/visitor"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/management/resource"
)

// load is what a soak does: short in every run of the tests, and five minutes with two
// hundred users where AUTH0KIT_LONG=1.
type load struct {
	users  int
	length time.Duration
	think  time.Duration // between two clicks, on average
}

// soak is the portal on a Redis and a Postgres of its own, and who uses it.
type soak struct {
	*testing.T
	load
	p        *portal
	redis    *backends.Server
	postgres *backends.Server
	begin    time.Time

	mu      sync.Mutex
	counts  map[string]int
	faults  []fault         // what did not work, and when
	wrong   []string        // what must never be
	paid    map[string]bool // org/number, as the portal acknowledged
	dead    []dead          // sessions that were ended
	outages []outage
}

// outage is when a backend was away.
type outage struct {
	of string
	auditlog.Period
}

// fault is an answer that was none.
type fault struct {
	began, ended time.Time
	what         string
}

// dead is the cookie of a session that was ended.
type dead struct {
	cookie *http.Cookie
	org    string
}

// TestSoak: while two hundred people sign in, pay, look where they may not, and sign
// out elsewhere, Redis and Postgres are killed and started again. Nobody sees what is
// not theirs, no session that was ended lives, no event that was acknowledged is
// missing, and nothing fails but while a backend is down.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := &soak{T: t, load: load{20, 20 * time.Second, 300 * time.Millisecond}, counts: map[string]int{}, paid: map[string]bool{}}
	if os.Getenv("AUTH0KIT_LONG") == "1" {
		s.load = load{200, 5 * time.Minute, 3 * time.Second}
	}
	s.redis = backends.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	s.postgres = backends.StartPostgres(t)
	s.start()
	people := s.people()
	ctx, stop := context.WithTimeout(t.Context(), s.length)
	defer stop()
	s.begin = time.Now()
	var wg sync.WaitGroup
	for _, person := range people {
		wg.Go(func() { person.live(ctx) })
	}
	s.restart(ctx, "Redis", s.redis, s.length/4)
	s.restart(ctx, "Postgres", s.postgres, s.length/4)
	wg.Wait()
	s.report()
}

func (s *soak) start() {
	s.Helper()
	key, _, err := auditlog.GenerateKey("ledger.example.com/soak")
	require.NoError(s, err)
	seal := make([]byte, 32)
	rand.Read(seal)
	env := map[string]string{
		"REDIS_URL": "redis://" + s.redis.Addr, "DATABASE_URL": s.postgres.DSN, "AUDIT_KEY": key, "PORTAL_KEY": base64.StdEncoding.EncodeToString(seal),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s, err)
	s.p, err = newPortal(s.Context(), l.Addr().(*net.TCPAddr).Port, func(name string) string { return env[name] })
	require.NoError(s, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(s.Context()))
	done := make(chan error, 1)
	go func() { done <- s.p.serve(ctx, l) }()
	s.Cleanup(func() { stop(); assert.NoError(s, <-done); s.p.close() })
}

// soaker is one of the people.
type soaker struct {
	*soak
	*visitor.Visitor
	id, email, secret, home, org, other string
	next                                int // invoice
}

// people are bookkeepers of two companies, each with an app and invoices to pay.
func (s *soak) people() (all []*soaker) {
	s.Helper()
	clerk, err := s.p.client.RoleByName(s.Context(), "Bookkeeper")
	require.NoError(s, err)
	for i := range s.users {
		x := &soaker{soak: s, home: fmt.Sprintf("198.18.%d.%d", 2+i/200, 1+i%200), email: fmt.Sprintf("user%d@example.com", i), next: 10_000 + 1000*i, org: s.p.demo.acme, other: s.p.demo.globex}
		if i%2 == 1 {
			x.org, x.other = x.other, x.org
		}
		x.id = s.p.demo.tenant.AddUser(resource.User{Email: x.email, EmailVerified: true}, password)
		s.p.demo.tenant.AddMember(x.org, x.id, clerk.ID)
		app, err := s.p.factors.EnrollTOTP(s.Context(), x.id, x.email, nil)
		require.NoError(s, err)
		before, err := totp.GenerateCode(app.Secret(), time.Now().Add(-30*time.Second))
		require.NoError(s, err)
		_, err = s.p.factors.ConfirmTOTP(s.Context(), x.id, before)
		require.NoError(s, err)
		x.secret, x.Visitor = app.Secret(), x.browser(onWindows)
		all = append(all, x)
	}
	return all
}

// browser is one of theirs, at their home.
func (x *soaker) browser(agent string) *visitor.Visitor {
	v := visitor.New(x.p.base, agent)
	v.Client.Jar.SetCookies(x.at(), []*http.Cookie{{Name: "demo-place", Value: x.home, Path: "/"}})
	return v
}

func (s *soak) at() *url.URL {
	at, err := url.Parse(s.p.base)
	assert.NoError(s, err)
	return at
}

// restart kills a backend after a while, and starts it again.
func (s *soak) restart(ctx context.Context, name string, server *backends.Server, after time.Duration) {
	s.Helper()
	select {
	case <-time.After(after):
	case <-ctx.Done():
	}
	down := outage{name, auditlog.Period{From: time.Now()}}
	server.Kill()
	time.Sleep(s.length / 60)
	server.Start()
	down.To = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outages = append(s.outages, down)
	s.Logf("%s was away from %.1f s to %.1f s", name, down.From.Sub(s.begin).Seconds(), down.To.Sub(s.begin).Seconds())
}

// live clicks until ctx ends.
func (x *soaker) live(ctx context.Context) {
	x.pause(ctx, 2*x.think)
	x.pause(ctx, x.length/20) // they do not all come at once
	x.signIn(ctx)
	for ctx.Err() == nil {
		x.pause(ctx, x.think)
		switch n := mathrand.IntN(100); {
		case n < 45:
			x.see(ctx, "own page", "/orgs/"+x.org+"/", 200)
		case n < 55:
			x.see(ctx, "other's page", "/orgs/"+x.other+"/", 403)
		case n < 65:
			x.see(ctx, "not an administrator", "/orgs/"+x.org+"/team", 403)
		case n < 75:
			x.program(ctx)
		case n < 85:
			x.pay(ctx)
		case n < 90:
			x.signOutElsewhere(ctx)
		default:
			x.tryDead(ctx)
		}
	}
}

func (x *soaker) pause(ctx context.Context, mean time.Duration) {
	select {
	case <-time.After(time.Duration(mathrand.Int64N(2 * int64(mean)))):
	case <-ctx.Done():
	}
}

// try counts what somebody does, and notes when it does not work.
func (x *soaker) try(ctx context.Context, what string, do func() error) bool {
	began := time.Now()
	err := do()
	if ctx.Err() != nil { // the end
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts[what]++
	if err != nil {
		x.faults = append(x.faults, fault{began, time.Now(), what + ": " + err.Error()})
	}
	return err == nil
}

// never notes what must not happen.
func (x *soaker) never(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

// unwell is an answer that says that something is away.
func unwell(v *visitor.Visitor) error {
	title, _, _ := strings.Cut(v.Page[strings.Index(v.Page, "<title>")+1:], "</title>")
	_, reason, _ := strings.Cut(v.Page, "For support: ")
	return fmt.Errorf("%d %.20s at %s: %.80s", v.Status, reason, strings.SplitN(strings.TrimPrefix(v.At, v.Base), "?", 2)[0], strings.TrimPrefix(title, "title>"))
}

func (x *soaker) signIn(ctx context.Context) {
	x.try(ctx, "sign in", func() error { return x.signInWith(ctx, x.Visitor) })
}

func (x *soaker) signInWith(ctx context.Context, v *visitor.Visitor) error {
	if err := v.Open(ctx, "/auth/login?organization="+x.org+"&to=/orgs/"+x.org+"/"); err != nil {
		return err
	}
	if strings.Contains(v.At, "/u/login") {
		if err := v.SignIn(ctx, x.email, password); err != nil {
			return err
		}
	}
	if v.Status != http.StatusOK || !strings.Contains(v.At, "/orgs/"+x.org) {
		return unwell(v)
	}
	return nil
}

// see opens a page, signing in where it leads, and wants a status.
func (x *soaker) see(ctx context.Context, what, path string, want int) {
	x.try(ctx, what, func() error {
		if err := x.Open(ctx, path); err != nil {
			return err
		}
		if strings.Contains(x.At, "/u/login") {
			if err := x.SignIn(ctx, x.email, password); err != nil {
				return err
			}
		}
		if x.Status == http.StatusOK && want != http.StatusOK {
			x.never("%s saw %s", x.email, path)
		}
		if x.Status != want {
			return unwell(x.Visitor)
		}
		return nil
	})
}

// program calls the API of the other company with a token of the own one.
func (x *soaker) program(ctx context.Context) {
	token := x.p.demo.tenant.AccessToken(x.id, x.org, x.p.audience)
	for org, want := range map[string]int{x.org: 200, x.other: 403} {
		x.try(ctx, "API", func() error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.p.base+"/api/orgs/"+org+"/invoices", nil)
			if err != nil {
				return err
			}
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode == http.StatusOK && org == x.other {
				x.never("a token of %s opened %s", x.org, x.other)
			}
			if res.StatusCode != want {
				return fmt.Errorf("API %d", res.StatusCode)
			}
			return nil
		})
	}
}

// pay pays an invoice of their own, with a code of their app where it is asked for.
func (x *soaker) pay(ctx context.Context) {
	x.try(ctx, "pay", func() error {
		x.next++
		if err := x.p.addInvoice(ctx, x.org, invoice{Number: x.next, Supplier: x.email, Cents: x.next, Due: "2026-12-24"}); err != nil {
			return err
		}
		path := "/orgs/" + x.org + "/invoices/" + strconv.Itoa(x.next) + "/pay"
		if err := x.Open(ctx, path); err != nil {
			return err
		}
		if strings.Contains(x.Page, "Use one of your second factors") {
			code, err := totp.GenerateCode(x.secret, time.Now())
			if err != nil {
				return err
			}
			if err := x.Send(ctx, "/verify", "code", code, "factor", "local-totp"); err != nil {
				return err
			}
			if x.Status == 422 || x.Status == 429 { // the code was used before
				return nil
			}
		}
		if !strings.Contains(x.Page, "Pay ") {
			if x.Status < 500 && strings.Contains(x.At, "/u/login") {
				return nil // signed out; the next click signs in
			}
			return unwell(x.Visitor)
		}
		if err := x.Send(ctx, "/pay"); err != nil {
			return err
		}
		if !strings.Contains(x.Page, "is paid.") {
			return unwell(x.Visitor)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.paid[x.org+"/"+strconv.Itoa(x.next)] = true
		return nil
	})
}

// signOutElsewhere signs in with a second browser and ends that session from the first.
func (x *soaker) signOutElsewhere(ctx context.Context) {
	x.try(ctx, "sign out elsewhere", func() error {
		second := x.browser(onWindows)
		for _, c := range x.Client.Jar.Cookies(x.at()) { // no new device
			if strings.Contains(c.Name, "device") {
				second.Client.Jar.SetCookies(x.at(), []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
			}
		}
		if err := x.signInWith(ctx, second); err != nil {
			return err
		}
		cookie := cookieOf(second, "session")
		if err := x.Open(ctx, "/sessions/end?which=others"); err != nil {
			return err
		}
		if x.Status != 200 || !strings.Contains(x.At, "/sessions/end") {
			return unwell(x.Visitor)
		}
		if err := x.Send(ctx, "/sessions/end"); err != nil {
			return err
		}
		if !strings.Contains(x.Page, "You are signed out everywhere else") || cookie == nil {
			return unwell(x.Visitor)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.soak.dead = append(x.soak.dead, dead{cookie, x.org})
		return nil
	})
}

// cookieOf is a cookie that a browser has for the portal.
func cookieOf(v *visitor.Visitor, name string) *http.Cookie {
	at, err := url.Parse(v.Base)
	if err != nil {
		return nil
	}
	for _, c := range v.Client.Jar.Cookies(at) {
		if c.Name == name {
			return &http.Cookie{Name: name, Value: c.Value, Path: "/"}
		}
	}
	return nil
}

// tryDead opens a page with the cookie of a session that was ended.
func (x *soaker) tryDead(ctx context.Context) {
	x.mu.Lock()
	n := len(x.soak.dead)
	if n == 0 {
		x.mu.Unlock()
		return
	}
	d := x.soak.dead[mathrand.IntN(n)]
	x.mu.Unlock()
	x.try(ctx, "dead session", func() error { return x.opens(ctx, d) })
}

func (s *soak) opens(ctx context.Context, d dead) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.p.base+"/orgs/"+d.org+"/", nil)
	if err != nil {
		return err
	}
	r.AddCookie(d.cookie)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusSeeOther:
		return nil
	case http.StatusOK:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrong = append(s.wrong, "a session that was ended is alive")
	}
	return fmt.Errorf("%d", res.StatusCode)
}

// grace is how long after its start a backend may still be missed: connections are
// made anew. A sign-in may be refused for longer: the Action that found its server
// without a database leaves it alone for ten seconds. And who proved a factor when
// Redis was killed, which kept the new cookie's name and could not say so, is ten seconds
// late before they can sign in.
const (
	grace       = 3 * time.Second
	graceSignIn = grace + 10*time.Second
	graceLate   = 10 * time.Second
)

// patience is how long after an outage a fault is one of it.
func (f *fault) patience(o outage) time.Duration {
	switch {
	case strings.Contains(f.what, "/auth/callback"):
		return graceSignIn
	case o.of == "Redis" && strings.Contains(f.what, "409 superseded"):
		return graceLate
	}
	return grace
}

// report prints what came of it, and holds it to what was promised.
func (s *soak) report() {
	s.Helper()
	for _, d := range s.dead {
		assert.NoError(s, s.opens(s.Context(), d), "in the end")
	}
	total := 0
	for _, what := range slices.Sorted(maps.Keys(s.counts)) {
		s.Logf("%6d %s", s.counts[what], what)
		total += s.counts[what]
	}
	during := 0
	var late time.Duration
	for _, f := range s.faults {
		in := false
		for _, o := range s.outages {
			if f.ended.After(o.From) && f.began.Before(o.To.Add(f.patience(o))) {
				in, late = true, max(late, f.began.Sub(o.To))
			}
		}
		if in {
			during++
		} else {
			assert.Fail(s, "failed while everything was there", "at %.1f s, after %s: %s", f.began.Sub(s.begin).Seconds(), f.ended.Sub(f.began), f.what)
		}
	}
	assert.Empty(s, s.wrong)
	missing, events := s.missing()
	assert.Empty(s, missing, "payouts that are not in the log")
	assert.NotEmpty(s, s.paid)
	s.Logf("%d users, %d clicks: %d failed while a backend was away, the last one begun %s after it was back; %d payouts, %d sessions ended, %d wrong authorizations; %d events in the log, %d missing",
		s.users, total, during, max(late, 0).Round(time.Millisecond), len(s.paid), len(s.dead), len(s.wrong), events, len(missing))
}

// missing are the payouts that were acknowledged, or are in the books, without an event.
// The log is verified on the way.
func (s *soak) missing() (missing []string, events uint64) {
	s.Helper()
	sent, begun := map[string]bool{}, map[string]bool{}
	for e, err := range s.p.log.Query(s.Context(), auditlog.Filter{Type: "payout"}) {
		require.NoError(s, err)
		begun[e.Target.ID] = true
		if e.Action == "payout.send" && e.Outcome == 1 {
			sent[e.Target.ID] = true
		}
	}
	for id := range s.paid {
		if !sent[id] {
			missing = append(missing, id)
		}
	}
	for _, org := range []string{s.p.demo.acme, s.p.demo.globex} {
		list, err := s.p.invoices(s.Context(), org)
		require.NoError(s, err)
		for _, i := range list {
			if id := org + "/" + strconv.Itoa(i.Number); i.PaidBy != "" && !begun[id] {
				missing = append(missing, id)
			}
		}
	}
	kept, err := s.p.log.Checkpoint(s.Context())
	require.NoError(s, err)
	verified, err := s.p.log.Verify(s.Context(), kept)
	require.NoError(s, err)
	return missing, verified.Events
}
