//go:build unix

package integration

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
)

// scriptRun is a run of an Action.
type scriptRun struct {
	Event   map[string]any `json:"event"`
	Fresh   bool           `json:"fresh"`   // In a new instance, with an empty cache.
	Advance int            `json:"advance"` // Milliseconds that pass before it; Node alone.
}

// scriptCalls are what an Action has called, each with its arguments.
type scriptCalls [][]any

func (c scriptCalls) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// apiMethods are the functions of api that are recorded.
var apiMethods = map[string][]string{
	"access": {"deny"}, "idToken": {"setCustomClaim"}, "accessToken": {"setCustomClaim", "addScope", "removeScope"},
	"multifactor": {"enable"}, "user": {"setAppMetadata", "setUserMetadata"},
}

// inGoja runs an Action with package scripts.
func inGoja(t testing.TB, code string, hosts []string, runs []scriptRun) (out []scriptCalls) {
	t.Helper()
	engine := func() *scripts.Engine {
		e, err := scripts.New(scripts.Config{Hosts: hosts, Console: func(line string) { t.Log(line) }})
		require.NoError(t, err)
		return e
	}
	e := engine()
	for _, r := range runs {
		if r.Fresh {
			e = engine()
		}
		calls, api := scriptCalls{}, map[string]any{}
		var mu sync.Mutex
		for part, names := range apiMethods {
			m := map[string]any{}
			for _, name := range names {
				m[name] = func(args ...any) {
					mu.Lock()
					defer mu.Unlock()
					calls = append(calls, append([]any{part + "." + name}, args...))
				}
			}
			api[part] = m
		}
		require.NoError(t, e.Run(t.Context(), code, r.Event, api), "an Action never throws")
		out = append(out, calls)
	}
	return out
}

// nodeHost does what inGoja does.
const nodeHost = `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
let text = "";
for await (const part of process.stdin) text += part;
const { code, runs, methods } = JSON.parse(text);
const now = Date.now;
let passed = 0, action, cache, log = [];
Date.now = () => now() + passed;
console.log = (line) => log.push(line);
const freeze = (v) => { if (v && typeof v === "object") { Object.values(v).forEach(freeze); Object.freeze(v); } return v; };
const out = [];
for (const run of runs) {
  passed += run.advance;
  if (!action || run.fresh) {
    action = {};
    cache = new Map();
    new Function("exports", "require", code)(action, require);
  }
  const calls = [];
  const api = { cache: {
    get: (key) => cache.get(key), delete: (key) => { cache.delete(key); },
    set: (key, value, options) => { cache.set(key, { value, expires_at: Date.now() + (options?.ttl ?? 86400000) }); },
  } };
  for (const [part, names] of Object.entries(methods)) {
    api[part] = {};
    for (const name of names) api[part][name] = (...args) => { calls.push([part + "." + name, ...args]); return api; };
  }
  await Object.values(action)[0](freeze(run.event), api);
  out.push(calls);
}
process.stdout.write(JSON.stringify({ out, log }));
`

// inNode runs an Action with the Node of this machine, which is 20; Auth0's is 22.
func inNode(t testing.TB, code string, runs []scriptRun) []scriptCalls {
	t.Helper()
	input, err := json.Marshal(map[string]any{"code": code, "runs": runs, "methods": apiMethods})
	require.NoError(t, err)
	var stderr strings.Builder
	cmd := node.Command(t, nodeHost)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(input)), &stderr
	cmd.Env = append(cmd.Environ(), "TZ=UTC")
	text, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var got struct {
		Out []scriptCalls
		Log []string
	}
	require.NoError(t, json.Unmarshal(text, &got), string(text))
	if len(got.Log) > 0 {
		t.Log(strings.Join(got.Log, "; "))
	}
	return got.Out
}

// generated is a Target that keeps the Action that it is to create.
type generated struct {
	actions.Target
	action resource.Action
}

func (*generated) Actions(context.Context, string) ([]resource.Action, error)   { return nil, nil }
func (*generated) Bindings(context.Context, string) ([]resource.Binding, error) { return nil, nil }

func (g *generated) CreateAction(_ context.Context, a resource.Action) (*resource.Action, error) {
	g.action = a
	return nil, errStopped
}

// generate returns the Action that a deployment makes.
func generate(t testing.TB, p *actions.Pipeline, url string, cfg actions.DeploymentConfig) resource.Action {
	t.Helper()
	g := &generated{}
	d, err := actions.NewDeployment(g, p, url, actionKeys, cfg)
	require.NoError(t, err)
	plan, err := d.Plan(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, d.Apply(t.Context(), plan), errStopped)
	return g.action
}

// loginEvent is Auth0's event of a login, changed.
func loginEvent(a resource.Action, change func(e map[string]any)) map[string]any {
	text := `{"tenant":{"id":"t1"},"user":{"user_id":"auth0|1","email":"ada@example.com","email_verified":true,"name":"Ada","phone_number":"+4930123456",
		"created_at":"2026-01-02T03:04:05.678Z","app_metadata":{"plan":"gold"},"user_metadata":{"color":"red"}},
		"client":{"client_id":"app_1","name":"App","metadata":{"tier":"one"}},"connection":{"id":"con_1","name":"users","strategy":"auth0"},
		"request":{"ip":"203.0.113.7","user_agent":"Firefox","query":{},"geoip":{"countryCode":"DE"},"asn":"64500"},
		"authentication":{"methods":[{"name":"pwd","timestamp":"2026-11-28T11:59:00.000Z"}]},"authorization":{"roles":["admin"]},
		"stats":{"logins_count":3},"resource_server":{"identifier":"https://api.example.com"},"session":{"id":"sid_1"},
		"transaction":{"protocol":"oidc-basic-profile","requested_scopes":["openid"],"prompt":[]}}`
	var e map[string]any
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	e["secrets"] = a.Secrets
	if change != nil {
		change(e)
	}
	return e
}

// at returns a part of an event.
func at(e map[string]any, part string) map[string]any { return e[part].(map[string]any) }
