package tenancy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

func TestAnswersOfRFC6750(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromHeader("X-Org"), tenancy.GuardConfig{})
	h := x.require(tenancy.AllOf("read:invoices", "delete:invoices", "purge:invoices"), tenancy.AnyOf("read:invoices"))(reached)
	good := "Bearer " + token(i, "", nil)
	const (
		realm    = `Bearer realm="https://api.example.com"`
		metadata = `, resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	)
	for name, c := range map[string]struct {
		authorization string
		org           string
		status        int
		challenge     string
	}{
		"no token":           {"", orgID, 401, realm},
		"another scheme":     {"Basic dXNlcjpwYXNz", orgID, 401, realm},
		"DPoP scheme":        {"DPoP " + good[7:], orgID, 401, realm},
		"scheme alone":       {"Bearer", orgID, 400, realm + `, error="invalid_request"`},
		"two spaces":         {"Bearer  " + good[7:], orgID, 403, `scope="delete:invoices purge:invoices"`},
		"scheme and space":   {"Bearer ", orgID, 400, realm + `, error="invalid_request"`},
		"two tokens":         {good + " " + good[7:], orgID, 400, realm + `, error="invalid_request"`},
		"two by comma":       {good + ", " + good, orgID, 400, realm + `, error="invalid_request"`},
		"not a token":        {"Bearer opaque", orgID, 401, realm + `, error="invalid_token"`},
		"scheme in any case": {"bEARER " + good[7:], orgID, 403, realm + `, error="insufficient_scope"`},
		"missing permission": {good, orgID, 403, `scope="delete:invoices purge:invoices"`},
		"wrong organization": {good, "org_victim", 403, `error="insufficient_scope"`},
		"no organization":    {good, "", 400, `error="invalid_request"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/?access_token="+good[7:], nil)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			r.Header.Set("X-Org", c.org)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			wantStatus(t, w.Result(), c.status, c.challenge)
			if got := w.Result().Header.Get("WWW-Authenticate"); strings.HasSuffix(name, "n") && c.status == 401 && c.challenge == realm && got != realm+metadata {
				t.Errorf("the challenge is %q, want no error code", got)
			}
			if w.Result().Header.Get("Cache-Control") != "no-store" {
				t.Error("the answer may be cached")
			}
		})
	}
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	tenant := &tenancy.TenantContext{TenantID: orgID, FirstParty: true, Permissions: []string{"a", "b", ""}, Scopes: []string{"s"}}
	for name, c := range map[string]struct {
		r    []tenancy.Requirement
		want string // missing permissions; "ok" for none
	}{
		"nothing":         {nil, ""},
		"authenticated":   {[]tenancy.Requirement{tenancy.Authenticated()}, "ok"},
		"one":             {[]tenancy.Requirement{tenancy.AllOf("a")}, "ok"},
		"all":             {[]tenancy.Requirement{tenancy.AllOf("a", "b")}, "ok"},
		"not all":         {[]tenancy.Requirement{tenancy.AllOf("a", "c", "d")}, "c d"},
		"any":             {[]tenancy.Requirement{tenancy.AnyOf("c", "b")}, "ok"},
		"none of any":     {[]tenancy.Requirement{tenancy.AnyOf("c", "d")}, "c d"},
		"both":            {[]tenancy.Requirement{tenancy.AllOf("a"), tenancy.AnyOf("c")}, "c"},
		"empty name":      {[]tenancy.Requirement{tenancy.AllOf("")}, ""},
		"any empty name":  {[]tenancy.Requirement{tenancy.AnyOf("")}, ""},
		"zero":            {[]tenancy.Requirement{{}}, ""},
		"prefix":          {[]tenancy.Requirement{tenancy.AllOf("a:b")}, "a:b"},
		"scope of a user": {[]tenancy.Requirement{tenancy.AllOf("s")}, "s"},
	} {
		err := tenant.Check(t.Context(), orgID, c.r...)
		if c.want == "ok" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e, ok := errors.AsType[*tenancy.ForbiddenError](err)
		if !ok || strings.Join(e.Missing, " ") != c.want || !errors.Is(err, tenancy.ErrForbidden) {
			t.Errorf("%s: got %v, want %q missing", name, err, c.want)
		}
	}
	var nobody *tenancy.TenantContext
	for _, err := range []error{nobody.Check(t.Context(), orgID), tenant.Check(t.Context(), ""), tenant.Check(t.Context(), "org_victim"), (&tenancy.TenantContext{}).Check(t.Context(), "")} {
		if !errors.Is(err, tenancy.ErrForbidden) {
			t.Errorf("got %v, want ErrForbidden", err)
		}
	}
}

func TestOptional(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).optional()(reached)
	resp := ask(h)
	wantStatus(t, resp, http.StatusOK)
	if got := resp.Header.Get("X-Caller"); got != "nobody" {
		t.Errorf("the caller is %q", got)
	}
	resp = ask(h, token(i, "", nil))
	if got := resp.Header.Get("X-Caller"); got != "auth0|1 of "+orgID {
		t.Errorf("the caller is %q", got)
	}
	wantStatus(t, ask(h, "bad"), http.StatusUnauthorized, `error="invalid_token"`)
	wantStatus(t, ask(h, token(i, "org_id", nil)), http.StatusForbidden)
}

func TestTokenWithoutOrganization(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	for _, value := range []any{nil, ""} {
		if _, err := x.extract(t.Context(), token(i, "org_id", value)); !errors.Is(err, tenancy.ErrNoTenant) {
			t.Errorf("got %v, want ErrNoTenant", err)
		}
		wantStatus(t, ask(x.authenticated()(reached), token(i, "org_id", value)), http.StatusForbidden, `error="insufficient_scope"`)
	}
}

func TestLocators(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	good := token(i, "", nil)
	resolve := func(host string) (tenancy.Org, error) {
		switch host {
		case "acme.example.com":
			return tenancy.Org{ID: orgID}, nil
		case "slow.example.com":
			return tenancy.Org{}, errors.New("database is away")
		case "closed.example.com":
			return tenancy.Org{}, tenancy.ErrForbidden
		}
		return tenancy.Org{}, tenancy.ErrNoTenant
	}
	serve := func(where tenancy.Locator, change func(*http.Request)) *http.Response {
		mux := http.NewServeMux()
		mux.Handle("GET /orgs/{org}/invoices", extractor(t, i, where, tenancy.GuardConfig{}).authenticated()(reached))
		r := httptest.NewRequest(http.MethodGet, "/orgs/"+orgID+"/invoices", nil)
		r.Header.Set("Authorization", "Bearer "+good)
		change(r)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	keep := func(*http.Request) {}
	wantStatus(t, serve(tenancy.FromPath("org"), keep), http.StatusOK)
	wantStatus(t, serve(tenancy.FromPath("org"), func(r *http.Request) { r.URL.Path = "/orgs/org_victim/invoices" }), http.StatusForbidden)
	wantStatus(t, serve(tenancy.FromPath("typo"), keep), http.StatusInternalServerError)
	wantStatus(t, serve(tenancy.FromHost(resolve), host("ACME.example.com.:8443")), http.StatusOK)
	wantStatus(t, serve(tenancy.FromHost(resolve), host("nobody.example.com")), http.StatusBadRequest)
	wantStatus(t, serve(tenancy.FromHost(resolve), host("closed.example.com")), http.StatusForbidden)
	wantStatus(t, serve(tenancy.FromHost(resolve), host("slow.example.com")), http.StatusServiceUnavailable)
	wantStatus(t, serve(tenancy.FromHeader("X-Org"), keep), http.StatusBadRequest)
	wantStatus(t, serve(tenancy.FromHeader("X-Org"), func(r *http.Request) { r.Header["X-Org"] = []string{orgID, orgID} }), http.StatusBadRequest)
	wantStatus(t, serve(tenancy.FromToken, keep), http.StatusOK)
	if _, err := tenancy.FromToken(httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, tenancy.ErrNoTenant) {
		t.Errorf("FromToken without the middleware: %v", err)
	}
}

func TestDenialsAreRecorded(t *testing.T) {
	t.Parallel()
	i, log := josetest.NewIssuer(), audit.NewMemory()
	x := extractor(t, i, tenancy.FromHeader("X-Org"), tenancy.GuardConfig{Recorder: log})
	h := x.require(tenancy.AllOf("delete:invoices"))(reached)
	for _, org := range []string{orgID, "org_victim"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token(i, "", nil))
		r.Header.Set("X-Org", org)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	wantStatus(t, ask(h, "not even a token"), http.StatusBadRequest) // not recorded: nobody is known
	events := log.Events()
	if len(events) != 2 {
		t.Fatalf("got %q, want two denials", log.Actions())
	}
	for n, reason := range []string{"permission", "other_org"} {
		e := events[n]
		if e.Action != "tenancy.deny" || e.Reason != reason || e.Actor != (audit.Ref{Kind: "user", ID: "auth0|1"}) || e.Organization != orgID || e.Outcome != audit.Failure {
			t.Errorf("got %+v", e)
		}
	}
	if events[0].Metadata["missing"] != "delete:invoices" {
		t.Errorf("got %v", events[0].Metadata)
	}
}

// A log that is full denies nobody who may, and lets in nobody who may not.
func TestRecorderFailure(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Recorder: fullLog{}})
	wantStatus(t, ask(x.require(tenancy.AllOf("delete:invoices"))(reached), token(i, "", nil)), http.StatusForbidden, `scope="delete:invoices"`)
	wantStatus(t, ask(x.require(tenancy.AllOf("read:invoices"))(reached), token(i, "", nil)), http.StatusOK)
	_, err := x.Admit(t.Context(), token(i, "", nil), tenancy.Org{ID: "org_victim"}, tenancy.Authenticated())
	if !errors.Is(err, tenancy.ErrForbidden) || !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("got %v, want both errors", err)
	}
}

type fullLog struct{}

func (fullLog) Record(context.Context, audit.Event) error { return errors.New("disk full") }

func TestHandlersRecordTheirCaller(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	ctx := audit.NewContext(t.Context(), audit.Origin{IP: "192.0.2.1", UserAgent: "curl"})
	ctx, err := x.Admit(ctx, token(i, "", nil), tenancy.Org{ID: orgID}, tenancy.Authenticated())
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Origin{Actor: audit.Ref{Kind: "user", ID: "auth0|1"}, IP: "192.0.2.1", UserAgent: "curl", Organization: orgID}
	if got := audit.FromContext(ctx); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNewGuardRefuses(t *testing.T) {
	t.Parallel()
	v := verifier(t, josetest.NewIssuer(), tenancy.VerifierConfig{})
	for want, cfg := range map[string]tenancy.GuardConfig{
		"RoleTTL": {RoleTTL: -1}, "PermissionTTL": {PermissionTTL: -1}, "MaxEntries": {MaxEntries: -1}, "OnOutage": {OnOutage: tenancy.StaleFor(-1)},
		"FirstParty": {FirstParty: []string{""}}, "PublicURL": {PublicURL: "api.example.com"}, "Replay": {DPoP: tenancy.DPoPAllowed},
		"NonceKeys": {DPoP: tenancy.DPoPAllowed, Replay: tenancy.NewMemory(), NonceKeys: [][]byte{{1}}}, "DPoP": {DPoP: 7}, "disabled": {Replay: tenancy.NewMemory()},
	} {
		assert.ErrorContains(t, second(tenancy.NewGuard(v, cfg)), want)
	}
	assert.ErrorContains(t, second(tenancy.NewGuard(nil, tenancy.GuardConfig{})), "Verifier")
	assert.Panics(t, func() { extractor(t, josetest.NewIssuer(), nil, tenancy.GuardConfig{}).authenticated() })
}

func second[T any](_ T, err error) error { return err }

func TestFromContextOfNobody(t *testing.T) {
	t.Parallel()
	if _, ok := tenancy.FromContext(t.Context()); ok {
		t.Error("there is a caller in an empty context")
	}
	if _, ok := tenancy.FromContext(tenancy.NewContext(t.Context(), nil)); ok {
		t.Error("nil is a caller")
	}
	tenant := &tenancy.TenantContext{TenantID: orgID, AMR: []string{"mfa"}}
	got, ok := tenancy.FromContext(tenancy.NewContext(t.Context(), tenant))
	if !ok || !slices.Equal(got.AMR, []string{"mfa"}) {
		t.Errorf("got %+v", got)
	}
}
