package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/examples/internal/visitor"
	"github.com/auth0kit/auth0kit/examples/portal/contain"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
)

// start serves the portal offline.
func start(t *testing.T) *portal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p, err := newPortal(t.Context(), l.Addr().(*net.TCPAddr).Port, func(string) string { return "" })
	require.NoError(t, err)
	p.serves(t, l)
	return p
}

func (p *portal) serves(t *testing.T, l net.Listener) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.serve(ctx, l) }()
	t.Cleanup(func() { stop(); assert.NoError(t, <-done); p.close() })
}

const (
	onWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	onPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)

// guest is somebody at a browser.
type guest struct {
	*testing.T
	*visitor.Visitor
	p *portal
}

func (p *portal) guest(t *testing.T, agent string) *guest {
	return &guest{t, visitor.New(p.base, agent), p}
}

// opens opens a page and wants a status and a text.
func (v *guest) opens(path string, status int, text string) {
	v.Helper()
	require.NoError(v, v.Open(v.Context(), path))
	require.Equal(v, status, v.Status, v.Page)
	require.Contains(v, v.Page, text)
}

// sends sends the form to an address and wants a text.
func (v *guest) sends(to, text string, pairs ...string) {
	v.Helper()
	require.NoError(v, v.Send(v.Context(), to, pairs...))
	require.Contains(v, v.Page, text)
}

// signsIn signs in at a company.
func (v *guest) signsIn(company, user, password string) {
	v.Helper()
	v.opens("/", 200, "Sign in with the name of your company")
	v.sends("/auth/login", "", "organization", company)
	require.NoError(v, v.SignIn(v.Context(), user, password))
}

// confirms types the code of Ada's phone, which is taken once.
func (v *guest) confirms() {
	v.Helper()
	code := v.p.demo.tenant.OTP(v.p.demo.phone.Secret())
	v.sends("/mfa/verify", "", "code", code)
}

// TestOrganizations: a session is of one organization, and a page of another one says
// so, also to somebody who is a member of both.
func TestOrganizations(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	require.Equal(t, 200, v.Status, v.Page)
	assert.Equal(t, p.base+"/orgs/"+p.demo.acme+"/", v.At)
	assert.Contains(t, v.Page, "Kraft Paper Mills")
	v.opens("/orgs/"+p.demo.globex+"/", 403, "This page belongs to another organization")
	v.opens("/organizations", 200, "Open globex")
	v.opens("/auth/login?organization="+p.demo.globex+"&to=/orgs/"+p.demo.globex+"/", 200, "Kraft Paper Mills")
	v.opens("/orgs/"+p.demo.globex+"/team", 403, "Your role in this organization does not include it")
	v.opens("/account", 200, "Bookkeeper") // a claim of the Action
	assert.Contains(t, v.Page, "now and then")

	x := p.guest(t, onWindows) // a link leads in
	x.opens("/orgs/"+p.demo.globex+"/audit", 200, "username")
	require.NoError(t, x.SignIn(t.Context(), eve, password))
	assert.Equal(t, p.base+"/orgs/"+p.demo.globex+"/audit", x.At)

	w := p.guest(t, onWindows)
	w.signsIn("globex", bob, password)
	assert.NotContains(t, w.Page, "Kraft", "who is no member does not get in")
}

// TestAPI: a program reads what its token's organization has, and nothing else.
func TestAPI(t *testing.T) {
	t.Parallel()
	p := start(t)
	get := func(org, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/api/orgs/"+org+"/invoices", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	token := p.demo.tenant.AccessToken(p.demo.ada, p.demo.acme, p.audience)
	status, body := get(p.demo.acme, token)
	require.Equal(t, 200, status, body)
	var list []invoice
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	assert.Len(t, list, 4)
	status, _ = get(p.demo.globex, token)
	assert.Equal(t, 403, status)
	status, _ = get(p.demo.acme, "x"+token)
	assert.Equal(t, 401, status)
	require.NoError(t, p.sessions.RevokeUser(t.Context(), p.demo.ada)) // "sign out everywhere"
	status, _ = get(p.demo.acme, token)
	assert.Equal(t, 401, status, "the cut-off knows")
}

// TestPayout: it needs a second factor, is done once, and is in the log.
func TestPayout(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	pay := "/orgs/" + p.demo.acme + "/invoices/1001/pay"
	require.NoError(t, v.Post(t.Context(), pay, url.Values{}))
	assert.Equal(t, 403, v.Status, "without the CSRF token")
	v.opens(pay, 200, "Use one of your second factors to go on")
	v.confirms()
	require.Contains(t, v.Page, "Pay 480.50 €?")
	v.sends("/pay", "Invoice 1001 is paid.")
	v.opens(pay, 409, "This invoice is paid already")

	bob1 := p.guest(t, onPhone) // may pay, and has no factor
	bob1.signsIn("acme", bob, password)
	bob1.opens(strings.Replace(pay, "1001", "1002", 1), 200, "No method is set up")

	v.opens("/orgs/"+p.demo.acme+"/audit", 200, "payout.send")
	for _, action := range []string{"payout.begin", "session.create", "guardian.verify", "login.accept"} {
		assert.Contains(t, v.Page, action)
	}
}

var proofLink = regexp.MustCompile(`/orgs/org_\w+/audit/[\w-]+`)

// TestTrail: an event of the organization is proved, its stream brings it to a SIEM,
// and another organization sees nothing of it.
func TestTrail(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	trail := "/orgs/" + p.demo.acme + "/audit"
	require.Eventually(t, func() bool {
		v.opens(trail, 200, "session.create")
		return proofLink.MatchString(v.Page)
	}, time.Minute, 50*time.Millisecond)
	link := proofLink.FindString(v.Page)
	v.opens(link, 200, "The proof is right.")
	v.opens(link+"?download", 200, "c2sp.org/tlog-proof")
	v.opens(trail, 200, "Nothing is sent anywhere")
	v.sends("/streams", "Nothing can be sent there", "url", "ftp://siem.example.com", "kind", "webhook")
	v.sends("/streams", "whsec_", "url", p.base+"/demo/siem", "kind", "webhook")
	v.opens(trail, 200, "webhook, active")
	require.NotContains(t, v.Page, "whsec_")
	v.opens("/orgs/"+p.demo.acme+"/report", 200, "Audit report of")
	require.Eventually(t, func() bool {
		v.opens("/demo/siem", 200, "A SIEM")
		return strings.Contains(v.Page, "audit.report")
	}, time.Minute, 50*time.Millisecond)
	v.opens(trail, 200, "active")
	v.sends("/streams/remove", "Nothing is sent anywhere")

	w := p.guest(t, onWindows)
	w.signsIn("globex", eve, password)
	w.opens("/orgs/"+p.demo.globex+"/audit", 200, "session.create")
	assert.NotContains(t, w.Page, ada)
	w.opens("/orgs/"+p.demo.globex+"/audit/"+link[strings.LastIndex(link, "/")+1:], 404, "There is no such page")
}

// TestTeam: administrators are declared, the difference is looked at, and applied.
func TestTeam(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	team := "/orgs/" + p.demo.acme + "/team"
	v.opens(team, 200, bob)
	v.sends("/team/plan", "The list is empty", "emails", " ")
	v.sends("/team/plan", "cannot remove themselves", "emails", "new@example.com")
	v.opens(team, 200, bob)
	v.sends("/team/plan", "What would change", "emails", ada+"\n"+bob+"\nnew@example.com")
	assert.Contains(t, v.Page, "<ins>")
	w := p.guest(t, onPhone)
	w.signsIn("acme", bob, password)
	w.opens(team, 403, "Your role in this organization does not include it")
	v.sends("/team/apply", "The administrators are as declared")
	w.opens(team, 200, bob)
	v.opens(team, 200, "Invited as administrator")
}

// TestContain: an account is closed by its administrator, with a receipt; its sessions
// are dead, and so are its tokens. Nobody closes their own, or that of others' people.
func TestContain(t *testing.T) {
	t.Parallel()
	p := start(t)
	w := p.guest(t, onPhone)
	w.signsIn("acme", bob, password)
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	token := p.demo.tenant.AccessToken(users[0].ID, p.demo.acme, p.audience)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	page := "/orgs/" + p.demo.acme + "/team/contain?user="
	v.opens(page+url.QueryEscape(users[0].ID), 200, "Use one of your second factors to go on")
	v.confirms()
	require.Contains(t, v.Page, "Close the account of "+bob)
	v.opens(page+url.QueryEscape(p.demo.ada), 409, "This is your own account")
	v.opens(page+"auth0%7Cnobody", 409, "does not work here any more")

	remove := p.demo.tenant.Fault("PATCH /api/v2/users/{id}", auth0test.Fault{Status: 400, Times: 1})
	defer remove()
	v.opens(page+url.QueryEscape(users[0].ID), 200, "Leave it open")
	v.sends("/team/contain", "It is not closed everywhere", "factors", "1", "reason", "phished")
	v.sends("/team/contain", "It is closed.")
	assert.Contains(t, v.Page, "at attempt 2")
	assert.Contains(t, v.Page, "APIs without our cut-off")
	w.opens("/orgs/"+p.demo.acme+"/", 200, "username") // to the sign-in
	require.NoError(t, w.SignIn(t.Context(), bob, password))
	assert.NotContains(t, w.Page, "Kraft", "he is blocked")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/api/orgs/"+p.demo.acme+"/invoices", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 401, res.StatusCode)
	v.opens("/orgs/"+p.demo.acme+"/audit", 200, "account.contain")

	x := p.guest(t, onWindows) // Eve, for whom Ada works too
	x.signsIn("globex", eve, password)
	users, err = p.client.UsersByEmail(t.Context(), eve)
	require.NoError(t, err)
	app, err := p.factors.EnrollTOTP(t.Context(), users[0].ID, eve, nil)
	require.NoError(t, err)
	_, err = p.factors.ConfirmTOTP(t.Context(), users[0].ID, codeAt(t, app.Secret(), -1))
	require.NoError(t, err)
	x.opens("/orgs/"+p.demo.globex+"/team/contain?user="+url.QueryEscape(p.demo.ada), 200, "Use one of your second factors to go on")
	x.sends("/mfa/verify", "They work for other organizations too", "code", codeAt(t, app.Secret(), 0))
}

// TestContainGoesOn: what was begun can be finished after the person has left the
// company or Auth0, but not once they work for another one.
func TestContainGoesOn(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.signsIn("acme", ada, password)
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	id := users[0].ID
	v.opens("/orgs/"+p.demo.acme+"/team/contain?user="+url.QueryEscape(id), 200, "Use one of your second factors to go on")
	v.confirms()
	remove := p.demo.tenant.Fault("PATCH /api/v2/users/{id}", auth0test.Fault{Status: 400, Times: 1})
	defer remove()
	v.sends("/team/contain", "It is not closed everywhere", "reason", "phished")
	receipt := v.At
	require.NoError(t, p.client.RemoveMembers(t.Context(), p.demo.acme, id))
	p.demo.tenant.AddMember(p.demo.globex, id)
	v.sends("/team/contain", "They work for other organizations")
	require.NoError(t, p.client.RemoveMembers(t.Context(), p.demo.globex, id))
	require.NoError(t, p.client.DeleteUser(t.Context(), id))
	v.opens(strings.TrimPrefix(receipt, p.base), 200, "The account of somebody who has left")
	v.sends("/team/contain", "It is closed.")
	assert.Contains(t, v.Page, "There is no such user")
}

// TestContainWhileHeld: a sign-in that waits for its second factor while the account is
// closed opens nothing, nor does the proof of it.
func TestContainWhileHeld(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, demoAgent)
	v.moves()
	v.signsIn("acme", ada, password)
	require.Contains(t, v.Page, "Confirm that it is you")
	c, err := contain.New(contain.NewMemory(), p.log, contain.Block(p.client), contain.RevokeAtAuth0(p.client), contain.EndSessions(p.sessions), contain.CutTokens(p.cutoff, time.Second, time.Hour))
	require.NoError(t, err)
	_, err = c.Run(t.Context(), "i1", contain.Order{UserID: p.demo.ada, By: "auth0|admin"})
	require.NoError(t, err)
	v.sends("/verify/", "", "code", p.demo.tenant.OTP(p.demo.phone.Secret()))
	assert.NotContains(t, v.Page, "Kraft Paper Mills")
	v.opens("/sessions", 200, "")
	assert.Contains(t, v.At, "/u/login")
}

// TestBehindProxies: who is behind a proxy is told apart, and nobody chooses an address.
func TestBehindProxies(t *testing.T) {
	t.Parallel()
	read, err := addresses("10.0.0.0/8, 192.0.2.1/32", false)
	require.NoError(t, err)
	p := &portal{address: read}
	for from, want := range map[string]string{"10.1.2.3:1234": "203.0.113.7", "192.0.2.1:1": "203.0.113.7", "198.51.100.9:1": "198.51.100.9"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = from
		r.Header.Set("X-Forwarded-For", "192.0.2.77, 203.0.113.7")
		assert.Equal(t, want, p.clientIP(r).String(), from)
	}
	_, err = addresses("", false)
	require.ErrorContains(t, err, "TRUSTED_PROXIES", "this program does not speak https")
}

// TestYourTenant: with AUTH0_… the portal is one at a tenant that it is told of.
func TestYourTenant(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	base := "http://localhost:" + strconv.Itoa(port)
	tenant := auth0test.NewTenant(auth0test.Options{})
	server, err := tenant.ListenHTTP("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	const api = "https://ledger.example.com/api"
	scopes := strings.Fields(`update:users delete:sessions delete:refresh_tokens read:authentication_methods delete:authentication_methods delete:guardian_enrollments
		read:organization_members create:organization_members delete:organization_members read:organization_member_roles create:organization_member_roles
		delete:organization_member_roles read:organization_connections read:organizations read:organization_invitations create:organization_invitations
		delete:organization_invitations read:roles read:users`)
	permissions := []string{"read:invoices", "send:payouts", "manage:team", "read:audit"}
	tenant.AddAPI(api, permissions...)
	role := tenant.AddRole(adminRoleName, api, permissions...)
	client := tenant.AddClient(auth0test.Application{CallbackURL: base + "/auth/callback", LogoutURL: base})
	tenant.AddGrant(client.ID, server.URL+"/api/v2/", scopes...)
	poor := tenant.AddClient(auth0test.Application{CallbackURL: base + "/auth/callback"})
	tenant.AddGrant(poor.ID, server.URL+"/api/v2/", scopes[3:]...)
	org := tenant.AddOrganization("acme")
	adaID := tenant.AddUser(resource.User{Email: ada, EmailVerified: true}, password)
	tenant.AddMember(org, adaID, role)
	bobID := tenant.AddUser(resource.User{Email: bob, EmailVerified: true}, password)
	tenant.AddMember(org, bobID)
	for name, value := range map[string]string{
		"AUTH0_DOMAIN": server.URL, "AUTH0_CLIENT_ID": poor.ID, "AUTH0_CLIENT_SECRET": poor.Secret, "APP_BASE_URL": base,
		"AUTH0_AUDIENCE": api, "ADMIN_ROLE_ID": role,
	} {
		t.Setenv(name, value)
	}
	_, err = newPortal(t.Context(), port, os.Getenv)
	require.ErrorContains(t, err, "delete:sessions", "said at once, and not to the first visitors")
	t.Setenv("AUTH0_CLIENT_ID", client.ID)
	t.Setenv("AUTH0_CLIENT_SECRET", client.Secret)
	t.Setenv("LEGACY_SQLITE", filepath.Join(t.TempDir(), "legacy.db"))
	_, err = newPortal(t.Context(), port, os.Getenv)
	require.ErrorContains(t, err, "create:users, read:connections")
	t.Setenv("LEGACY_SQLITE", "")
	p, err := newPortal(t.Context(), port, os.Getenv)
	require.NoError(t, err)
	p.serves(t, l)
	v := p.guest(t, onWindows)
	v.opens("/auth/login?organization="+org, 200, "")
	require.NoError(t, v.SignIn(t.Context(), ada, password))
	require.Contains(t, v.Page, "No invoices")
	v.opens("/orgs/"+org+"/team", 200, bob)
	v.opens("/orgs/"+org+"/audit", 200, "session.create")
	app, err := p.factors.EnrollTOTP(t.Context(), adaID, ada, nil)
	require.NoError(t, err)
	_, err = p.factors.ConfirmTOTP(t.Context(), adaID, codeAt(t, app.Secret(), -1))
	require.NoError(t, err)
	v.opens("/orgs/"+org+"/team/contain?user="+url.QueryEscape(bobID), 200, "Use one of your second factors to go on")
	v.sends("/mfa/verify", "Close the account of "+bob, "code", codeAt(t, app.Secret(), 0))
	v.sends("/team/contain", "It is closed.", "factors", "1", "reason", "phished")
}

// TestLinks: nobody can make our pages say something by a link that they send, nor
// lose what somebody was about to do.
func TestLinks(t *testing.T) {
	t.Parallel()
	p := start(t)
	org := "/orgs/" + p.demo.acme
	v := p.guest(t, onWindows)
	v.opens(org+"/team/contain?user=auth0%7Cnobody", 200, "username")
	require.NoError(t, v.SignIn(t.Context(), ada, password))
	require.Contains(t, v.Page, "Use one of your second factors to go on")
	assert.Contains(t, v.Page, "nobody", "for whom it was asked")

	v.opens(org+"/?paid=1001", 200, "Kraft Paper Mills")
	assert.NotContains(t, v.Page, "is paid")
	v.opens(org+"/team?declared=mallory@example.com", 200, bob)
	assert.NotContains(t, v.Page, "mallory")

	// The form of a page that was open for longer than the second factor is fresh.
	token := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(v.Page)
	require.Len(t, token, 2)
	require.NoError(t, v.Post(t.Context(), org+"/invoices/1001/pay", url.Values{"csrf_token": token[1:]}))
	require.Contains(t, v.Page, "Use one of your second factors to go on")
	v.confirms()
	require.Contains(t, v.Page, "Pay 480.50", "asked again, and nothing is paid")
	require.NoError(t, v.Post(t.Context(), org+"/invoices/9999/pay", url.Values{"csrf_token": token[1:]}))
	require.Equal(t, 404, v.Status, "there is none of that number: %s", v.Page)
	v.opens(org+"/invoices/1001/pay", 200, "Pay 480.50")
	v.sends("/invoices/1001/pay", "Invoice 1001 is paid.")
	v.opens("/account/data", 200, `"number":1001`)
}

// codeAt is the code of an app so many half minutes from now.
func codeAt(t *testing.T, secret string, steps time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(steps*30*time.Second))
	require.NoError(t, err)
	return code
}

// TestArrival: a user of the old program comes over with the password that they had.
func TestArrival(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, onWindows)
	v.opens("/arrive", 200, "Bring your account over")
	v.sends("/arrive", "not its password", "email", lin, "password", "wrong")
	v.sends("/arrive", "", "email", lin, "password", legacyPassword)
	require.Contains(t, v.At, "/u/login")
	require.NoError(t, v.SignIn(t.Context(), lin, legacyPassword))
	require.Contains(t, v.Page, "Open acme")
	v.opens("/auth/login?organization=acme&to=/", 200, "Kraft Paper Mills")
	v.opens("/arrive", 200, "")
	v.sends("/arrive", "", "email", lin, "password", "anything") // Auth0 asks
	assert.NotContains(t, v.Page, "not its password")
}

// TestSettings: what is wrong with the environment is said.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"PORTAL_KEY": "short", "REDIS_URL": "::", "DATABASE_URL": "mysql://x", "AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUDIT_KEY": "none", "TRUSTED_PROXIES": "10.0.0.1"} {
		_, err := newPortal(t.Context(), 1, func(n string) string {
			if n == name {
				return value
			}
			return ""
		})
		assert.ErrorContains(t, err, name[:5], name)
	}
}

func TestRun(t *testing.T) {
	for _, name := range []string{"AUTH0_DOMAIN", "REDIS_URL", "DATABASE_URL", "PORTAL_KEY", "AUDIT_KEY"} {
		t.Setenv(name, "")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out bytes.Buffer
	done := make(chan error, 1)
	read, write := io.Pipe()
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0"}, io.MultiWriter(write, &out)) }()
	_, err := read.Read(make([]byte, 1000))
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, read) }()
	stop()
	require.NoError(t, <-done)
	assert.Contains(t, out.String(), "serving on http://localhost:")
}

// TestRisk: a sign-in from the other side of the world waits for a second factor, and
// is refused where there is none.
func TestRisk(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := p.guest(t, demoAgent)
	v.signsIn("acme", ada, password)
	v.opens("/account", 200, "Your data")
	assert.NotContains(t, v.Page, "Unusual sign-ins")

	w := p.guest(t, demoAgent)
	w.moves()
	w.signsIn("acme", ada, password)
	require.Contains(t, w.Page, "Confirm that it is you")
	w.opens("/auth/login?organization=acme&to=/account", 200, "Confirm that it is you") // there is no session

	x := p.guest(t, onPhone) // who knows the password alone
	x.moves()
	x.signsIn("acme", ada, password)
	require.Contains(t, x.Page, "Confirm that it is you")
	x.opens("/account", 403, "This sign-in is too unusual") // Three in a minute were not confirmed. Auth0 knows her by now.

	w.sends("/verify/", "That code is not right", "code", "000000")
	w.sends("/verify/", "Unusual sign-ins", "code", p.demo.tenant.OTP(p.demo.phone.Secret()))
	assert.Contains(t, w.Page, "You confirmed it with a second factor")
	assert.Contains(t, w.Page, "It was refused")
	assert.Contains(t, w.Page, "VN, usually NO")
	w.opens("/account/data", 200, "step_up_passed")
	assert.Contains(t, w.Page, `"Name":"acme"`)
	for _, what := range []string{"sessions", "factors", "sign-ins", "counts", "log", "books", "account"} {
		assert.Contains(t, w.Page, `"`+what+`":`)
	}
	w.opens("/orgs/"+p.demo.acme+"/audit", 200, "risk.")
}

// TestFirstSignIn: among people who are known for long, who signs in for the first time is
// a little unusual. Without a factor they come in as far as setting one up, and their
// sign-in is theirs once they have proved it.
func TestFirstSignIn(t *testing.T) {
	t.Parallel()
	p := start(t)
	for hours := 360 * 8; hours > 0; hours -= 8 {
		a := anomaly.Attempt{UserID: "auth0|veteran", Time: time.Now().Add(-time.Duration(hours) * time.Hour), IP: places[0].IP, DeviceID: "theirs", UserAgent: demoAgent}
		require.NoError(t, p.detector.Learn(t.Context(), a, anomaly.Proved))
	}
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	waits := func() risk.Decision {
		all, err := p.risk.History(t.Context(), users[0].ID)
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	v := p.guest(t, demoAgent)
	v.signsIn("acme", bob, password)
	require.Contains(t, v.Page, "Set up a second factor first")
	for _, path := range []string{"/account", "/account/data", "/organizations", "/orgs/" + p.demo.acme + "/", "/orgs/" + p.demo.acme + "/invoices/1001/pay"} {
		v.opens(path, 403, "Set up a second factor first")
	}
	assert.Empty(t, waits().Ended, "nothing was learned")
	v.enrolls()
	v.opens("/account", 200, "Nothing was known of you before, and you confirmed it")
	assert.Equal(t, "step_up_passed", waits().Ended)
	v.opens("/orgs/"+p.demo.acme+"/", 200, "Kraft Paper Mills")
	w := p.guest(t, demoAgent) // and no other browser becomes theirs by the password
	w.moves()
	w.signsIn("acme", bob, password)
	assert.Contains(t, w.Page, "Confirm that it is you")
}

// enrolls sets up an app as the first second factor.
func (v *guest) enrolls() {
	v.Helper()
	v.opens("/mfa/", 200, "No method is set up")
	v.sends("/mfa/enroll", "")
	secret := regexp.MustCompile(`[A-Z2-7]{4}(?: [A-Z2-7]{4})+`).FindString(v.Page)
	v.sends("/mfa/confirm", "", "code", codeAt(v.T, strings.ReplaceAll(secret, " ", ""), 0), "name", "phone")
	v.sends("/mfa/codes", "", "kept", "1")
}

// moves has the browser pretend to be in Hanoi.
func (v *guest) moves() {
	v.Helper()
	v.opens("/demo/place", 200, "Hanoi")
	require.NoError(v, v.Post(v.Context(), "/demo/place", url.Values{"place": {places[1].IP.String()}}))
}
