package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/management/resource"
)

// TestOpenedAgain: an account that was closed and that the help desk has opened again is
// its owner's: they come in and set up a second factor anew.
func TestOpenedAgain(t *testing.T) {
	t.Parallel()
	p := start(t)
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	id := users[0].ID
	require.NoError(t, p.past(t.Context(), id))
	w := p.guest(t, demoAgent)
	w.signsIn("acme", bob, password)
	require.Contains(t, w.Page, "Kraft Paper Mills")
	v := p.guest(t, demoAgent)
	v.signsIn("acme", ada, password)
	v.opens("/orgs/"+p.demo.acme+"/team/contain?user="+url.QueryEscape(id), 200, "Use one of your second factors to go on")
	v.confirms()
	v.sends("/team/contain", "It is closed.", "factors", "1", "reason", "phished")
	cut := time.Now() // whose second is cut as a whole
	require.Eventually(t, func() bool { return time.Since(cut) > time.Second }, time.Minute, 50*time.Millisecond)
	_, err = p.client.UpdateUser(t.Context(), id, resource.UserPatch{Blocked: new(false)})
	require.NoError(t, err)
	w = p.guest(t, demoAgent)
	w.signsIn("acme", bob, password)
	require.Contains(t, w.Page, "Set up a second factor first")
	w.opens("/account/data", 403, "Set up a second factor first")
	w.enrolls()
	w.opens("/orgs/"+p.demo.acme+"/", 200, "Kraft Paper Mills")
	w = p.guest(t, demoAgent)
	w.signsIn("acme", bob, password)
	assert.NotContains(t, w.Page, "Set up a second factor first")
}

// proven signs Ada in at acme and proves a second factor.
func (v *guest) proven() {
	v.Helper()
	v.signsIn("acme", ada, password)
	v.opens("/orgs/"+v.p.demo.acme+"/invoices/1001/pay", 200, "Use one of your second factors to go on")
	v.confirms()
	require.Contains(v, v.Page, "Pay 480.50")
}

var csrfField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// csrf is the token of the page.
func (v *guest) csrf() string {
	v.Helper()
	m := csrfField.FindStringSubmatch(v.Page)
	require.Len(v, m, 2, v.Page)
	return m[1]
}

// posts sends a form that no page has, and wants a status and a text.
func (v *guest) posts(path string, status int, text string, form url.Values) {
	v.Helper()
	require.NoError(v, v.Post(v.Context(), path, form))
	require.Equal(v, status, v.Status, "%s %v: %s", path, form, v.Page)
	require.Contains(v, v.Page, text, path)
}

// recorded are those of an organization with that action.
func (p *portal) recorded(t *testing.T, org, action string) (list []auditlog.Entry) {
	t.Helper()
	trail, err := p.log.Trail(org)
	require.NoError(t, err)
	for e, err := range trail.Query(t.Context(), auditlog.Filter{Period: auditlog.Period{From: time.Now().Add(-time.Hour)}}) {
		require.NoError(t, err)
		if e.Action == action {
			list = append(list, e)
		}
	}
	return list
}

// TestDoubleClick: whoever presses several times pays once, and is told so; the page
// behind the back button says it too.
func TestDoubleClick(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.proven()
	pay, form := "/orgs/"+p.demo.acme+"/invoices/1001/pay", url.Values{"csrf_token": {v.csrf()}}
	statuses := make(chan int, 8)
	var clicks sync.WaitGroup
	for range cap(statuses) {
		again := *v.Visitor
		clicks.Go(func() {
			assert.NoError(t, again.Post(t.Context(), pay, form))
			statuses <- again.Status
		})
	}
	clicks.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	assert.Equal(t, map[int]int{200: 1, 409: 7}, count)
	paid := 0
	for _, e := range p.recorded(t, p.demo.acme, "payout.send") {
		if e.Outcome == audit.Success {
			paid++
		}
	}
	assert.Equal(t, 1, paid)
	v.opens(pay, 409, "This invoice is paid already")
}

// TestContainTwice: an impatient operator, and another one at the same time, close an
// account once for each order, and every receipt says so. The operators sign out with two
// clicks.
func TestContainTwice(t *testing.T) {
	t.Parallel()
	p := start(t)
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	v := p.guest(t, onWindows)
	v.proven()
	path, token := "/orgs/"+p.demo.acme+"/team/contain", v.csrf()
	var clicks sync.WaitGroup
	for n := range 6 {
		again := *v.Visitor
		clicks.Go(func() {
			form := url.Values{"csrf_token": {token}, "id": {p.demo.acme + "-" + []string{"mine", "theirs"}[n%2]}, "user": {users[0].ID}, "reason": {"phished"}, "factors": {"1"}}
			assert.NoError(t, again.Post(t.Context(), path, form))
			assert.Contains(t, again.Page, "The account of "+bob)
		})
	}
	clicks.Wait()
	for _, receipt := range []string{"mine", "theirs"} {
		v.opens("/orgs/"+p.demo.acme+"/receipts/"+p.demo.acme+"-"+receipt, 200, "It is closed.")
	}
	for range 3 {
		again := *v.Visitor
		clicks.Go(func() { assert.NoError(t, again.Post(t.Context(), "/auth/logout", url.Values{"csrf_token": {token}})) })
	}
	clicks.Wait()
	v.opens("/", 200, "Sign in with the name of your company")
	v.opens("/account", 200, "username") // Auth0 has forgotten her too
}

// TestAddresses: administrators whose addresses are unusual are named as they are.
func TestAddresses(t *testing.T) {
	t.Parallel()
	p := start(t)
	odd := "o'hara+ledger&co@example.com"
	id := p.demo.tenant.AddUser(resource.User{ID: "waad|a+b/c=&d", Email: odd, EmailVerified: true}, password)
	p.demo.tenant.AddMember(p.demo.acme, id)
	v := p.guest(t, onWindows)
	v.proven()
	team := "/orgs/" + p.demo.acme + "/team"
	v.opens(team, 200, "o&#39;hara&#43;ledger&amp;co@example.com")
	link := regexp.MustCompile(`href="([^"]*contain[^"]*)" aria-label="Close the account of o&#39;`).FindStringSubmatch(v.Page)
	require.Len(t, link, 2)
	v.opens(html.UnescapeString(link[1]), 200, "Close the account of o&#39;hara")
	v.opens(team, 200, bob)
	v.sends("/team/plan", "What would change", "emails", ada+"\n"+odd+"\nJosé.Ñ+1@exämple.com")
	v.opens(team, 200, bob)
	v.sends("/team/plan", "not an email address", "emails", ada+"\nno address")
	v.opens(team, 200, bob)
	v.sends("/team/plan", "Nothing to change", "emails", strings.ToUpper(ada))
}

// TestTwoTabs: a form of one organization does nothing after another tab has switched to
// another one, whatever token it carries.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.proven()
	old, pay := v.csrf(), "/orgs/"+p.demo.acme+"/invoices/1001/pay"
	v.opens("/auth/login?organization="+p.demo.globex+"&to=/account", 200, "globex")
	v.posts(pay, 403, "This form is not valid any more", url.Values{"csrf_token": {old}})
	v.opens("/account", 200, "Sign out")
	v.posts(pay, 403, "This page belongs to another organization", url.Values{"csrf_token": {v.csrf()}})
	list, err := p.invoices(t.Context(), p.demo.acme)
	require.NoError(t, err)
	assert.Empty(t, find(list, "1001").PaidBy)
	v.opens(pay, 403, "Switch to it")
	v.opens("/auth/login?organization="+p.demo.acme+"&to="+pay, 200, "Use one of your second factors to go on") // the session is another one
}

// TestThingsOfOthers: what belongs to another organization is not there.
func TestThingsOfOthers(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.proven()
	acme, globex := "/orgs/"+p.demo.acme, "/orgs/"+p.demo.globex
	v.opens(acme+"/audit", 200, "Nothing is sent anywhere")
	v.sends("/streams", "whsec_", "url", p.base+"/demo/siem", "kind", "webhook")
	v.opens(acme+"/audit", 200, "webhook, active")
	stream := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(v.Page)[1]
	v.opens(acme+"/team", 200, bob)
	v.sends("/team/plan", "What would change", "emails", ada+"\n"+bob)
	plan := regexp.MustCompile(`name="plan" value="([^"]+)"`).FindStringSubmatch(v.Page)[1]
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	v.opens(acme+"/team/contain?user="+url.QueryEscape(users[0].ID), 200, "Leave it open")
	v.sends("/team/contain", "It is closed.", "reason", "other")
	receipt := v.At[strings.LastIndex(v.At, "/")+1:]

	w := p.guest(t, demoAgent)
	w.signsIn("globex", eve, password)
	w.enrolls()
	w.opens(globex+"/audit", 200, "Nothing is sent anywhere")
	token := url.Values{"csrf_token": {w.csrf()}}
	with := func(pairs ...string) url.Values {
		form := url.Values{"csrf_token": token["csrf_token"]}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	w.posts(globex+"/streams/remove", 200, "Nothing is sent anywhere", with("id", stream))
	w.posts(acme+"/streams/remove", 403, "This page belongs to another organization", with("id", stream))
	w.opens(globex+"/receipts/"+receipt, 404, "There is no such page")
	w.posts(globex+"/team/apply", 400, "That is not the plan of this page", with("plan", strings.ReplaceAll(plan, "&#34;", `"`)))
	w.posts(globex+"/team/contain", 400, "That is not the form of this page", with("id", receipt, "user", users[0].ID, "reason", "other"))
	w.posts(globex+"/team/contain", 409, "does not work here any more", with("id", p.demo.globex+"-1", "user", users[0].ID, "reason", "other"))
	w.posts(acme+"/invoices/1001/pay", 403, "This page belongs to another organization", with())
	v.opens(acme+"/audit", 200, "webhook, active")
}

// TestNothingGiven: what is empty, missing or no number is answered with a page that says
// so, and changes nothing.
func TestNothingGiven(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	org := "/orgs/" + p.demo.acme
	for _, path := range []string{"/invoices/1001/pay", "/team/plan", "/team/apply", "/team/contain", "/streams", "/streams/remove"} {
		v.posts(org+path, 403, "This form is not valid any more", nil)
		v.posts(org+path, 403, "This form is not valid any more", url.Values{"csrf_token": {""}})
		v.posts(org+path+"?csrf_token=", 403, "This form is not valid any more", url.Values{"csrf_token": {"x"}})
	}
	v.opens(org+"/invoices/1001/pay", 200, "Use one of your second factors to go on")
	v.confirms()
	token := url.Values{"csrf_token": {v.csrf()}}
	v.posts(org+"/team/plan", 422, "The list is empty", token)
	v.posts(org+"/team/apply", 400, "That is not the plan of this page", token)
	v.posts(org+"/team/contain", 400, "That is not the form of this page", token)
	v.posts(org+"/team/contain", 409, "does not work here any more", url.Values{"csrf_token": token["csrf_token"], "id": {p.demo.acme + "-"}, "reason": {"other"}})
	v.posts(org+"/streams", 422, "Nothing can be sent there", token)
	v.posts(org+"/streams/remove", 200, "Audit trail", token)
	v.posts("/sessions/end", 400, "Nothing was changed", token)
	for _, number := range []string{"0", "-1", "01001", "1001 ", "1e3", "%D9%A1", "1001%00", "9223372036854775808"} {
		v.opens(org+"/invoices/"+number+"/pay", 404, "There is no such page")
	}
	v.opens(org+"/team/contain", 409, "does not work here any more")
	v.opens(org+"/audit/x", 404, "There is no such page")
	v.opens(org+"/receipts/x", 404, "There is no such page")
	v.opens("/orgs//", 404, "There is no such page")
	v.opens("/orgs/%2E%2E/", 403, "belongs to another organization")

	w := p.guest(t, onWindows) // a session of no organization
	w.opens("/auth/login", 200, "username")
	require.NoError(t, w.SignIn(t.Context(), ada, password))
	assert.Equal(t, p.base+"/organizations", w.At)
	w.opens(org+"/", 403, "Switch to it")
	w.opens("/account", 200, "Sign out")
	w.posts(org+"/streams/remove", 403, "Switch to it", url.Values{"csrf_token": {w.csrf()}})
}

// TestArriveFromElsewhere: another site does not have browsers try passwords here.
func TestArriveFromElsewhere(t *testing.T) {
	t.Parallel()
	p := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/arrive", strings.NewReader(url.Values{"email": {lin}, "password": {legacyPassword}}.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
}

// TestHeaders: no page is framed, runs a script that is not named, or stays in a cache
// after its session.
func TestHeaders(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.proven()
	org := "/orgs/" + p.demo.acme
	for _, path := range []string{
		"/", "/arrive", "/account", "/account/data", "/organizations", "/sessions", "/sessions/end?which=all", "/mfa/", "/mfa/verify", "/nothing",
		org + "/", org + "/invoices/1001/pay", org + "/team", org + "/team/contain", org + "/audit", org + "/audit/x", org + "/report",
		"/orgs/" + p.demo.globex + "/", "/auth/login", "/auth/callback", "/verify/", "/api" + org + "/invoices",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+path, nil)
		require.NoError(t, err)
		client := &http.Client{Jar: v.Client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		h := res.Header
		assert.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.NotContains(t, h.Get("Content-Security-Policy"), "unsafe-eval", path)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.NotEmpty(t, h.Get("Referrer-Policy"), path)
		assert.Contains(t, h.Get("Cache-Control"), "no-store", "%s %d", path, res.StatusCode)
	}
}
