package integration

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Keys are changed as Handler's doc says, with an Action deployed and a login after
// each step; and in another order logins are denied.
func TestKeysRotateLive(t *testing.T) {
	t.Parallel()
	old, fresh := []byte(strings.Repeat("old key ", 4)), []byte(strings.Repeat("new key ", 4))
	p := loginPipeline(t)
	var handler atomic.Pointer[http.Handler]
	h := hookedBy(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handler.Load()).ServeHTTP(w, r) }))
	h.tenant.AddUser(resource.User{Email: "ada@example.com", AppMetadata: map[string]any{"plan": "gold"}}, "correct horse")
	serve := func(keys ...[]byte) {
		one := serveActions(t, keys, actions.HandlerConfig{}, p)
		handler.Store(&one)
	}
	logsIn := func(step string) {
		t.Helper()
		tokens, err := h.login("ada@example.com")
		require.NoError(t, err, step)
		assert.Equal(t, "gold", h.claims(tokens.ID)[claims+"plan"], step)
	}
	serve(old)
	h.deploy(p, old)
	logsIn("the first key")
	serve(old, fresh)
	logsIn("added to the end")
	serve(fresh, old)
	logsIn("moved to the front")
	h.deploy(p, fresh, old)
	logsIn("deployed")
	serve(fresh)
	logsIn("the old one dropped")
	serve(old)
	_, err := h.login("ada@example.com")
	require.Error(t, err, "a key that the server does not have")
}

// One of two deployments is removed: the other, and those of others, stay bound.
func TestOneOfTwoDeploymentsIsRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := scriptedTenant(t)
		foreign(t, tenant)
		time.Sleep(time.Second) // They are built.
		before := others(t, tenant)
		a := deployment(t, tenant.Management(), loginPipeline(t), actions.DeploymentConfig{Name: "auth0kit-a"})
		b := deployment(t, tenant.Management(), loginPipeline(t), actions.DeploymentConfig{Name: "auth0kit-b"})
		applied(t, a, a.Plan)
		applied(t, b, b.Plan)
		applied(t, a, a.PlanRemove)
		assert.Equal(t, []string{"Shown as first", "Shown as second", "Shown as third", "auth0kit-b"}, boundNames(t, tenant.Management()))
		assert.Equal(t, before, others(t, tenant))
		p, err := b.Plan(t.Context())
		require.NoError(t, err)
		assert.True(t, p.Empty(), "the other is as it was deployed")
	})
}

// What the handler has kept in a database is replayed through another pipeline, on
// every product.
func TestReplayOutOfADatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		store := openSQLActions(t, p.open(t), p.dialect, sealKey)
		segment := actions.Segment(claims+"segment", store)
		segment.Timeout = time.Second // A busy database is no part of this test.
		live := loginPipeline(t, actions.MetadataClaims(claims, "plan"), segment)
		h := hookedBy(t, serveActions(t, actionKeys, actions.HandlerConfig{History: store, Seen: store}, live))
		h.deploy(live, actionKeys...)
		from := time.Now().Add(-time.Minute)
		for _, email := range []string{"ada@example.com", "bob@example.com"} {
			h.tenant.AddUser(resource.User{Email: email, AppMetadata: map[string]any{"plan": "gold", "seats": 3}}, "correct horse")
			_, err := h.login(email)
			require.NoError(t, err)
		}
		h.server.Close() // what is kept after the answer is kept now
		next := loginPipeline(t, actions.MetadataClaims(claims, "plan", "seats"), segment)
		var out strings.Builder
		sum, err := actions.WriteDiffs(&out, actions.Replay(t.Context(), store, from, time.Now().Add(time.Minute), next))
		require.NoError(t, err)
		assert.Equal(t, actions.Summary{Events: 2, Changed: 2}, sum, out.String())
		assert.Equal(t, 2, strings.Count(out.String(), "ID token: + "+claims+"seats\n"))
		sum, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), store, from, time.Now().Add(time.Minute), live))
		require.NoError(t, err)
		assert.Equal(t, actions.Summary{Events: 2, Same: 2}, sum, out.String())
	})
}
