package auth0test_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop is an application with its own login: it keeps the state in a cookie and
// exchanges the code at its callback.
func shop(t *testing.T, tenant *auth0test.Tenant, mode string) string {
	t.Helper()
	var app auth0test.Application
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	app = tenant.AddClient(auth0test.Application{Name: "shop", CallbackURL: server.URL + "/callback"})
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("user"); err == nil {
			fmt.Fprint(w, "hello ", c.Value)
			return
		}
		if r.Header.Get("Accept") != "text/html" { // as session.HTTP.Require answers a script
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "state", Value: "s1", Path: "/"})
		http.Redirect(w, r, tenant.Issuer()+"authorize?"+values("response_type", "code", "client_id", app.ID, "redirect_uri", app.CallbackURL,
			"scope", "openid email", "state", "s1", "response_mode", mode).Encode(), http.StatusFound)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		state, err := r.Cookie("state")
		if err != nil || r.FormValue("state") != state.Value {
			http.Error(w, "state", http.StatusBadRequest)
			return
		}
		if e := r.FormValue("error"); e != "" {
			http.Error(w, r.FormValue("error_description"), http.StatusForbidden)
			return
		}
		status, body := exchange(t, tenant, "grant_type", "authorization_code", "client_id", app.ID, "client_secret", app.Secret,
			"redirect_uri", app.CallbackURL, "code", r.FormValue("code"))
		if status != 200 {
			http.Error(w, fmt.Sprint(body), http.StatusBadGateway)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "user", Value: claims(t, tenant, text(t, body, "id_token"))["email"].(string), Path: "/"})
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})
	return server.URL + "/account"
}

func TestBrowse(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"query", "form_post"} {
		tenant := auth0test.NewTenant(auth0test.Options{})
		id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
		start := shop(t, tenant, mode)
		login := auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"}
		read := func(client *http.Client, l auth0test.Login) (int, string) {
			res, err := tenant.Browse(t.Context(), client, start, l)
			require.NoError(t, err)
			return body(t, res)
		}
		status, page := read(&http.Client{}, login)
		assert.Equal(t, 200, status, page)
		assert.Equal(t, "hello ada@example.com", page, mode)

		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		client := &http.Client{Jar: jar}
		read(client, login)
		before := len(tenant.Requests())
		_, page = read(client, auth0test.Login{})
		assert.Equal(t, "hello ada@example.com", page, "the jar is the caller's")
		assert.Len(t, tenant.Requests(), before, "nobody had to log in")

		_, err = tenant.Browse(t.Context(), &http.Client{}, start, auth0test.Login{Identifier: "ada@example.com", Password: "wrong"})
		require.ErrorContains(t, err, "Wrong email or password")
		require.NoError(t, tenant.Management().DeleteUser(t.Context(), id))
		_, err = tenant.Browse(t.Context(), &http.Client{}, start, login)
		require.Error(t, err)
	}
}

func TestBrowseEnds(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }))
	t.Cleanup(loop.Close)
	_, err := tenant.Browse(t.Context(), &http.Client{}, loop.URL, auth0test.Login{})
	require.ErrorContains(t, err, "without end")
	for _, start := range []string{"%", "http://127.0.0.1:1/", home + "nowhere"} {
		_, err = tenant.Browse(t.Context(), &http.Client{}, start, auth0test.Login{})
		require.Error(t, err, start)
	}
}

func TestFixedIDs(t *testing.T) {
	t.Parallel()
	ids := func() []string {
		tenant := auth0test.NewTenant(auth0test.Options{FixedIDs: true})
		tenant.AddAPI(ordersAPI, "read:orders")
		app := tenant.AddClient(auth0test.Application{Name: "shop"})
		role := tenant.AddRole("reader", ordersAPI, "read:orders")
		return []string{tenant.Machine().ID, app.ID, role, tenant.AddOrganization("acme"), tenant.AddConnection("staff", "auth0"), tenant.AddGroup("all"),
			tenant.AddUser(resource.User{Email: "ada@example.com"}, ""), tenant.AddUser(resource.User{Email: "ada@example.com", Connection: "staff"}, "")}
	}
	first, second := ids(), ids()
	assert.Equal(t, first, second)
	seen := map[string]bool{}
	for _, id := range first {
		assert.False(t, seen[id], id)
		seen[id] = true
	}
	assert.Regexp(t, `^auth0\|[0-9a-f]{24}$`, first[6])
	random := auth0test.NewTenant(auth0test.Options{})
	assert.NotEqual(t, first[3], random.AddOrganization("acme"), "only where it was asked for")
}

func TestReset(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{Plan: auth0test.Free})
	g := newAPI(t, s.Tenant)
	client := s.Management()
	s.AddOrganization("acme")
	s.mustLogin(t, auth0test.Login{})
	s.Advance(time.Hour)
	s.Fault("GET /api/v2/roles", auth0test.Fault{Status: 500})
	at := s.Now()
	s.Reset()
	assert.Empty(t, s.Requests())
	assert.Empty(t, s.Outbox())
	g.want("GET", "/roles", "", 200, "[]")
	users, err := client.UsersByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err, "the machine client goes on")
	assert.Empty(t, users)
	assert.False(t, s.Now().Before(at), "time does not go back")
	s.Reset()
	g.want("GET", "/connections?include_totals=true", "", 200, `"total":1`)
	_, err = s.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"})
	require.Error(t, err, "there is no application")
	again := newScene(auth0test.Options{})
	again.Reset()
	again.app = again.AddClient(auth0test.Application{CallbackURL: callback})
	again.AddAPI(ordersAPI)
	again.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	again.mustLogin(t, auth0test.Login{})
}
