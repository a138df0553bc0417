package customdb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/webhook"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

var (
	key    = []byte("0123456789abcdef0123456789abcdef")
	oldKey = []byte("fedcba9876543210fedcba9876543210")

	_ customdb.Legacy = (*lazy.Lazy)(nil)
	_ customdb.Target = (*management.Client)(nil)
)

// legacy is a legacy system with one user.
type legacy struct{ err error }

var ada = &resource.NewUser{User: resource.User{ID: "crm|1", Email: "ada@example.com", EmailVerified: true}}

func (l legacy) Authenticate(_ context.Context, c migration.Credentials) (*resource.NewUser, error) {
	switch {
	case l.err != nil:
		return nil, l.err
	case c.Identifier == "ada@example.com" && c.Password == "right":
		return ada, nil
	}
	return nil, lazy.ErrCredentials
}

func (l legacy) Lookup(_ context.Context, identifier string) (*resource.NewUser, error) {
	if identifier == "ada@example.com" {
		return ada, l.err
	}
	return nil, migration.ErrNoUser
}

// send signs a request and returns the answer, whose signature it checks.
func send(t *testing.T, h http.Handler, signer []byte, id, body string) (int, string) {
	t.Helper()
	ring, err := webhook.New([][]byte{signer})
	require.NoError(t, err)
	r := httptest.NewRequest("POST", "/x/login", strings.NewReader(body))
	ring.Sign(r.Header, id, time.Now(), []byte(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		m, err := ring.Verify(w.Header(), w.Body.Bytes(), time.Now(), time.Minute)
		require.NoError(t, err)
		require.Equal(t, webhook.ReplyID(id), m.ID, "an answer to this request alone")
	}
	return w.Code, w.Body.String()
}

func TestHandler(t *testing.T) {
	t.Parallel()
	h, err := customdb.Handler(legacy{}, [][]byte{key, oldKey}, customdb.Config{
		ChangePassword: func(context.Context, string, string) error { return nil },
	})
	require.NoError(t, err)
	n := 0
	for _, c := range []struct {
		signer []byte
		body   string
		code   int
		want   string
	}{
		{key, `{"script":"login","identifier":"ada@example.com","password":"right","ip":"192.0.2.1"}`, 200, `"user_id":"crm|1"`},
		{oldKey, `{"script":"login","identifier":"ada@example.com","password":"right"}`, 200, `"user_id":"crm|1"`},
		{key, `{"script":"login","identifier":"ada@example.com","password":"wrong"}`, 200, `{"error":"credentials"}`},
		{key, `{"script":"get_user","identifier":"ada@example.com"}`, 200, `"user_id":"crm|1"`},
		{key, `{"script":"get_user","identifier":"bob@example.com"}`, 200, `{}`},
		{key, `{"script":"change_password","identifier":"ada@example.com","password":"new"}`, 200, `{}`},
		{key, `{"script":"delete","identifier":"ada@example.com"}`, 200, `{"error":"unsupported"}`},
		{key, `{"script":"login","ip":"nowhere"}`, 400, ""},
		{bytes.Repeat([]byte("ab"), 16), `{"script":"login","identifier":"ada@example.com","password":"right"}`, 401, ""},
		{key, strings.Repeat(" ", 17<<10), 413, ""},
	} {
		n++
		code, body := send(t, h, c.signer, fmt.Sprint("msg_", n), c.body)
		assert.Equal(t, c.code, code, c.body)
		assert.Contains(t, body, c.want)
	}
	body := `{"script":"login","identifier":"ada@example.com","password":"right"}`
	code, _ := send(t, h, key, "msg_again", body)
	require.Equal(t, 200, code)
	code, _ = send(t, h, key, "msg_again", body)
	require.Equal(t, 409, code, "a request that was recorded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/x/login", nil))
	require.Equal(t, 405, w.Code)
	for err, want := range map[error]int{errors.New("db: ada@example.com"): 503, &lazy.ThrottledError{}: 200} {
		h, handlerErr := customdb.Handler(legacy{err: err}, [][]byte{key}, customdb.Config{})
		require.NoError(t, handlerErr)
		code, answer := send(t, h, key, "msg_x", body)
		require.Equal(t, want, code)
		require.NotContains(t, answer, "ada")
		code, answer = send(t, h, key, "msg_y", `{"script":"change_password"}`)
		require.Equal(t, []any{200, `{"error":"unsupported"}`}, []any{code, answer})
	}
}

// connections is a tenant with one database connection. It replaces all options at
// once and shows the values of the configuration encrypted, as Auth0 does; auth0test
// answers 501 to scripts, which it does not run.
type connections struct{ options map[string]any }

func newClient() *connections {
	return &connections{options: map[string]any{"requires_username": false}}
}

func (c *connections) DatabaseConnections(context.Context) ([]resource.Connection, error) {
	shown := copyOf(c.options)
	if configuration, ok := shown["configuration"].(map[string]any); ok {
		for name := range configuration {
			configuration[name] = "2.0$encrypted"
		}
	}
	return []resource.Connection{{ID: "con_0000000000000001", Name: "customers", Strategy: "auth0", Options: shown}}, nil
}

func (c *connections) SetConnectionOptions(_ context.Context, _ string, options map[string]any) error {
	c.options = copyOf(options)
	return nil
}

func copyOf(m map[string]any) (out map[string]any) {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

func options(t *testing.T, c *connections) (string, map[string]any) {
	t.Helper()
	all, err := c.DatabaseConnections(t.Context())
	require.NoError(t, err)
	return all[0].ID, all[0].Options
}

// The options are read, merged, written whole and verified; what is not ours stays.
func TestDeployment(t *testing.T) {
	t.Parallel()
	client := newClient()
	id, before := options(t, client)
	before["passwordPolicy"], before["configuration"] = "excellent", map[string]any{"OTHER": "x"}
	before["customScripts"] = map[string]any{"verify": "function verify() {}"}
	require.NoError(t, client.SetConnectionOptions(t.Context(), id, before))
	d, err := customdb.NewDeployment(client, "customers", "https://login.example.com/auth0/", [][]byte{key, oldKey}, customdb.DeploymentConfig{ChangePassword: true})
	require.NoError(t, err)
	plan, err := d.Plan(t.Context())
	require.NoError(t, err)
	var diff strings.Builder
	require.NoError(t, plan.WriteDiff(&diff))
	require.Contains(t, diff.String(), "customScripts.login: added")
	require.Contains(t, diff.String(), "import_mode: true")
	require.NotContains(t, diff.String()+fmt.Sprint(plan, *plan), webhook.Secret(key))
	require.NoError(t, d.Apply(t.Context(), plan))
	_, after := options(t, client)
	require.Equal(t, "excellent", after["passwordPolicy"])
	scripts := after["customScripts"].(map[string]any)
	require.Equal(t, "function verify() {}", scripts["verify"])
	require.Contains(t, scripts["login"], "function login(identifier, password, callback)")
	require.Contains(t, scripts["get_user"], "https://login.example.com/auth0/get_user")
	require.NotContains(t, fmt.Sprint(scripts), webhook.Secret(key))
	again, err := d.Plan(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Apply(t.Context(), again))

	after["brute_force_protection"] = false
	require.NoError(t, client.SetConnectionOptions(t.Context(), id, after))
	require.ErrorIs(t, d.Apply(t.Context(), plan), customdb.ErrDrift)

	remove, err := d.PlanRemove(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Apply(t.Context(), remove))
	_, removed := options(t, client)
	require.Contains(t, removed["customScripts"].(map[string]any)["login"], "WrongUsernameOrPasswordError")
	require.NotContains(t, removed["customScripts"].(map[string]any)["login"], "fetch")
	require.Equal(t, true, removed["import_mode"])
	require.NotContains(t, removed["configuration"], "AUTH0KIT_KEY")

	removed["customScripts"] = map[string]any{"login": "function theirs() {}"}
	require.NoError(t, client.SetConnectionOptions(t.Context(), id, removed))
	_, err = d.Plan(t.Context())
	require.ErrorContains(t, err, "of another hand")
}

// A connection whose scripts have a context gets scripts with one; the switch is
// never touched.
func TestScriptContext(t *testing.T) {
	t.Parallel()
	client := newClient()
	id, before := options(t, client)
	before["enable_script_context"] = true
	require.NoError(t, client.SetConnectionOptions(t.Context(), id, before))
	d, err := customdb.NewDeployment(client, "customers", "https://login.example.com/", [][]byte{key}, customdb.DeploymentConfig{})
	require.NoError(t, err)
	plan, err := d.Plan(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Apply(t.Context(), plan))
	_, after := options(t, client)
	scripts := after["customScripts"].(map[string]any)
	require.Contains(t, scripts["login"], "function login(identifier, password, context, callback)")
	require.Contains(t, scripts["get_user"], "function getByEmail(identifier, context, callback)")
	require.NotContains(t, scripts, "change_password")
}

func TestNewDeploymentRefuses(t *testing.T) {
	t.Parallel()
	client := newClient()
	for _, bad := range []string{"", "http://login.example.com/", "https://login.example.com", "https://x/?a=b", "https://x/'+evil+'/", "https://u:p@x/"} {
		_, err := customdb.NewDeployment(client, "customers", bad, [][]byte{key}, customdb.DeploymentConfig{})
		require.ErrorContains(t, err, "url", bad)
	}
	d, err := customdb.NewDeployment(client, "nowhere", "https://login.example.com/", [][]byte{key}, customdb.DeploymentConfig{})
	require.NoError(t, err)
	_, err = d.Plan(t.Context())
	require.ErrorIs(t, err, resource.ErrNotFound)
	require.ErrorContains(t, d.Apply(t.Context(), nil), "plan must come")
}

func FuzzHandler(f *testing.F) {
	f.Add(`{"script":"login","identifier":"ada@example.com","password":"right"}`)
	h, err := customdb.Handler(legacy{}, [][]byte{key}, customdb.Config{})
	require.NoError(f, err)
	ring, err := webhook.New([][]byte{key})
	require.NoError(f, err)
	n := 0
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(body))
		n++
		ring.Sign(r.Header, fmt.Sprint("msg_", n), time.Now(), []byte(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusOK && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q is answered %q", body, w.Body)
		}
	})
}
