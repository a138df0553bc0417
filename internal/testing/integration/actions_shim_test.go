//go:build unix

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/internal/webhook"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
)

// obedient does what app_metadata.want says.
func obedient(t testing.TB) *actions.Pipeline {
	return loginPipeline(t, actions.Suspended("Your account is suspended."), actions.MetadataClaims(claims, "plan", "list", "text", "number"),
		actions.Step{Name: "obey", Needs: []string{"user.email_verified", "request.geoip", "request.asn", "request.ip", "authorization.roles", "user.user_metadata"},
			Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
				switch e.User.AppMetadata["want"] {
				case "deny":
					return actions.Deny("Not today,\u2028“Ada”.")
				case "deny with metadata":
					if err := c.AppMetadata("denied", true); err != nil {
						return err
					}
					return actions.Deny("Not today.")
				case "mfa":
					return c.RequireMFA()
				case "scopes":
					if err := c.AddScope("read:all"); err != nil {
						return err
					}
					return c.RemoveScope("openid")
				case "metadata":
					if err := c.UserMetadata("color", nil); err != nil {
						return err
					}
					return c.AppMetadata("seen", map[string]any{"n": 1.5, "ü": []any{nil, false}})
				case "who":
					return c.AccessTokenClaim(claims+"who", map[string]any{"delegated": e.Delegated(), "interactive": e.Interactive(), "kind": e.Actor.Kind, "id": e.Actor.ID,
						"country": e.Request.Country, "asn": e.Request.ASN, "roles": e.Roles, "verified": e.User.EmailVerified})
				}
				return nil
			}})
}

// wants is an event whose app_metadata says what the pipeline is to do.
func wants(what string, more ...func(e map[string]any)) func(e map[string]any) {
	return func(e map[string]any) {
		at(at(e, "user"), "app_metadata")["want"] = what
		for _, change := range more {
			change(e)
		}
	}
}

func metadata(key string, value any) func(e map[string]any) {
	return func(e map[string]any) { at(at(e, "user"), "app_metadata")[key] = value }
}

// fortyEvents are logins of all kinds, with parts missing and strange.
var fortyEvents = []func(e map[string]any){
	nil,
	wants("deny"), wants("deny with metadata"), wants("mfa"), wants("scopes"), wants("metadata"), wants("who"),
	wants("who", func(e map[string]any) { e["agent"] = map[string]any{"agent_id": "agt_1", "name": "Bot"} }),
	wants("who", func(e map[string]any) {
		at(e, "session")["actor"] = map[string]any{"user_id": "auth0|staff", "email": "staff@example.com"}
	}),
	wants("who", func(e map[string]any) { at(e, "session")["actor"] = "auth0|staff" }),
	wants("who", func(e map[string]any) { at(e, "session")["actor"] = map[string]any{"name": "Staff"} }),
	wants("who", func(e map[string]any) { at(e, "transaction")["actor"] = map[string]any{"sub": "x"} }),
	wants("who", func(e map[string]any) { at(e, "transaction")["protocol"] = "oauth2-refresh-token" }),
	wants("who", func(e map[string]any) { at(e, "transaction")["prompt"] = []any{"none"} }),
	wants("who", func(e map[string]any) { at(at(e, "request"), "query")["prompt"] = "none" }),
	wants("who", func(e map[string]any) { delete(e, "transaction") }),
	wants("who", func(e map[string]any) { delete(e, "request") }),
	wants("who", func(e map[string]any) { delete(e, "authorization"); delete(e, "authentication"); delete(e, "stats") }),
	wants("who", func(e map[string]any) { at(e, "request")["asn"] = 64500 }),
	wants("who", func(e map[string]any) { at(e, "request")["geoip"] = map[string]any{} }),
	wants("who", func(e map[string]any) { at(e, "user")["email_verified"] = nil }),
	metadata("suspended", true), metadata("suspended", "TRUE"), metadata("suspended", "False"), metadata("suspended", 1), metadata("suspended", 0),
	metadata("suspended", map[string]any{}), metadata("blocked", true), metadata("blocked", "no"), metadata("account_status", "Suspended"), metadata("status", "active"),
	func(e map[string]any) {
		e["organization"] = map[string]any{"id": "org_1", "name": "acme", "metadata": map[string]any{"suspended": "true"}}
	},
	func(e map[string]any) {
		e["organization"] = map[string]any{"id": "org_1", "name": "acme", "metadata": map[string]any{"suspended": "false"}}
	},
	func(e map[string]any) { e["organization"] = map[string]any{"id": "org_1"} },
	metadata("list", []any{1, 2.5, "ä", nil, map[string]any{"b": 1, "a": 2}}),
	metadata("text", "👍 <script>&\u2028\\\"'é"),
	metadata("number", 1e21),
	func(e map[string]any) { at(e, "user")["app_metadata"] = nil },
	func(e map[string]any) { delete(at(e, "user"), "app_metadata") },
	metadata("text", strings.Repeat("x", 130<<10)), // More than is sent: the policy decides.
	func(e map[string]any) { e["secrets"] = map[string]any{} },
	func(e map[string]any) { delete(e, "user") },
}

// tapped serves pipelines and keeps the bodies that come.
type tapped struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header []http.Header
}

func tap(t testing.TB, h http.Handler) *tapped {
	s := &tapped{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.bodies, s.header = append(s.bodies, string(body)), append(s.header, r.Header)
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tapped) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.bodies
	s.bodies, s.header = nil, nil
	return out
}

func (s *tapped) host() string { return strings.TrimPrefix(s.URL, "http://") }

func serveActions(t testing.TB, keys [][]byte, cfg actions.HandlerConfig, p ...*actions.Pipeline) http.Handler {
	t.Helper()
	h, err := actions.Handler(keys, cfg, p...)
	require.NoError(t, err)
	return h
}

// The same file gives the same results in goja and in Node.
func TestShimInGojaAndNode(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(fortyEvents), 40)
	p := obedient(t)
	s := tap(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	a := generate(t, p, s.URL, actions.DeploymentConfig{Timeout: 2 * time.Second})
	runs := make([]scriptRun, len(fortyEvents))
	for i, change := range fortyEvents {
		runs[i] = scriptRun{Event: loginEvent(a, change)}
	}
	goja := inGoja(t, a.Code, []string{s.host()}, runs)
	first := s.taken()
	nodes := inNode(t, a.Code, runs)
	second := s.taken()
	assert.Equal(t, first, second, "what is sent")
	require.Len(t, nodes, len(runs))
	for i := range runs {
		assert.Equal(t, nodes[i].String(), goja[i].String(), "event %d", i)
	}
	const claim = `["idToken.setCustomClaim","https://example.com/plan","gold"],["accessToken.setCustomClaim","https://example.com/plan","gold"]`
	for i, want := range map[int]string{
		0: `[` + claim + `]`, 1: `[["access.deny","Not today,` + "\\u2028" + `“Ada”."]]`,
		2: `[["user.setAppMetadata","denied",true],["access.deny","Not today."]]`, 3: `[` + claim + `,["multifactor.enable","any",{"allowRememberBrowser":false}]]`,
		4:  `[["accessToken.addScope","read:all"],["accessToken.removeScope","openid"],` + claim + `]`,
		21: `[["access.deny","Your account is suspended."]]`, 23: `[` + claim + `]`, 31: `[["access.deny","Your account is suspended."]]`,
		39: `[["access.deny","The login cannot be completed at the moment. Please try again later."]]`,
	} {
		assert.Equal(t, want, goja[i].String(), "event %d", i)
	}
	for _, personal := range []string{"ada@example.com", "+4930123456", `"Ada"`, "staff@example.com"} {
		assert.NotContains(t, strings.Join(first, ""), personal)
	}
	assert.Contains(t, first[0], `"ip":"203.0.113.7"`, "sent because a step needs it")
	assert.NotContains(t, first[0], "Firefox")
}

// The file keeps to a subset of JavaScript that goja and every Node of Auth0 have.
func TestShimSubset(t *testing.T) {
	t.Parallel()
	a := generate(t, obedient(t), "https://login.example.com/", actions.DeploymentConfig{})
	got := node.Run(t, `
import { parse } from "acorn";
const nodes = new Set(), names = new Set(), declared = new Set(["undefined"]), required = new Set();
const pattern = (p) => {
  if (!p) return;
  if (p.type === "Identifier") declared.add(p.name);
  for (const e of p.elements ?? []) pattern(e);
};
(function walk(n, parent, key) {
  if (Array.isArray(n)) return n.forEach((m) => walk(m, parent, key));
  if (!n || typeof n.type !== "string") return;
  nodes.add(n.type);
  if (n.type === "VariableDeclarator") pattern(n.id);
  if (n.type === "CatchClause") pattern(n.param);
  if (n.params) n.params.forEach(pattern);
  if (n.type === "FunctionDeclaration") declared.add(n.id.name);
  if (n.type === "Identifier" && !(parent.type === "MemberExpression" && key === "property" && !parent.computed) && !(parent.type === "Property" && key === "key")) names.add(n.name);
  if (n.type === "CallExpression" && n.callee.name === "require") required.add(n.arguments[0].value);
  if (n.type === "Literal" && n.regex) nodes.add("/" + n.regex.pattern + "/" + n.regex.flags);
  for (const [k, v] of Object.entries(n)) if (k !== "type") walk(v, n, k);
})(parse(process.argv[2], { ecmaVersion: 2020, sourceType: "script" }));
console.log(JSON.stringify({ nodes: [...nodes].sort(), globals: [...names].filter((n) => !declared.has(n)).sort(), required: [...required] }));
`, a.Code)
	var found struct{ Nodes, Globals, Required []string }
	require.NoError(t, json.Unmarshal([]byte(got), &found))
	assert.Subset(t, strings.Fields(`/[A-Z]/g ArrayExpression ArrayPattern ArrowFunctionExpression AssignmentExpression AwaitExpression BinaryExpression BlockStatement
		CallExpression CatchClause ChainExpression ConditionalExpression ContinueStatement ExpressionStatement ForOfStatement ForStatement FunctionDeclaration
		Identifier IfStatement Literal LogicalExpression MemberExpression NewExpression ObjectExpression Program Property ReturnStatement
		ThrowStatement TryStatement UnaryExpression VariableDeclaration VariableDeclarator`), found.Nodes)
	assert.Subset(t, strings.Fields(`AbortSignal Array Buffer Date Error JSON Math Number String console exports fetch require`), found.Globals)
	assert.Equal(t, []string{"node:crypto"}, found.Required)
	assert.Less(t, len(a.Code), 12<<10, "small")
}

// reply is a server that signs what it likes.
func reply(change func(m webhook.Message, h http.Header, at time.Time) (body string)) http.Handler {
	ring, err := webhook.New(actionKeys)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		m, err := ring.Verify(r.Header, body, time.Now(), time.Minute)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, change(m, w.Header(), time.Now()))
	})
}

// signed is an answer with a good signature.
func signed(body string) func(m webhook.Message, h http.Header, at time.Time) string {
	return func(m webhook.Message, h http.Header, at time.Time) string {
		m.Answer(h, at, []byte(body))
		return body
	}
}

const nothing = `{"v":1,"commands":[]}`

// faults are servers without a good answer.
func faults(t *testing.T, p *actions.Pipeline) map[string]http.Handler {
	hour := func(d time.Duration) actions.HandlerConfig {
		return actions.HandlerConfig{Now: func() time.Time { return time.Now().Add(d) }}
	}
	var first http.Header
	var old string
	return map[string]http.Handler{
		"hung": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		"hung within the answer": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"v":1`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}),
		"slow": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(2 * time.Second):
				serveActions(t, actionKeys, actions.HandlerConfig{}, p).ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		}),
		"error":               http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }),
		"redirect":            http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect),
		"no body":             http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		"wrong key":           serveActions(t, [][]byte{[]byte("fedcba9876543210fedcba9876543210")}, actions.HandlerConfig{}, p),
		"clock an hour late":  serveActions(t, actionKeys, hour(-time.Hour), p),
		"clock an hour early": serveActions(t, actionKeys, hour(time.Hour), p),
		"not signed":          reply(func(webhook.Message, http.Header, time.Time) string { return nothing }),
		"answer of an hour ago": reply(func(m webhook.Message, h http.Header, at time.Time) string {
			m.Answer(h, at.Add(-time.Hour), []byte(nothing))
			return nothing
		}),
		"answer of tomorrow": reply(func(m webhook.Message, h http.Header, at time.Time) string {
			m.Answer(h, at.Add(24*time.Hour), []byte(nothing))
			return nothing
		}),
		"replayed answer": reply(func(m webhook.Message, h http.Header, at time.Time) string {
			if first == nil {
				first = http.Header{}
				m.ID += "-of-another"
				old = signed(nothing)(m, first, at)
			}
			for name, values := range first {
				h[name] = values
			}
			return old
		}),
		"answer to another request": reply(func(m webhook.Message, h http.Header, at time.Time) string {
			id := webhook.ReplyID(m.ID)
			m.ID = "another"
			m.Answer(h, at, []byte(nothing))
			h.Set(webhook.ID, id) // Renamed, and not signed again.
			return nothing
		}),
		"changed answer": reply(func(m webhook.Message, h http.Header, at time.Time) string {
			m.Answer(h, at, []byte(nothing))
			return `{"v":1,"commands":[{"op":"appMetadata","name":"admin","value":true}]}`
		}),
		"unknown command":        reply(signed(`{"v":1,"commands":[{"op":"appMetadata","name":"a","value":1},{"op":"redirect","name":"https://evil.example"}]}`)),
		"command of the object":  reply(signed(`{"v":1,"commands":[{"op":"constructor","name":"x"}]}`)),
		"command without a name": reply(signed(`{"v":1,"commands":[{"op":"deny"}]}`)),
		"no command":             reply(signed(`{"v":1,"commands":[null]}`)),
		"another version":        reply(signed(`{"v":2,"commands":[]}`)),
		"null":                   reply(signed(`null`)),
		"no JSON":                reply(signed(`{"v":1,`)),
		"oversized":              reply(signed(`{"v":1,"commands":[],"x":"` + strings.Repeat("x", 65<<10) + `"}`)),
	}
}

const refusal = `[["access.deny","The login cannot be completed at the moment. Please try again later."]]`

// Without a good answer the Action does what the deployment says, in goja and in Node.
func TestShimFaults(t *testing.T) {
	t.Parallel()
	p := loginPipeline(t)
	policies := map[actions.Verdict]string{actions.DenyLogin: refusal, actions.AllowLogin: `[]`, actions.RequireMFA: `[["multifactor.enable","any",{"allowRememberBrowser":false}]]`}
	check := func(t *testing.T, url string, hosts []string) {
		for policy, want := range policies {
			a := generate(t, p, url, actions.DeploymentConfig{OnUnreachable: policy, Timeout: 500 * time.Millisecond})
			runs := []scriptRun{{Event: loginEvent(a, nil), Fresh: true}, {Event: loginEvent(a, metadata("suspended", true)), Fresh: true}}
			engines := map[string][]scriptCalls{"goja": inGoja(t, a.Code, hosts, runs)}
			if policy == actions.DenyLogin { // Starting Node takes the longest.
				engines["node"] = inNode(t, a.Code, runs)
			}
			for engine, got := range engines {
				assert.Equal(t, want, got[0].String(), "%s, policy %q", engine, policy)
				assert.Equal(t, `[["access.deny","Your account is suspended."]]`, got[1].String(), "%s: an outage lets no suspended user in", engine)
			}
		}
	}
	t.Run("down", func(t *testing.T) {
		s := tap(t, http.NotFoundHandler())
		s.Close()
		check(t, s.URL, []string{s.host()})
	})
	for name, h := range faults(t, p) {
		t.Run(name, func(t *testing.T) {
			s := tap(t, h)
			check(t, s.URL, []string{s.host()})
			assert.NotEmpty(t, s.taken())
		})
	}
}

// A cache that fails is no reason to deny.
func TestShimWithoutCache(t *testing.T) {
	t.Parallel()
	p := loginPipeline(t)
	s := tap(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	a := generate(t, p, s.URL, actions.DeploymentConfig{})
	for name, cache := range map[string]any{
		"none":  false,
		"fails": map[string]any{"get": func(string) (string, error) { return "", errStopped }, "delete": func(string) error { return errStopped }},
	} {
		e, err := scripts.New(scripts.Config{Hosts: []string{s.host()}})
		require.NoError(t, err)
		claimed, denied := 0, 0
		api := map[string]any{
			"cache": cache, "access": map[string]any{"deny": func(string) { denied++ }},
			"idToken": map[string]any{"setCustomClaim": func(string, any) { claimed++ }}, "accessToken": map[string]any{"setCustomClaim": func(string, any) { claimed++ }},
		}
		require.NoError(t, e.Run(t.Context(), a.Code, loginEvent(a, nil), api))
		assert.Equal(t, 2, claimed, name)
		assert.Zero(t, denied, name)
	}
}

// What the tenant refuses is one command: those after it count, and what the
// deployment says about answers that are none applies.
func TestShimCommandsThatFail(t *testing.T) {
	t.Parallel()
	p := obedient(t)
	s := tap(t, serveActions(t, actionKeys, actions.HandlerConfig{}, p))
	a := generate(t, p, s.URL, actions.DeploymentConfig{OnUnreachable: actions.AllowLogin, Timeout: 2 * time.Second})
	strict := generate(t, p, s.URL, actions.DeploymentConfig{Timeout: 2 * time.Second})
	var done []string
	does := func(what string) func(...any) { return func(...any) { done = append(done, what) } }
	refuses := func(...any) error { return errStopped }
	api := map[string]any{
		"user": map[string]any{"setAppMetadata": refuses}, "access": map[string]any{"deny": does("deny")}, "multifactor": map[string]any{"enable": does("mfa")},
		"idToken": map[string]any{"setCustomClaim": refuses}, "accessToken": map[string]any{"setCustomClaim": does("claim")},
	}
	for _, c := range []struct {
		code, want string
		done       []string
	}{{a.Code, "deny with metadata", []string{"deny"}}, {a.Code, "mfa", []string{"claim", "mfa"}}, {strict.Code, "mfa", []string{"claim", "mfa", "deny"}}} {
		e, err := scripts.New(scripts.Config{Hosts: []string{s.host()}})
		require.NoError(t, err)
		done = nil
		require.NoError(t, e.Run(t.Context(), c.code, loginEvent(a, wants(c.want)), api))
		assert.Equal(t, c.done, done, c.want)
	}
}

// deadlines are how long the Action said that it waits, less a tenth of a second.
func (s *tapped) deadlines() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.header {
		out = append(out, h.Get("Auth0kit-Deadline"))
	}
	return out
}

func TestShimBreaker(t *testing.T) {
	t.Parallel()
	hung := faults(t, loginPipeline(t))["hung"]
	var wg sync.WaitGroup
	for _, timeout := range []time.Duration{400, 500, 760, 850, 1000, 1140, 1400, 1500, 2000} {
		wg.Go(func() {
			s := tap(t, hung)
			a := generate(t, loginPipeline(t), s.URL, actions.DeploymentConfig{Timeout: timeout * time.Millisecond})
			five := make([]scriptRun, 5)
			for i := range five {
				five[i] = scriptRun{Event: loginEvent(a, nil)}
			}
			for _, calls := range inGoja(t, a.Code, []string{s.host()}, five) {
				assert.Equal(t, refusal, calls.String())
			}
			cost := 0
			for _, said := range s.deadlines() {
				ms, err := strconv.Atoi(said)
				assert.NoError(t, err)
				cost += ms + 100
			}
			assert.LessOrEqual(t, cost, 2000, "five hung logins of an instance, timeout %d: %v", timeout, s.deadlines())
			assert.GreaterOrEqual(t, cost, int(timeout), "the first has its whole timeout")
		})
	}
	wg.Wait()
	s := tap(t, hung)
	a := generate(t, loginPipeline(t), s.URL, actions.DeploymentConfig{Timeout: 500 * time.Millisecond})
	lost := make([]scriptRun, 5)
	for i := range lost {
		lost[i] = scriptRun{Event: loginEvent(a, nil), Fresh: true}
	}
	inGoja(t, a.Code, []string{s.host()}, lost)
	assert.Equal(t, []string{"400", "400", "400", "400", "400"}, s.deadlines(), "with cache and instance lost, each costs the timeout")
}

// The breaker closes when the server is back, and one user's event does not open it.
func TestShimBreakerCloses(t *testing.T) {
	t.Parallel()
	var down bool
	p := loginPipeline(t)
	live := serveActions(t, actionKeys, actions.HandlerConfig{Now: func() time.Time { return time.Now().Add(11 * time.Second) }}, p)
	s := tap(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		live.ServeHTTP(w, r)
	}))
	a := generate(t, p, s.URL, actions.DeploymentConfig{Timeout: 2 * time.Second})
	ask := func(advance int) scriptRun { return scriptRun{Event: loginEvent(a, nil), Advance: advance} }
	down = true
	got := inNode(t, a.Code, []scriptRun{ask(0), ask(0), ask(0), ask(0), ask(9000), ask(2000), ask(0)})
	assert.Len(t, s.taken(), 4, "three failures, none while it is open, and a probe after ten seconds")
	assert.Equal(t, refusal, got[6].String())

	down = false
	got = inNode(t, a.Code, []scriptRun{{Event: loginEvent(a, metadata("text", strings.Repeat("x", 140<<10)))}, {Event: loginEvent(a, metadata("text", strings.Repeat("x", 140<<10)))},
		{Event: loginEvent(a, metadata("text", strings.Repeat("x", 140<<10)))}, {Event: loginEvent(a, metadata("text", strings.Repeat("x", 140<<10)))}, ask(0)})
	assert.Equal(t, refusal, got[0].String())
	assert.Contains(t, got[4].String(), "gold", "others are asked for as before")
}
