package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
)

var _ actions.Target = (*management.Client)(nil)

const claims = "https://example.com/"

var actionKeys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}

func loginPipeline(t testing.TB, steps ...actions.Step) *actions.Pipeline {
	t.Helper()
	if len(steps) == 0 {
		steps = []actions.Step{actions.Suspended("Your account is suspended."), actions.MetadataClaims(claims, "plan")}
	}
	p, err := actions.New(actions.PostLogin, steps...)
	require.NoError(t, err)
	return p
}

// scriptedTenant is a tenant that runs Actions: others refuse bindings.
func scriptedTenant(t testing.TB) *auth0test.Tenant {
	t.Helper()
	engine, err := scripts.New(scripts.Config{})
	require.NoError(t, err)
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.RunScripts(engine)
	return tenant
}

func deployment(t testing.TB, target actions.Target, p *actions.Pipeline, cfg actions.DeploymentConfig) *actions.Deployment {
	t.Helper()
	d, err := actions.NewDeployment(target, p, "https://login.example.com/auth0/actions", actionKeys, cfg)
	require.NoError(t, err)
	return d
}

// applied plans, applies and returns the diff.
func applied(t testing.TB, d *actions.Deployment, plan func(context.Context) (*actions.Plan, error)) string {
	t.Helper()
	p, err := plan(t.Context())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, p.WriteDiff(&out, false))
	require.NoError(t, d.Apply(t.Context(), p))
	return out.String()
}

// foreign binds three Actions of others, each with a module of its own.
func foreign(t testing.TB, tenant *auth0test.Tenant) {
	t.Helper()
	client := tenant.Management()
	call := func(method, path string, in any) (out map[string]any) {
		t.Helper()
		body, err := json.Marshal(in)
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), method, tenant.Issuer()+"api/v2"+path, bytes.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.HTTPClient().Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Less(t, answer.StatusCode, 300, path)
		if answer.StatusCode != http.StatusNoContent {
			require.NoError(t, json.NewDecoder(answer.Body).Decode(&out))
		}
		return out
	}
	var bound []resource.Binding
	for _, name := range []string{"first", "second", "third"} {
		module := call("POST", "/actions/modules", map[string]any{"name": "module-" + name, "code": "exports.x = 1", "publish": true})
		version := module["latest_version"].(map[string]any)["id"]
		a := call("POST", "/actions/actions", map[string]any{
			"name": name, "code": "exports.onExecutePostLogin = async () => {};", "supported_triggers": []any{map[string]any{"id": "post-login"}}, "deploy": true,
			"modules": []any{map[string]any{"module_id": module["id"], "module_version_id": version}}, "secrets": []any{map[string]any{"name": "s", "value": "v"}},
		})
		bound = append(bound, resource.Binding{ActionID: a["id"].(string), Name: "Shown as " + name})
	}
	require.NoError(t, client.SetBindings(t.Context(), "post-login", bound))
}

// others is everything about the Actions and bindings of others.
func others(t testing.TB, tenant *auth0test.Tenant) string {
	t.Helper()
	var out strings.Builder
	for _, path := range []string{"/actions/actions?per_page=100", "/actions/triggers/post-login/bindings?per_page=100"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", tenant.Issuer()+"api/v2"+path, nil)
		require.NoError(t, err)
		answer, err := tenant.Management().HTTPClient().Do(r)
		require.NoError(t, err)
		var doc struct{ Actions, Bindings []map[string]any }
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&doc))
		answer.Body.Close()
		for _, m := range doc.Bindings {
			delete(m, "updated_at") // A binding that is written again is otherwise the same.
		}
		for _, m := range slices.Concat(doc.Actions, doc.Bindings) {
			text, err := json.Marshal(m)
			require.NoError(t, err)
			if !strings.Contains(string(text), "auth0kit") {
				out.Write(append(text, '\n'))
			}
		}
	}
	return out.String()
}

func boundNames(t testing.TB, client actions.Target) (out []string) {
	t.Helper()
	list, err := client.Bindings(t.Context(), "post-login")
	require.NoError(t, err)
	for _, b := range list {
		out = append(out, b.Name)
	}
	return out
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := scriptedTenant(t)
		client := tenant.Management()
		foreign(t, tenant)
		time.Sleep(time.Second) // They are built.
		before := others(t, tenant)
		require.Contains(t, before, "module_version_id")
		unchanged := func(when string) {
			t.Helper()
			assert.Equal(t, before, others(t, tenant), when)
		}
		d := deployment(t, client, loginPipeline(t), actions.DeploymentConfig{})
		assert.Equal(t, `auth0kit-post-login at post-login
  + Action, with the secret AUTH0KIT_KEY
  + url: https://login.example.com/auth0/actions
  + timeout: 1s
  + without an answer: deny
  + suspended users are told: Your account is suspended.
  + key: `+keyOf(t, d)+`
  + sends organization.metadata
  + binding auth0kit-post-login, after Shown as first, Shown as second, Shown as third
`, applied(t, d, d.Plan))
		unchanged("after the first deployment")
		assert.Equal(t, []string{"Shown as first", "Shown as second", "Shown as third", "auth0kit-post-login"}, boundNames(t, client))
		p, err := d.Plan(t.Context())
		require.NoError(t, err)
		assert.True(t, p.Empty())

		next := deployment(t, client, loginPipeline(t, actions.MetadataClaims(claims, "plan"), actions.EmailVerified("Verify it.")), actions.DeploymentConfig{
			OnUnreachable: actions.AllowLogin, Timeout: 1500 * time.Millisecond, Send: []string{"user.name"}})
		assert.Equal(t, `auth0kit-post-login at post-login
  ~ timeout: 1s -> 1.5s
  ~ without an answer: deny -> allow
  ~ suspended users are told: Your account is suspended. -> nothing
  + sends user.email_verified
  + sends user.name
  - sends organization.metadata
`, applied(t, next, next.Plan))
		unchanged("after the second")
		assert.Contains(t, applied(t, next, next.PlanRollback), "~ version 2 of ")
		unchanged("after the rollback")
		p, err = d.Plan(t.Context())
		require.NoError(t, err)
		assert.False(t, p.Empty(), "the draft is not what runs")
		assert.Equal(t, "auth0kit-post-login at post-login\n  - binding auth0kit-post-login\n  - Action, its versions and its secret\n", applied(t, next, next.PlanRemove))
		unchanged("after the removal")
		assert.Len(t, boundNames(t, client), 3)
		p, err = next.PlanRemove(t.Context())
		require.NoError(t, err)
		assert.True(t, p.Empty())
		require.NoError(t, next.Apply(t.Context(), p))
		_, err = next.PlanRollback(t.Context())
		assert.ErrorIs(t, err, actions.ErrNoVersion)
	})
}

// keyOf reads which key a plan names, which is not the key.
func keyOf(t testing.TB, d *actions.Deployment) string {
	t.Helper()
	p, err := d.Plan(t.Context())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, p.WriteDiff(&out, false))
	_, after, _ := strings.Cut(out.String(), "+ key: ")
	key, _, _ := strings.Cut(after, "\n")
	require.Len(t, key, 8)
	require.NotContains(t, out.String(), "whsec_")
	return key
}

// Another key, and a draft that was never deployed, are changes.
func TestDeploymentGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := scriptedTenant(t)
		client := tenant.Management()
		d := deployment(t, client, loginPipeline(t), actions.DeploymentConfig{})
		_, err := d.PlanRollback(t.Context())
		require.ErrorIs(t, err, actions.ErrNoVersion)
		stop := &failing{Target: client, on: "DeployAction"}
		half := deployment(t, stop, loginPipeline(t), actions.DeploymentConfig{})
		p, err := half.Plan(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, half.Apply(t.Context(), p), errStopped)
		assert.ErrorIs(t, half.Apply(t.Context(), p), actions.ErrDrift, "a plan is good for what it was made from")
		assert.Equal(t, "auth0kit-post-login at post-login\n  ~ deploy the draft, which is not what runs\n  + binding auth0kit-post-login\n", applied(t, d, d.Plan))
		_, err = d.PlanRollback(t.Context())
		assert.ErrorIs(t, err, actions.ErrNoVersion, "the first version has none before it")

		rotated, err := actions.NewDeployment(client, loginPipeline(t), "https://login.example.com/auth0/actions",
			[][]byte{[]byte("fedcba9876543210fedcba9876543210"), actionKeys[0]}, actions.DeploymentConfig{})
		require.NoError(t, err)
		assert.Contains(t, applied(t, rotated, rotated.Plan), "~ key: ")
		assert.Error(t, rotated.Apply(t.Context(), p), "a plan of another deployment")
		assert.Error(t, rotated.Apply(t.Context(), nil))

		_, err = client.CreateAction(t.Context(), resource.Action{Name: "mine", Code: "exports.onExecutePostLogin = async () => {};"})
		require.NoError(t, err)
		_, err = deployment(t, client, loginPipeline(t), actions.DeploymentConfig{Name: "mine"}).Plan(t.Context())
		assert.ErrorContains(t, err, "was not made by a Deployment")
	})
}

var errStopped = errors.New("stopped")

// failing is a Target of which one call fails.
type failing struct {
	actions.Target
	on string
}

func (f *failing) DeployAction(ctx context.Context, id string) (*resource.ActionVersion, error) {
	if f.on == "DeployAction" {
		return nil, errStopped
	}
	return f.Target.DeployAction(ctx, id)
}

// slow is a Target that lets another deployer in between reading and writing.
type slow struct {
	actions.Target
	pause time.Duration
}

func (s *slow) SetBindings(ctx context.Context, trigger string, b []resource.Binding) error {
	time.Sleep(s.pause)
	return s.Target.SetBindings(ctx, trigger, b)
}

func TestTwoDeployers(t *testing.T) {
	t.Parallel()
	for first := 0; first <= 400; first += 50 {
		synctest.Test(t, func(t *testing.T) {
			tenant := scriptedTenant(t)
			foreign(t, tenant)
			var wg sync.WaitGroup
			for name, pause := range map[string]int{"auth0kit-a": first, "auth0kit-b": 200} {
				wg.Go(func() {
					d := deployment(t, &slow{tenant.Management(), time.Duration(pause) * time.Millisecond}, loginPipeline(t), actions.DeploymentConfig{Name: name})
					p, err := d.Plan(t.Context())
					if assert.NoError(t, err) {
						assert.NoError(t, d.Apply(t.Context(), p))
					}
				})
			}
			wg.Wait()
			got := boundNames(t, tenant.Management())
			assert.Equal(t, []string{"Shown as first", "Shown as second", "Shown as third"}, got[:3])
			assert.ElementsMatch(t, []string{"auth0kit-a", "auth0kit-b"}, got[3:], first)
		})
	}
}

func TestDeploymentRefuses(t *testing.T) {
	t.Parallel()
	client := scriptedTenant(t).Management()
	p := loginPipeline(t)
	m2m, err := actions.New(actions.CredentialsExchange, actions.MetadataClaims(claims, "plan"))
	require.NoError(t, err)
	for want, build := range map[string]func() (*actions.Deployment, error){
		"Target": func() (*actions.Deployment, error) {
			return actions.NewDeployment(nil, p, "https://a.example/", actionKeys, actions.DeploymentConfig{})
		},
		"pipeline": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, nil, "https://a.example/", actionKeys, actions.DeploymentConfig{})
		},
		"https://": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, p, "http://a.example/", actionKeys, actions.DeploymentConfig{})
		},
		"absolute": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, p, "https://user@a.example/", actionKeys, actions.DeploymentConfig{})
		},
		"keys": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, p, "https://a.example/", nil, actions.DeploymentConfig{})
		},
		"Timeout": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, p, "https://a.example/", actionKeys, actions.DeploymentConfig{Timeout: 3 * time.Second})
		},
		"OnUnreachable": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, m2m, "https://a.example/", actionKeys, actions.DeploymentConfig{OnUnreachable: actions.RequireMFA})
		},
		"Send": func() (*actions.Deployment, error) {
			return actions.NewDeployment(client, p, "https://a.example/", actionKeys, actions.DeploymentConfig{Send: []string{"user.shoe_size"}})
		},
	} {
		_, err := build()
		assert.ErrorContains(t, err, want)
	}
	d := deployment(t, client, p, actions.DeploymentConfig{})
	require.NoError(t, d.Validate())
	needs := loginPipeline(t, actions.EmailVerified("Verify it."))
	assert.ErrorContains(t, d.Validate(needs), `needs "user.email_verified", which this deployment does not send`)
	assert.ErrorContains(t, d.Validate(m2m), "not for post-login")
	require.NoError(t, deployment(t, client, p, actions.DeploymentConfig{Send: []string{"user.email_verified"}}).Validate(needs))
}

// gone is a Target in which others are at work.
type gone struct {
	actions.Target
	version, bindings bool
}

func (g *gone) DeployActionVersion(ctx context.Context, id, versionID string) (*resource.ActionVersion, error) {
	if g.version {
		return nil, &resource.Error{Op: "deploy action version", StatusCode: http.StatusNotFound, Err: resource.ErrNotFound}
	}
	return g.Target.DeployActionVersion(ctx, id, versionID)
}

func (g *gone) SetBindings(ctx context.Context, trigger string, b []resource.Binding) error {
	if g.bindings {
		return nil // Somebody else's list wins each time.
	}
	return g.Target.SetBindings(ctx, trigger, b)
}

func TestDeploymentAmongOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := scriptedTenant(t)
		client := tenant.Management()
		target := &gone{Target: client, bindings: true}
		d := deployment(t, target, loginPipeline(t), actions.DeploymentConfig{})
		p, err := d.Plan(t.Context())
		require.NoError(t, err)
		assert.ErrorContains(t, d.Apply(t.Context(), p), "others keep changing the bindings")
		target.bindings = false
		applied(t, d, d.Plan)
		next := deployment(t, target, loginPipeline(t, actions.EmailVerified("Verify it.")), actions.DeploymentConfig{})
		applied(t, next, next.Plan)
		p, err = next.PlanRollback(t.Context())
		require.NoError(t, err)
		target.version = true
		assert.ErrorIs(t, next.Apply(t.Context(), p), actions.ErrNoVersion, "the version is gone")

		full := scriptedTenant(t).Management()
		var bound []resource.Binding
		for i := range 20 {
			a, err := full.CreateAction(t.Context(), resource.Action{Name: fmt.Sprint("a", i), Code: "exports.onExecutePostLogin = async () => {};"})
			require.NoError(t, err)
			time.Sleep(time.Second)
			_, err = full.DeployAction(t.Context(), a.ID)
			require.NoError(t, err)
			bound = append(bound, resource.Binding{ActionID: a.ID, Name: a.Name})
		}
		require.NoError(t, full.SetBindings(t.Context(), "post-login", bound))
		d = deployment(t, full, loginPipeline(t), actions.DeploymentConfig{})
		_, err = d.Plan(t.Context())
		assert.ErrorContains(t, err, "20 Actions are bound", "before anything is made")
		assert.Len(t, boundNames(t, full), 20)
	})
}
