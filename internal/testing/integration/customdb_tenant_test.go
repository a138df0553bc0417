package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// customTenant is a tenant with a connection whose scripts reach a handler.
type customTenant struct {
	*testing.T
	*auth0test.Tenant
	app    auth0test.Application
	asked  atomic.Int64 // how often the customer's own database was asked
	server *httptest.Server
}

func newCustomTenant(t *testing.T, handler http.Handler) *customTenant {
	t.Helper()
	c := &customTenant{T: t, Tenant: auth0test.NewTenant(auth0test.Options{})}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(c.server.Close)
	engine, err := scripts.New(scripts.Config{Hosts: []string{strings.TrimPrefix(c.server.URL, "http://")}, Console: func(line string) { t.Log(line) }})
	require.NoError(t, err)
	c.RunScripts(engine)
	c.AddConnection(migrationConnection, "auth0")
	c.app = c.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	return c
}

func (c *customTenant) login(identifier, password string) error {
	_, err := c.Login(c.Context(), auth0test.Login{ClientID: c.app.ID, Connection: migrationConnection, Identifier: identifier, Password: password})
	return err
}

func (c *customTenant) post(path string, doc map[string]any) (int, string) {
	c.Helper()
	body, err := json.Marshal(doc)
	require.NoError(c, err)
	r, err := http.NewRequestWithContext(c.Context(), "POST", c.Issuer()+path, strings.NewReader(string(body)))
	require.NoError(c, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.HTTPClient().Do(r)
	require.NoError(c, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c, err)
	return answer.StatusCode, string(text)
}

func (c *customTenant) signUp(email string) (int, string) {
	return c.post("dbconnections/signup", map[string]any{"client_id": c.app.ID, "connection": migrationConnection, "email": email, "password": "Correct-horse-1!"})
}

// reset asks for another password and sets it by the link of the mail, "" without one.
func (c *customTenant) reset(email, password string) (page string) {
	c.Helper()
	before := len(c.Outbox())
	status, text := c.post("dbconnections/change_password", map[string]any{"client_id": c.app.ID, "connection": migrationConnection, "email": email})
	require.Equal(c, 200, status, text)
	if len(c.Outbox()) == before {
		return ""
	}
	link, err := url.Parse(c.Outbox()[before].URL)
	require.NoError(c, err)
	answer, err := c.HTTPClient().PostForm(c.Issuer()+"u/reset-password?"+link.RawQuery, url.Values{"newPassword": {password}, "confirmNewPassword": {password}})
	require.NoError(c, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(c, err)
	return string(body)
}

func (c *customTenant) logged(code string) bool {
	c.Helper()
	for l, err := range c.Management().Logs(c.Context(), "") {
		require.NoError(c, err)
		if l.Type == code {
			return true
		}
	}
	return false
}

// The scripts of customdb, deployed into the tenant, run where Auth0 runs them: the
// first login moves the user, and the second asks nobody; sign-ups and new addresses
// of users of the old side are refused; a reset moves the user too.
func TestCustomDatabaseAtTheTenant(t *testing.T) {
	t.Parallel()
	for name, withContext := range map[string]bool{"three arguments": false, "with context": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux, up := http.NewServeMux(), true
			c := newCustomTenant(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !up {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				mux.ServeHTTP(w, r)
			}))
			client := c.Management()
			users, err := lazy.New(newLegacyUsers(9), client, migrationRun, lazy.Config{})
			require.NoError(t, err)
			keys := [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
			handler, err := customdb.Handler(users, keys, customdb.Config{})
			require.NoError(t, err)
			mux.Handle("POST /auth0/{script}", handler)
			if withContext {
				all, err := client.DatabaseConnections(t.Context())
				require.NoError(t, err)
				for _, con := range all {
					if con.Name == migrationConnection {
						con.Options["enable_script_context"] = true
						require.NoError(t, client.SetConnectionOptions(t.Context(), con.ID, con.Options))
					}
				}
			}
			var sent []string // to the connection
			machine := c.Machine()
			deployer, err := management.New(management.Config{
				Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
				HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodPatch {
						body, err := io.ReadAll(r.Body)
						if err != nil {
							return nil, err
						}
						sent, r.Body = append(sent, string(body)), io.NopCloser(bytes.NewReader(body))
					}
					return c.HTTPClient().Transport.RoundTrip(r)
				})},
			})
			require.NoError(t, err)
			d, err := customdb.NewDeployment(deployer, migrationConnection, c.server.URL+"/auth0/", keys, customdb.DeploymentConfig{})
			require.NoError(t, err)
			for range 2 { // The second reads the key encrypted, and writes it again.
				plan, err := d.Plan(t.Context())
				require.NoError(t, err)
				require.NoError(t, d.Apply(t.Context(), plan))
			}
			require.NotEmpty(t, sent)
			for _, body := range sent {
				require.True(t, strings.HasPrefix(body, `{"options":{`), "the options alone: %s", body)
				require.NotContains(t, body, "enabled_clients")
			}

			require.NoError(t, c.login("user1@example.com", "correct-Horse7"))
			asked := c.asked.Load()
			require.Positive(t, asked)
			require.NoError(t, c.login("user1@example.com", "correct-Horse7"))
			require.Error(t, c.login("user1@example.com", "wrong"))
			require.Equal(t, asked, c.asked.Load(), "who has moved is known at Auth0")
			moved, err := client.UsersByEmail(t.Context(), "user1@example.com")
			require.NoError(t, err)
			require.Len(t, moved, 1)
			assert.Equal(t, "auth0|old|u000001", moved[0].ID)
			require.ErrorContains(t, c.login("user2@example.com", "wrong"), "Wrong email or password")
			require.ErrorContains(t, c.login("nobody@example.com", "correct-Horse7"), "Wrong email or password")
			assert.True(t, c.logged("fp"))

			status, text := c.signUp("user3@example.com")
			assert.Equal(t, 400, status, text)
			status, text = c.signUp("new@example.com")
			assert.Equal(t, 200, status, text)
			_, err = client.UpdateUser(t.Context(), moved[0].ID, resource.UserPatch{Email: new("user4@example.com")})
			require.ErrorIs(t, err, resource.ErrConflict)

			require.Contains(t, c.reset("user5@example.com", "Another-horse-2!"), "new password")
			require.NoError(t, c.login("user5@example.com", "Another-horse-2!"))
			require.Error(t, c.login("user5@example.com", "correct-Horse7"))
			assert.Empty(t, c.reset("nobody@example.com", "Another-horse-2!"))

			up = false
			require.NoError(t, c.login("user1@example.com", "correct-Horse7"))
			require.ErrorContains(t, c.login("user6@example.com", "correct-Horse7"), "try again later")
			assert.True(t, c.logged("f"))
			status, _ = c.signUp("other@example.com")
			assert.Equal(t, 400, status, "nobody can tell")
		})
	}
}

// ownDatabase has users of its own, for scripts of its own that reach it by fetch.
const ownDatabase = `
async function %s {
  try {
    const answer = await (await fetch(configuration.BASE + '%s', {method: 'POST', body: JSON.stringify(%s)})).json();
    if (answer.error === 'password') return callback(new WrongUsernameOrPasswordError(%s, 'no such password'));
    if (answer.error === 'exists') return callback(new ValidationError('user_exists', 'is there'));
    callback(null, answer.result);
  } catch (e) { callback(e); }
}`

// Without import the customer's own database stays in charge: each login, sign-up and
// change of a password asks it, and nothing of a password is kept at the tenant.
func TestCustomDatabaseWithoutImport(t *testing.T) {
	t.Parallel()
	passwords := map[string]string{"ada@example.com": "Correct-horse-1!"}
	c := newCustomTenant(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Email, Password string }
		if json.NewDecoder(r.Body).Decode(&q) != nil {
			w.WriteHeader(400)
			return
		}
		have, known := passwords[q.Email]
		profile := map[string]any{"user_id": "own-" + q.Email, "email": q.Email, "app_metadata": map[string]any{"plan": "gold"}}
		answer := map[string]any{}
		switch r.URL.Path {
		case "/login":
			if answer["result"] = profile; !known || have != q.Password {
				answer = map[string]any{"error": "password"}
			}
		case "/get_user":
			if known {
				answer["result"] = profile
			}
		case "/create":
			if answer["result"] = nil; known {
				answer = map[string]any{"error": "exists"}
			} else {
				passwords[q.Email] = q.Password
			}
		case "/change_password":
			if answer["result"] = known && q.Password != "Refused-horse-1!"; answer["result"] == true {
				passwords[q.Email] = q.Password
			}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	script := func(head, path, body, about string) string {
		return fmt.Sprintf(ownDatabase, head, path, body, about)
	}
	client := c.Management()
	all, err := client.DatabaseConnections(t.Context())
	require.NoError(t, err)
	for _, con := range all {
		if con.Name != migrationConnection {
			continue
		}
		con.Options["enabledDatabaseCustomization"], con.Options["import_mode"] = true, false
		con.Options["configuration"] = map[string]any{"BASE": c.server.URL}
		require.NoError(t, client.SetConnectionOptions(t.Context(), con.ID, con.Options))
		require.Error(t, c.login("ada@example.com", "Correct-horse-1!"), "there is no script")
		con.Options["customScripts"] = map[string]any{
			"login":           script("login(email, password, callback)", "/login", "{email, password}", "email"),
			"get_user":        script("(email, callback)", "/get_user", "{email}", "email"), // has no name
			"create":          script("create(user, callback)", "/create", "user", "user.email"),
			"change_password": script("change(email, password, callback)", "/change_password", "{email, password}", "email"),
		}
		require.NoError(t, client.SetConnectionOptions(t.Context(), con.ID, con.Options))
	}
	for range 2 {
		asked := c.asked.Load()
		require.NoError(t, c.login("ada@example.com", "Correct-horse-1!"))
		require.Equal(t, asked+1, c.asked.Load())
	}
	ada, err := client.UsersByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.Len(t, ada, 1)
	assert.Equal(t, "auth0|own-ada@example.com", ada[0].ID)
	assert.Equal(t, "gold", ada[0].AppMetadata["plan"])
	require.ErrorContains(t, c.login("ada@example.com", "wrong"), "Wrong email or password")

	status, text := c.signUp("bob@example.com")
	require.Equal(t, 200, status, text)
	assert.Equal(t, "Correct-horse-1!", passwords["bob@example.com"])
	require.NoError(t, c.login("bob@example.com", "Correct-horse-1!"))
	passwords["eve@example.com"] = "x"
	status, _ = c.signUp("eve@example.com")
	assert.Equal(t, 400, status)
	_, err = client.CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: migrationConnection, Email: "eve@example.com"}, Password: "Correct-horse-1!"})
	require.ErrorIs(t, err, resource.ErrConflict)
	made, err := client.CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: migrationConnection, Email: "cy@example.com"}, Password: "Correct-horse-1!"})
	require.NoError(t, err)
	assert.Equal(t, "auth0|own-cy@example.com", made.ID)

	require.Contains(t, c.reset("ada@example.com", "Refused-horse-1!"), "not changed")
	require.Contains(t, c.reset("ada@example.com", "Another-horse-2!"), "new password")
	assert.Equal(t, "Another-horse-2!", passwords["ada@example.com"])
	require.NoError(t, c.login("ada@example.com", "Another-horse-2!"))
	require.Error(t, c.login("ada@example.com", "Correct-horse-1!"))
	require.ErrorContains(t, client.DeleteUser(t.Context(), ada[0].ID), "400", "there is no delete script")
}

// The scripts that follow a change at the tenant: without them, and where they say
// no, the tenant changes nothing.
func TestCustomDatabaseFollowsChanges(t *testing.T) {
	t.Parallel()
	var told []string
	answer := "true"
	c := newCustomTenant(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told = append(told, r.URL.Path+" "+string(body))
		fmt.Fprintf(w, `{"result":%s}`, answer)
	}))
	client := c.Management()
	all, err := client.DatabaseConnections(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(all, func(con resource.Connection) bool { return con.Name == migrationConnection })
	options := all[i].Options
	options["enabledDatabaseCustomization"], options["import_mode"] = true, false
	options["configuration"] = map[string]any{"BASE": c.server.URL}
	ada := c.AddUser(resource.User{Email: "ada@example.com", Connection: migrationConnection, ID: "7"}, "")
	set := func(scripts map[string]any) {
		options["customScripts"] = scripts
		require.NoError(t, client.SetConnectionOptions(t.Context(), all[i].ID, options))
	}
	verify := func() int {
		require.NoError(t, client.SendVerificationEmail(t.Context(), ada))
		c.Advance(time.Minute) // The mail is a job.
		sent := c.Outbox()
		page, err := c.HTTPClient().Get(sent[len(sent)-1].URL)
		require.NoError(t, err)
		page.Body.Close()
		return page.StatusCode
	}
	set(map[string]any{"get_user": "function(email, callback) { callback(null, null); }"})
	_, err = client.UpdateUser(t.Context(), ada, resource.UserPatch{Email: new("eve@example.com")})
	require.ErrorContains(t, err, "400 Bad Request (auth0_idp_error)", "there is no script")
	require.Equal(t, 400, verify())
	require.ErrorContains(t, client.DeleteUser(t.Context(), ada), "400")

	set(map[string]any{
		"get_user":     "function(email, callback) { callback(null, null); }",
		"verify":       fmt.Sprintf(ownDatabase, "verify(email, callback)", "/verify", "{email}", "email"),
		"change_email": fmt.Sprintf(ownDatabase, "changed(email, next, verified, callback)", "/change_email", "{email, next, verified}", "email"),
		"delete":       fmt.Sprintf(ownDatabase, "remove(id, callback)", "/delete", "{id}", "id"),
	})
	answer = "false"
	_, err = client.UpdateUser(t.Context(), ada, resource.UserPatch{Email: new("eve@example.com")})
	require.ErrorContains(t, err, "400", "the script says no")
	require.Equal(t, 400, verify())
	u, err := client.User(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, "ada@example.com", u.Email)
	assert.False(t, u.EmailVerified)

	answer, told = "true", nil
	_, err = client.UpdateUser(t.Context(), ada, resource.UserPatch{Email: new("eve@example.com")})
	require.NoError(t, err)
	require.Equal(t, 200, verify())
	answer = "null"
	require.NoError(t, client.DeleteUser(t.Context(), ada))
	assert.Equal(t, []string{`/change_email {"email":"ada@example.com","next":"eve@example.com","verified":false}`, `/verify {"email":"eve@example.com"}`, `/delete {"id":"7"}`}, told)
}
