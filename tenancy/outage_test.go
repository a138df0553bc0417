package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

// forDay is a token that lives for a day, with the permission to purge.
func forDay(i *josetest.Issuer) string {
	return changed(i, map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix(), "permissions": []string{"purge:invoices"}})
}

func TestOutageFailsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		h, token := x.require(tenancy.AllOf("read:log"))(reached), forDay(i)
		wantStatus(t, ask(h, token), 200)
		d.set(func() { d.err = errors.New("away") })
		time.Sleep(5 * time.Minute)
		wantStatus(t, ask(h, token), 503)
	})
}

func TestOutageWithStaleRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, OnOutage: tenancy.StaleFor(time.Hour)})
		h, token := x.require(tenancy.AllOf("read:log"))(reached), forDay(i)
		wantStatus(t, ask(h, token), 200)
		d.set(func() { d.err = errors.New("away") })
		for range 59 {
			time.Sleep(time.Minute)
			wantStatus(t, ask(h, token), 200)
		}
		wantStatus(t, ask(h, changed(i, map[string]any{"sub": "auth0|new"})), 503) // nothing is known
		require.NoError(t, x.Observe(t.Context(), []byte(`{"type":"user.updated","data":{"object":{"user_id":"auth0|1"}}}`)))
		wantStatus(t, ask(h, token), 200) // a login
		require.NoError(t, x.Observe(t.Context(), []byte(`{"type":"organization.member.role.deleted","data":{"object":{"organization":{"id":"org_acme"},"user":{"user_id":"auth0|1"}}}}`)))
		wantStatus(t, ask(h, token), 503) // what is known may be wrong
		x.Invalidate(orgID, "auth0|1")
		d.set(func() { d.err = nil })
		time.Sleep(time.Second)
		wantStatus(t, ask(h, token), 200)
		d.set(func() { d.err = errors.New("away") })
		time.Sleep(time.Hour + time.Second)
		wantStatus(t, ask(h, token), 503)
	})
}

// A slow failure must not make everybody wait who could be served from memory.
func TestStaleRolesServeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, OnOutage: tenancy.StaleFor(time.Hour)})
		h, token := x.require(tenancy.AllOf("read:log"))(reached), forDay(i)
		wantStatus(t, ask(h, token), 200)
		d.set(func() { d.err, d.latency = errors.New("away"), 9*time.Second })
		time.Sleep(20 * time.Minute)
		wantStatus(t, ask(h, token), 200)
		time.Sleep(time.Minute)
		began := time.Now()
		for range 10 {
			wantStatus(t, ask(h, token), 200)
			time.Sleep(time.Second)
		}
		assert.LessOrEqual(t, time.Since(began), 10*time.Second)
		time.Sleep(time.Minute) // reads in the background end
	})
}

func TestOutageWithTheTokensPermissions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, OnOutage: tenancy.TokenPermissions()})
		log, purge, token := x.require(tenancy.AllOf("read:log"))(reached), x.require(tenancy.AllOf("purge:invoices"))(reached), forDay(i)
		wantStatus(t, ask(purge, token), 403)
		wantStatus(t, ask(log, token), 200)
		d.set(func() { d.err = errors.New("away") })
		time.Sleep(15 * time.Minute)
		wantStatus(t, ask(purge, token), 200)
		wantStatus(t, ask(log, token), 403)
		time.Sleep(time.Minute)
		require.NoError(t, x.Observe(t.Context(), []byte(`{"type":"organization.member.role.deleted","data":{"object":{"organization":{"id":"org_acme"},"user":{"user_id":"auth0|1"}}}}`)))
		wantStatus(t, ask(purge, token), 503) // the token is older than the change
		time.Sleep(time.Minute)
		wantStatus(t, ask(purge, forDay(i)), 200) // and this one is not
	})
}

// Who was blocked when Auth0 was last asked stays blocked in an outage.
func TestOutageOpensNothingToTheBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		d.accounts = map[string]*resource.User{"auth0|1": {Blocked: true}, "auth0|2": nil}
		d.roles[orgID+" auth0|2"] = d.roles[orgID+" auth0|1"]
		for _, outage := range []tenancy.Outage{tenancy.TokenPermissions(), tenancy.StaleFor(time.Hour)} {
			d.set(func() { d.err = nil })
			x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, OnOutage: outage})
			tokens := []string{forDay(i), changed(i, map[string]any{"sub": "auth0|2"}), changed(i, map[string]any{"sub": "auth0|stranger"})}
			for _, away := range []error{nil, errors.New("away")} {
				d.set(func() { d.err = away })
				for _, token := range tokens {
					wantStatus(t, ask(x.authenticated()(reached), token), 403)
				}
				time.Sleep(10 * time.Minute)
			}
		}
	})
}

// A refusal never rests on the list of members, which has no inherited roles and
// lags behind.
func TestListOfMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		for n := range 250 {
			d.roles[fmt.Sprintf("%s auth0|%d", orgID, n+1)] = d.roles[orgID+" auth0|1"]
		}
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		write, inherited := x.require(tenancy.AllOf("write:invoices"))(reached), x.require(tenancy.AllOf("read:log"))(reached)
		user := func(n int) string { return token(i, "sub", fmt.Sprintf("auth0|%d", n)) }
		for n := range 250 {
			wantStatus(t, ask(write, user(n+1)), 200)
		}
		assert.LessOrEqual(t, d.memberReads+3*d.listReads, 20, "%d members, %d lists", d.memberReads, d.listReads)
		before := d.memberReads
		wantStatus(t, ask(inherited, user(200)), 200)
		wantStatus(t, ask(inherited, user(200)), 200)
		assert.Equal(t, before+1, d.memberReads, "asked for alone, once")
		for range 5 {
			wantStatus(t, ask(x.require(tenancy.AllOf("purge:invoices"))(reached), user(201)), 403)
		}
		assert.Equal(t, before+2, d.memberReads, "a refusal is confirmed once")
		x.Invalidate(orgID, "auth0|202") // the list may be older than the change
		wantStatus(t, ask(write, user(202)), 200)
		assert.Equal(t, before+3, d.memberReads)
	})
}

// The unit of Observe: what each event and entry makes the Guard read again, and
// what it revokes.
func TestObserveLog(t *testing.T) {
	t.Parallel()
	sapi := func(method, path, body string) string {
		return fmt.Sprintf(`{"type":"sapi","details":{"request":{"method":%q,"path":%q,"body":%s}}}`, method, path, body)
	}
	for body, want := range map[string]struct{ forgets, revokes bool }{
		`{"type":"sdu","user_id":"auth0|1"}`:                                                             {true, true},
		`{"type":"sdu","user_id":"auth0|2"}`:                                                             {false, false},
		`{"log_id":"1","data":{"type":"sdu","user_id":"auth0|1"}}`:                                       {true, true},
		`[{"log_id":"1","data":{"type":"fp"}},{"log_id":"2","data":{"type":"sdu","user_id":"auth0|1"}}]`: {true, true},
		`{"type":"user.deleted","data":{"object":{"user_id":"auth0|1"}}}`:                                {true, true},
		`{"type":"user.updated","data":{"object":{"user_id":"auth0|1","blocked":true}}}`:                 {true, true},
		`{"type":"user.updated","data":{"object":{"user_id":"auth0|1","blocked":false}}}`:                {false, false},
		sapi("delete", "/api/v2/users/auth0%7C1", "{}"):                                                  {true, true},
		sapi("patch", "/api/v2/users/auth0%7C1", `{"blocked":true}`):                                     {true, true},
		sapi("patch", "/api/v2/users/auth0%7C1", `{"name":"x"}`):                                         {false, false},
		sapi("get", "/api/v2/users/auth0%7C1", "{}"):                                                     {false, false},
		sapi("delete", "/api/v2/users/auth0%7C1/roles", "{}"):                                            {true, false},
		sapi("delete", "/api/v2/organizations/org_acme/members", `{"members":["auth0|1"]}`):              {true, false},
		sapi("delete", "/api/v2/organizations/org_acme/members", `{"members":["auth0|2"]}`):              {false, false},
		sapi("delete", "/api/v2/organizations/org_acme/members", "null"):                                 {true, false},
		sapi("delete", "/v2/organizations/org_acme/members/auth0%7C1/roles", `{"roles":["x"]}`):          {true, false},
		sapi("post", "/api/v2/organizations/org_other/members/auth0%7C1/roles", "{}"):                    {false, false},
		sapi("delete", "/api/v2/groups/grp_1/members", "{}"):                                             {true, false},
		sapi("post", "/api/v2/clients/x", "{}"):                                                          {false, false},
		sapi("post", "/api/v2/users", "{}"):                                                              {false, false},
	} {
		i, d := josetest.NewIssuer(), newDirectory()
		cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
		require.NoError(t, err)
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, Cutoff: cutoff})
		good := changed(i, map[string]any{"iat": time.Now().Add(-time.Minute).Unix()})
		mustExtract(t, x, good)
		d.set(func() { d.roles[orgID+" auth0|1"] = d.roles[orgID+" auth0|1"][:1] })
		require.NoError(t, x.Observe(t.Context(), []byte(body)), body)
		tenant, err := x.extract(t.Context(), good)
		if want.revokes {
			wantToken(t, err, "revoked")
			continue
		}
		require.NoError(t, err, body)
		assert.Equal(t, want.forgets, len(tenant.Roles) == 1, body)
	}
}

// Who is unblocked gets in again at once; what says that nobody is blocked is not
// believed, because it may come late.
func TestUnblocking(t *testing.T) {
	t.Parallel()
	const updated = `{"type":"user.updated","data":{"object":{"user_id":"auth0|1","blocked":false}}}`
	i, d := josetest.NewIssuer(), newDirectory()
	d.accounts = map[string]*resource.User{"auth0|1": {Blocked: true}}
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	h := x.authenticated()(reached)
	wantStatus(t, ask(h, token(i, "", nil)), 403)
	require.NoError(t, x.Observe(t.Context(), []byte(updated)))
	wantStatus(t, ask(h, token(i, "", nil)), 403)
	d.set(func() { d.accounts = nil })
	wantStatus(t, ask(h, token(i, "", nil)), 403)
	require.NoError(t, x.Observe(t.Context(), []byte(updated)))
	wantStatus(t, ask(h, token(i, "", nil)), 200)
	reads := d.memberReads
	for range 10 { // logins
		require.NoError(t, x.Observe(t.Context(), []byte(updated)))
		wantStatus(t, ask(h, token(i, "", nil)), 200)
	}
	require.Equal(t, reads, d.memberReads)
}

func TestObserveRoles(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"type":"role.updated","data":{"object":{"id":"rol_clerk"}}}`,
		`{"type":"role.permission.deleted","data":{"object":{"role":{"id":"rol_clerk"}}}}`,
		`{"type":"sapi","details":{"request":{"method":"delete","path":"/api/v2/roles/rol_clerk/permissions"}}}`,
	} {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		mustExtract(t, x, token(i, "", nil))
		d.set(func() { delete(d.permissions, "rol_clerk") })
		require.NoError(t, x.Observe(t.Context(), []byte(body)))
		assert.Equal(t, []string{"read:invoices", "read:log"}, mustExtract(t, x, token(i, "", nil)).Permissions, body)
	}
}

// Without a Directory, the tokens that a member has for the organization end, and
// no others.
func TestObserveWithoutADirectory(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
	require.NoError(t, err)
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoff})
	old := time.Now().Add(-time.Minute).Unix()
	mine, other := changed(i, map[string]any{"iat": old}), changed(i, map[string]any{"iat": old, "org_id": "org_other"})
	require.NoError(t, x.Observe(t.Context(), []byte(`{"type":"organization.member.deleted","data":{"object":{"organization":{"id":"org_acme"},"user":{"user_id":"auth0|1"}}}}`)))
	_, err = x.extract(t.Context(), mine)
	wantToken(t, err, "revoked")
	mustExtract(t, x, other)
}

// What does not say which member it is about ends the tokens of all that it may be.
func TestObserveWithoutADirectoryOrNames(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	old := time.Now().Add(-time.Minute).Unix()
	for body, want := range map[string]struct{ mine, other bool }{
		`{"type":"organization.deleted","data":{"object":{"id":"org_acme"}}}`:                                                   {true, false},
		`{"type":"sapi","details":{"request":{"method":"delete","path":"/api/v2/organizations/org_acme"}}}`:                     {true, false},
		`{"type":"sapi","details":{"request":{"method":"delete","path":"/api/v2/organizations/org_acme/members","body":null}}}`: {true, false},
		`{"type":"sapi","details":{"request":{"method":"delete","path":"/api/v2/organizations/org_acme/invitations/inv_1"}}}`:   {false, false},
		`{"type":"group.member.deleted","data":{"object":{"member":{"member_type":"user","id":"auth0|1"}}}}`:                    {true, true},
		`{"type":"organization.updated","data":{"object":{"id":"org_acme"}}}`:                                                   {false, false},
	} {
		cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
		require.NoError(t, err)
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoff})
		require.NoError(t, x.Observe(t.Context(), []byte(body)))
		_, err = x.extract(t.Context(), changed(i, map[string]any{"iat": old}))
		assert.Equal(t, want.mine, err != nil, body)
		_, err = x.extract(t.Context(), changed(i, map[string]any{"iat": old, "org_id": "org_other"}))
		assert.Equal(t, want.other, err != nil, body)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	eu, us := josetest.NewIssuer(), josetest.NewIssuer()
	us.ID = "https://us.example.com/"
	d := newDirectory()
	a := extractor(t, eu, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	b := extractor(t, us, tenancy.FromToken, tenancy.GuardConfig{})
	joined, err := tenancy.Join(a.Guard, b.Guard)
	require.NoError(t, err)
	x := routes{joined, tenancy.FromToken}
	h := x.require(tenancy.AllOf("read:log"))(reached)
	wantStatus(t, ask(h, token(eu, "", nil)), 200)
	wantStatus(t, ask(h, token(us, "", nil)), 403, `scope="read:log"`)
	wantStatus(t, ask(h, token(us, "iss", "https://evil.example.com/")), 401, "issuer")
	wantStatus(t, ask(h, "opaque"), 401, "malformed")
	wantStatus(t, ask(h, strings.Repeat("a", 20<<10)), 401, "too_long")
	wantStatus(t, ask(h), 401)
	opaque, err := x.Diagnose(t.Context(), "opaque")
	require.Error(t, err)
	assert.Contains(t, opaque[0], "opaque")
	d.set(func() { d.roles[orgID+" auth0|1"] = nil })
	x.Invalidate(orgID, "auth0|1")
	wantStatus(t, ask(h, token(eu, "", nil)), 403)
	found, err := x.Diagnose(t.Context(), token(us, "iss", "https://evil.example.com/"))
	require.Error(t, err)
	require.Len(t, found, 1)
	for _, bad := range [][]*tenancy.Guard{nil, {nil}, {a.Guard, a.Guard}, {joined, b.Guard}} {
		_, err := tenancy.Join(bad...)
		require.Error(t, err)
	}
}

// What a handler refuses is told where its caller was admitted: another region's log
// must not have it.
func TestJoinedGuardsTellTheirOwn(t *testing.T) {
	t.Parallel()
	eu, us := josetest.NewIssuer(), josetest.NewIssuer()
	us.ID = "https://us.example.com/"
	var told []string
	tell := func(name string) tenancy.GuardConfig {
		return tenancy.GuardConfig{OnRefuse: func(context.Context, tenancy.Refusal) { told = append(told, name) }}
	}
	joined, err := tenancy.Join(extractor(t, eu, tenancy.FromToken, tell("eu")).Guard, extractor(t, us, tenancy.FromToken, tell("us")).Guard)
	require.NoError(t, err)
	h := joined.Require(tenancy.FromToken, tenancy.Authenticated())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		joined.Refuse(w, r, joined.Check(r.Context(), tenancy.Request{HTTP: r}, tenancy.AllOf("purge:invoices")))
	}))
	wantStatus(t, ask(h, token(us, "", nil)), 403)
	wantStatus(t, ask(h, token(eu, "", nil)), 403)
	assert.Equal(t, []string{"us", "us", "eu", "eu"}, told)
}

// The same user id at another tenant is somebody else.
func TestJoinedCutoffs(t *testing.T) {
	t.Parallel()
	eu, us := josetest.NewIssuer(), josetest.NewIssuer()
	us.ID = "https://us.example.com/"
	cutoff := cutoffOf(t, tenancy.NewMemory())
	a := extractor(t, eu, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoff})
	b := extractor(t, us, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, tenancy.NewMemory())})
	joined, err := tenancy.Join(a.Guard, b.Guard)
	require.NoError(t, err)
	h := routes{joined, tenancy.FromToken}.authenticated()(reached)
	old := map[string]any{"iat": time.Now().Add(-time.Minute).Unix()}
	require.NoError(t, cutoff.RevokeAccess(t.Context(), "auth0|1"))
	wantStatus(t, ask(h, changed(eu, old)), 401, "revoked")
	wantStatus(t, ask(h, changed(us, old)), 200)
}

func TestSeveralAudiences(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	v := verifier(t, i, tenancy.VerifierConfig{OtherAudiences: []string{"https://other.example.com"}})
	x := routesOf(t, v, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	of := func(aud ...string) []string { return mustExtract(t, x, token(i, "aud", aud)).Permissions }
	assert.Equal(t, []string{"read:users"}, of("https://other.example.com"))
	assert.Equal(t, []string{"read:invoices", "read:log", "write:invoices"}, of(audience))
	assert.Equal(t, []string{"read:invoices", "read:log", "read:users", "write:invoices"}, of(audience, "https://other.example.com"))
	_, err := tenancy.NewVerifier(i.ID, audience, tenancy.VerifierConfig{OtherAudiences: []string{""}})
	require.ErrorContains(t, err, "OtherAudiences")
}

func TestVerifiersShareTheKeysOfAnIssuer(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	client := &http.Client{Transport: i}
	for _, api := range []string{audience, "https://b.example.com", "https://c.example.com"} {
		v, err := tenancy.NewVerifier(i.ID, api, tenancy.VerifierConfig{HTTPClient: client})
		require.NoError(t, err)
		_, err = v.Verify(t.Context(), token(i, "aud", api))
		require.NoError(t, err)
	}
	assert.Equal(t, int64(1), i.Fetches.Load())
}
