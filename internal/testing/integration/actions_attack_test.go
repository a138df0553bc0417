package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
)

// cachedRun runs an Action in a new instance, with a cache that others share, and
// returns how many claims it set.
func cachedRun(t *testing.T, a resource.Action, host string, cache map[string]string, change func(e map[string]any)) (claimed int) {
	t.Helper()
	e, err := scripts.New(scripts.Config{Hosts: []string{host}, Console: func(line string) { t.Log(line) }})
	require.NoError(t, err)
	api := map[string]any{
		"cache": map[string]any{
			"get": func(key string) any {
				if v, kept := cache[key]; kept {
					return map[string]any{"value": v}
				}
				return nil
			},
			"set":    func(key, value string, _ any) { cache[key] = value },
			"delete": func(key string) { delete(cache, key) },
		},
		"access":  map[string]any{"deny": func(string) {}},
		"idToken": map[string]any{"setCustomClaim": func(string, any) { claimed++ }}, "accessToken": map[string]any{"setCustomClaim": func(string, any) {}},
	}
	for range 3 { // Three failures open the breaker.
		require.NoError(t, e.Run(t.Context(), a.Code, loginEvent(a, change), api))
	}
	return claimed
}

// Auth0's cache is that of all Actions of a trigger. A new instance takes the hint of
// its own server, and none about another's.
func TestShimHintIsOfOneServer(t *testing.T) {
	t.Parallel()
	p := loginPipeline(t)
	down := tap(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	up := tap(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	broken, good := generate(t, p, down.URL, actions.DeploymentConfig{}), generate(t, p, up.URL, actions.DeploymentConfig{})
	cache := map[string]string{}
	cachedRun(t, broken, down.host(), cache, nil)
	assert.Len(t, down.taken(), 3)
	require.Len(t, cache, 1)
	for key := range cache {
		assert.LessOrEqual(t, len(key), 64, "as long as Auth0 takes")
	}
	assert.Equal(t, 3, cachedRun(t, good, up.host(), cache, nil), "another server")
	assert.Len(t, cache, 1, "and it removes no hint of others")
	cachedRun(t, broken, down.host(), cache, nil)
	assert.Empty(t, down.taken(), "a new instance does not ask a server that is down")
}

// An event that cannot be sent costs others nothing.
func TestShimEventsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	p := loginPipeline(t)
	s := tap(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	a := generate(t, p, s.URL, actions.DeploymentConfig{})
	cache := map[string]string{}
	broken := func(e map[string]any) { at(e, "authentication")["methods"] = 7 }
	assert.Zero(t, cachedRun(t, a, s.host(), cache, broken))
	assert.Empty(t, s.taken())
	assert.Empty(t, cache, "the breaker is closed")
}

// A setting that the diff has no words for is a change all the same.
func TestPlanOfOtherSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := scriptedTenant(t).Management()
		d := deployment(t, client, loginPipeline(t), actions.DeploymentConfig{})
		applied(t, d, d.Plan)
		list, err := client.Actions(t.Context(), "post-login")
		require.NoError(t, err)
		older := strings.Replace(list[0].Code, `"appMetadata",`, ``, 1) // As of a version that knew fewer operations.
		require.NotEqual(t, list[0].Code, older)
		_, err = client.UpdateAction(t.Context(), list[0].ID, resource.Action{Code: older})
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = client.DeployAction(t.Context(), list[0].ID)
		require.NoError(t, err)
		assert.Equal(t, "auth0kit-post-login at post-login\n  ~ code\n", applied(t, d, d.Plan))
		list, err = client.Actions(t.Context(), "post-login")
		require.NoError(t, err)
		assert.Contains(t, list[0].Code, `"appMetadata",`)
	})
}

// A draft in which somebody has set or removed the secret is not deployed as it is.
func TestDeploymentMendsTheSecret(t *testing.T) {
	t.Parallel()
	p := loginPipeline(t)
	h := hookedBy(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	h.tenant.AddUser(resource.User{Email: "ada@example.com", AppMetadata: map[string]any{"plan": "gold"}}, "correct horse")
	h.deploy(p, actionKeys...)
	client := h.tenant.Management()
	list, err := client.Actions(t.Context(), "post-login")
	require.NoError(t, err)
	for name, secrets := range map[string]map[string]string{"another": {"AUTH0KIT_KEY": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "none": {}} {
		for _, deployed := range []bool{false, true} {
			if name == "another" && deployed {
				continue // Secrets cannot be read: nobody can tell.
			}
			_, err := client.UpdateAction(t.Context(), list[0].ID, resource.Action{Secrets: secrets})
			require.NoError(t, err)
			if deployed {
				_, err := client.DeployAction(t.Context(), list[0].ID)
				require.NoError(t, err)
			}
			h.deploy(p, actionKeys...)
			tokens, err := h.login("ada@example.com")
			require.NoError(t, err, name)
			assert.Equal(t, "gold", h.claims(tokens.ID)[claims+"plan"], name)
		}
	}
}

// unbuilt is a Target whose draft cannot be built until it is written again.
type unbuilt struct {
	actions.Target
	failed, deleted bool
}

func (u *unbuilt) Actions(ctx context.Context, trigger string) ([]resource.Action, error) {
	list, err := u.Target.Actions(ctx, trigger)
	for i := range list {
		if u.failed {
			list[i].Status = "failed"
		}
	}
	return list, err
}

func (u *unbuilt) UpdateAction(ctx context.Context, id string, a resource.Action) (*resource.Action, error) {
	u.failed = false
	return u.Target.UpdateAction(ctx, id, a)
}

func (u *unbuilt) DeleteAction(ctx context.Context, id string) error {
	if u.deleted { // Somebody else is a moment earlier.
		if err := u.Target.DeleteAction(ctx, id); err != nil {
			return err
		}
	}
	return u.Target.DeleteAction(ctx, id)
}

func TestDeploymentAfterAFailedBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &unbuilt{Target: scriptedTenant(t).Management(), failed: true, deleted: true}
		d := deployment(t, target, loginPipeline(t), actions.DeploymentConfig{})
		p, err := d.Plan(t.Context())
		require.NoError(t, err)
		require.ErrorContains(t, d.Apply(t.Context(), p), "could not build")
		assert.Empty(t, boundNames(t, target))
		applied(t, d, d.Plan)
		assert.Len(t, boundNames(t, target), 1, "another plan builds again")

		require.NoError(t, target.SetBindings(t.Context(), "post-login", nil))
		assert.Equal(t, "auth0kit-post-login at post-login\n  - Action, its versions and its secret\n", applied(t, d, d.PlanRemove), "somebody has unbound it, and deletes it")
	})
}

// The code has Auth0's limit.
func TestDeploymentOfLargeCode(t *testing.T) {
	t.Parallel()
	d, err := actions.NewDeployment(scriptedTenant(t).Management(), loginPipeline(t), "https://login.example.com/"+strings.Repeat("x", 100_000), actionKeys, actions.DeploymentConfig{})
	require.NoError(t, err)
	assert.ErrorContains(t, d.Validate(), "Auth0 takes 100000")
	_, err = d.Plan(t.Context())
	assert.ErrorContains(t, err, "Auth0 takes 100000")
}
