//go:build unix

package integration

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

// The tests of this file point clients that others wrote at examples/tenant, as
// docs/auth0test/clients.md tells readers to.

// tenantProgram is a run of examples/tenant, with what it printed.
type tenantProgram struct {
	*testing.T
	vars map[string]string
}

// seedFile is a file for -seed.
type seedFile struct {
	Applications  []map[string]any `json:"applications"`
	APIs          []map[string]any `json:"apis,omitempty"`
	Users         []map[string]any `json:"users"`
	Organizations []map[string]any `json:"organizations,omitempty"`
}

var ada = map[string]any{"email": "ada@example.com", "name": "Ada", "password": "correct horse battery", "email_verified": true}

// serveTenant builds and starts the program; it is interrupted at the end, and
// has to end well.
func serveTenant(t *testing.T, seed *seedFile, args ...string) tenantProgram {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "tenant")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/auth0kit/auth0kit/examples/tenant").CombinedOutput()
	require.NoError(t, err, string(out))
	args = append(args, "-ca", filepath.Join(dir, "ca.pem"))
	if seed != nil {
		content, err := json.Marshal(seed)
		require.NoError(t, err)
		file := filepath.Join(dir, "seed.json")
		require.NoError(t, os.WriteFile(file, content, 0o600))
		args = append(args, "-seed", file)
	}
	var log strings.Builder
	cmd := exec.Command(program, args...)
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(os.Interrupt))
		assert.NoError(t, cmd.Wait(), "it ends well")
		if t.Failed() {
			t.Logf("requests:\n%s", log.String())
		}
	})
	p := tenantProgram{t, map[string]string{}}
	scan := bufio.NewScanner(stdout)
	for scan.Scan() && !strings.HasPrefix(scan.Text(), "# ready") {
		name, value, _ := strings.Cut(scan.Text(), "=")
		p.vars[name] = value
	}
	require.NoError(t, scan.Err())
	return p
}

// run runs a module with what the program printed as its environment.
func (p tenantProgram) run(source string, env ...string) map[string]any {
	p.Helper()
	var stderr strings.Builder
	cmd := node.Command(p, source)
	cmd.Env = append(append(os.Environ(), p.environment()...), env...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(p, err, "%s\n%s", stderr.String(), out)
	var said map[string]any
	require.NoError(p, json.Unmarshal(out[strings.LastIndex(strings.TrimSpace(string(out)), "\n")+1:], &said), string(out))
	return said
}

func (p tenantProgram) environment() (env []string) {
	for name, value := range p.vars {
		env = append(env, name+"="+value)
	}
	return env
}

// walk is a browser in a few lines: it goes through the tenant's pages until it
// is sent to an address of the application.
const walk = `
const jars = {};
async function visit(url, options = {}) {
  const jar = jars[new URL(url).host] ??= {};
  const res = await fetch(url, {redirect: "manual", ...options, headers: {...options.headers, cookie: Object.entries(jar).map(([k, v]) => k + "=" + v).join("; ")}});
  for (const c of res.headers.getSetCookie()) {
    const [pair] = c.split(";"), at = pair.indexOf("=");
    if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(c)) delete jar[pair.slice(0, at)]; else jar[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return res;
}
async function walk(url, until) {
  let options = {};
  for (let i = 0; i < 20; i++) {
    if (until(url)) return url;
    const res = await visit(url, options);
    const to = res.headers.get("location");
    if (to) { url = new URL(to, url).href; options = {}; continue; }
    const page = new URL(url);
    if (!page.pathname.startsWith("/u/")) throw new Error(res.status + " at " + url + ": " + await res.text());
    const form = new URLSearchParams({state: page.searchParams.get("state"), username: "ada@example.com", password: "correct horse battery", action: "accept"});
    options = {method: "POST", body: form, headers: {"content-type": "application/x-www-form-urlencoded"}};
  }
  throw new Error("no end");
}
`

// TestClientNode is an own script of node-auth0 over what most programs use.
func TestClientNode(t *testing.T) {
	t.Parallel()
	p := serveTenant(t, nil)
	said := p.run(`
import { ManagementClient } from "auth0";
import fs from "node:fs";
const env = process.env;
const m = new ManagementClient({domain: env.AUTH0_DOMAIN, clientId: env.AUTH0_CLIENT_ID, clientSecret: env.AUTH0_CLIENT_SECRET});
const said = {};
const user = await m.users.create({connection: env.AUTH0_CONNECTION, email: "eve@example.com", password: "Correct-horse-1", app_metadata: {plan: "free"}});
await m.users.update(user.user_id, {app_metadata: {seats: 3}});
said.metadata = (await m.users.get(user.user_id)).app_metadata;
said.found = (await m.users.listUsersByEmail({email: "eve@example.com"})).length;
let users = 0;
for await (const u of await m.users.list({per_page: 1})) users++;
said.users = users;
const role = await m.roles.create({name: "auditor"});
await m.users.roles.assign(user.user_id, {roles: [role.id]});
said.roles = [];
for await (const r of await m.users.roles.list(user.user_id)) said.roles.push(r.name);
const con = await m.connections.create({name: "staff", strategy: "auth0"});
await m.connections.clients.update(con.id, [{client_id: env.AUTH0_CLIENT_ID, status: true}]);
said.connections = (await m.connections.get(con.id)).name;
const org = await m.organizations.create({name: "globex", enabled_connections: [{connection_id: con.id}]});
await m.organizations.members.create(org.id, {members: [user.user_id]});
said.members = [];
for await (const u of await m.organizations.members.list(org.id)) said.members.push(u.email);
const job = await m.jobs.usersImports.create({connection_id: con.id, users: new Blob(['[{"email":"imported@example.com"}]'], {type: "application/json"})});
for (said.job = job.status; said.job === "pending" || said.job === "processing";) {
  await new Promise(r => setTimeout(r, 100));
  said.job = (await m.jobs.get(job.id)).status;
}
said.ticket = (await m.tickets.changePassword({user_id: user.user_id})).ticket.startsWith("https://" + env.AUTH0_DOMAIN + "/");
said.logged = false;
for await (const e of await m.logs.list({per_page: 50, sort: "date:1"})) said.logged ||= e.type === "sapi";
try { await m.users.get("auth0|nobody"); } catch (e) { said.refused = [e.constructor.name, e.statusCode, e.body?.errorCode]; }
await m.users.delete(user.user_id);
console.log(JSON.stringify(said));`)
	assert.Equal(t, map[string]any{
		"metadata": map[string]any{"plan": "free", "seats": 3.0}, "found": 1.0, "users": 3.0, "roles": []any{"auditor"}, "connections": "staff",
		"members": []any{"eve@example.com"}, "job": "completed", "ticket": true, "logged": true, "refused": []any{"NotFoundError", 404.0, "inexistent_user"},
	}, said)
}

// TestClientOpenID logs in with openid-client by code and PKCE, with a pushed
// request and tokens that are bound to a key.
func TestClientOpenID(t *testing.T) {
	t.Parallel()
	p := serveTenant(t, &seedFile{
		Applications: []map[string]any{{"name": "app", "callbacks": []string{"https://app.example.com/cb"}, "logout_url": "https://app.example.com/bye"}},
		APIs:         []map[string]any{{"audience": "https://api.example.com", "permissions": []string{"read:orders"}}}, Users: []map[string]any{ada},
	})
	said := p.run(walk + `
import { ManagementClient } from "auth0";
import * as client from "openid-client";
const env = process.env, said = {}, api = "https://api.example.com";
const m = new ManagementClient({domain: env.AUTH0_DOMAIN, clientId: env.AUTH0_CLIENT_ID, clientSecret: env.AUTH0_CLIENT_SECRET});
await m.resourceServers.update(api, {proof_of_possession: {mechanism: "dpop", required: true}});
await m.clients.update(env.APP_CLIENT_ID, {require_pushed_authorization_requests: true});
await m.tenants.settings.update({authorization_response_iss_parameter_supported: true, pushed_authorization_requests_supported: true});
const config = await client.discovery(new URL(env.AUTH0_ISSUER_BASE_URL + "/"), env.APP_CLIENT_ID, env.APP_CLIENT_SECRET);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
const pkceCodeVerifier = client.randomPKCECodeVerifier(), expectedState = client.randomState(), expectedNonce = client.randomNonce();
const parameters = {redirect_uri: "https://app.example.com/cb", scope: "openid email offline_access", audience: api, state: expectedState, nonce: expectedNonce, max_age: "3600",
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256"};
said.unpushed = new URL(await walk(client.buildAuthorizationUrl(config, parameters).href, u => u.startsWith("https://app."))).searchParams.get("error");
const url = await client.buildAuthorizationUrlWithPAR(config, parameters, {DPoP});
said.pushed = url.searchParams.has("request_uri") && !url.searchParams.has("scope");
const back = await walk(url.href, u => u.startsWith("https://app.example.com/"));
said.iss = new URL(back).searchParams.get("iss") === env.AUTH0_ISSUER_BASE_URL + "/";
const tokens = await client.authorizationCodeGrant(config, new URL(back), {pkceCodeVerifier, expectedState, expectedNonce, maxAge: 3600}, undefined, {DPoP});
said.type = tokens.token_type;
said.authTime = typeof tokens.claims().auth_time;
said.email = (await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, {DPoP})).email;
const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, {DPoP});
said.refreshed = again.token_type;
try { await client.refreshTokenGrant(config, again.refresh_token ?? tokens.refresh_token); } catch (e) { said.unproved = e.error; }
const out = client.buildEndSessionUrl(config, {id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://app.example.com/bye"});
said.out = await walk(out.href, u => u.startsWith("https://app.example.com/"));
const silent = await client.buildAuthorizationUrlWithPAR(config, {...parameters, prompt: "none"});
said.after = new URL(await walk(silent.href, u => u.startsWith("https://app.example.com/"))).searchParams.get("error");
console.log(JSON.stringify(said));`)
	assert.Equal(t, map[string]any{
		"unpushed": "invalid_request", "pushed": true, "iss": true, "type": "dpop", "authTime": "number", "email": "ada@example.com", "refreshed": "dpop",
		"unproved": "invalid_request", "out": "https://app.example.com/bye", "after": "login_required",
	}, said)
}

// TestClientExpress logs in with express-openid-connect, into an organization
// too, and out from both sides.
func TestClientExpress(t *testing.T) {
	t.Parallel()
	port := backends.FreePort(t)
	base := "http://localhost:" + port
	p := serveTenant(t, &seedFile{
		Applications: []map[string]any{{"name": "app", "callbacks": []string{base + "/callback"}, "logout_url": base, "back_channel_logout_url": base + "/backchannel-logout"}},
		Users:        []map[string]any{ada}, Organizations: []map[string]any{{"name": "acme", "members": []any{map[string]any{"user": "ada@example.com"}}}},
	})
	said := p.run(walk+`
import express from "express";
import oidc from "express-openid-connect";
import { ManagementClient } from "auth0";
const env = process.env, said = {};
const m = new ManagementClient({domain: env.AUTH0_DOMAIN, clientId: env.AUTH0_CLIENT_ID, clientSecret: env.AUTH0_CLIENT_SECRET});
const org = (await m.organizations.getByName("acme")).id;
const kept = new Map();
const store = {get: (id, done) => done(null, kept.get(id)), set: (id, v, done) => { kept.set(id, v); done?.(); }, destroy: (id, done) => { kept.delete(id); done?.(); }};
const app = express();
let told = 0; // Logouts that the tenant told, which may come after the next login.
app.use((req, res, next) => { if (req.path === "/backchannel-logout") res.on("finish", () => told++); next(); });
const until = async done => { for (let i = 0; i < 600 && !(await done()); i++) await new Promise(r => setTimeout(r, 50)); };
app.use(oidc.auth({baseURL: env.BASE, issuerBaseURL: env.AUTH0_ISSUER_BASE_URL, clientID: env.APP_CLIENT_ID, clientSecret: env.APP_CLIENT_SECRET, secret: "s".repeat(32),
  authRequired: false, idpLogout: true, backchannelLogout: {store}, session: {store}, routes: {login: false},
  authorizationParams: {response_type: "code", response_mode: "query", scope: "openid email"}}));
app.get("/login", (req, res) => res.oidc.login({returnTo: "/", authorizationParams: req.query.org ? {organization: req.query.org} : {}}));
app.get("/", (req, res) => res.json(req.oidc.user ?? {}));
const server = app.listen(Number(new URL(env.BASE).port));
const me = async () => (await visit(env.BASE + "/")).json();
const login = q => walk(env.BASE + "/login" + q, u => u === env.BASE + "/");
await login("");
const user = await me();
said.email = user.email;
await walk(env.BASE + "/logout", u => u === env.BASE || u === env.BASE + "/");
said.out = Object.keys(await me()).length;
await until(() => told === 1);
said.session = (await visit(env.AUTH0_ISSUER_BASE_URL + "/authorize?" + new URLSearchParams({client_id: env.APP_CLIENT_ID, redirect_uri: env.BASE + "/callback", response_type: "code", prompt: "none", scope: "openid"}))).headers.get("location").includes("login_required");
await login("?org=" + org);
said.org = (await me()).org_id === org;
await m.users.sessions.delete(user.sub);
await until(async () => !(await me()).email);
said.ended = Object.keys(await me()).length;
server.close();
console.log(JSON.stringify(said));
process.exit(0);`, "BASE="+base)
	assert.Equal(t, map[string]any{"email": "ada@example.com", "out": 0.0, "session": true, "org": true, "ended": 0.0}, said)
}

// TestClientSPA: auth0-spa-js in Chromium logs in by redirect and renews by a web
// message and by refresh tokens.
func TestClientSPA(t *testing.T) {
	t.Parallel()
	library := filepath.Join(node.Modules(t), "@auth0", "auth0-spa-js", "dist", "auth0-spa-js.production.js")
	var page string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth0-spa-js.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	app := httptest.NewTLSServer(mux)
	t.Cleanup(app.Close)
	person := map[string]any{"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
	p := serveTenant(t, &seedFile{
		Applications: []map[string]any{{"name": "spa", "callbacks": []string{app.URL + "/"}, "web_origin": app.URL, "public": true, "rotate_refresh_tokens": true}},
		APIs:         []map[string]any{{"audience": "https://orders.example.com", "permissions": []string{"read:orders"}}}, Users: []map[string]any{person},
	})
	page = strings.NewReplacer("DOMAIN", p.vars["AUTH0_DOMAIN"], "CLIENT", p.vars["APP_CLIENT_ID"]).Replace(spaPage)
	text, err := os.ReadFile(p.vars["SSL_CERT_FILE"])
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	authority, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	s := &spa{T: t, page: browser.Start(t, authority, app.Certificate()), url: app.URL, server: &auth0test.Server{
		URL: p.vars["AUTH0_ISSUER_BASE_URL"], Client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	}}
	s.login("false")
	s.opensUserInfo(evaluate[string](s, `renew()`))
	require.NoError(t, chromedp.Do(s.page, chromedp.Navigate(s.url+"/")))
	assert.Equal(t, spaState{"ada@example.com", true}, evaluate[spaState](s, `reload()`), "by a web message")
	s.page = s.page.Another()
	s.login("true")
	s.opensUserInfo(evaluate[string](s, `renew()`))
	s.opensUserInfo(evaluate[string](s, `renew()`))
	assert.Empty(t, s.page.ConsoleErrors())
}

// TestClientDeployCLI imports a tenant, exports it, and imports the export, after
// which what was imported is what it was. (What the command completes besides, as
// the texts of phone templates, changes with the first import of a new tenant.)
func TestClientDeployCLI(t *testing.T) {
	t.Parallel()
	cli := filepath.Join(node.Modules(t), "auth0-deploy-cli", "lib", "index.js")
	p := serveTenant(t, nil, "-ignore-settings", "bindings")
	dir := t.TempDir()
	for name, content := range map[string]string{"tenant.yaml": deployed, "audit.js": deployedAction} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "node", append([]string{cli}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(append(os.Environ(), p.environment()...), `AUTH0_KEYWORD_REPLACE_MAPPINGS={"CONNECTIONS_GOOGLE_OAUTH2_SECRET":"s"}`)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	export := func(name string) map[string]any {
		assert.Contains(t, run("export", "-f", "yaml", "-o", name), "Export Successful")
		content, err := os.ReadFile(filepath.Join(dir, name, "tenant.yaml"))
		require.NoError(t, err)
		return declared(t, content)
	}
	assert.Contains(t, run("import", "-i", "tenant.yaml"), "Import Successful")
	first := export("first")
	assert.Len(t, first, 9, "%v", first)
	assert.Equal(t, "Acme", first["tenant"].(map[string]any)["friendly_name"])
	assert.Equal(t, true, first["actions audit"].(map[string]any)["deployed"])
	assert.Contains(t, run("import", "-i", filepath.Join("first", "tenant.yaml")), "Import Successful")
	assert.Equal(t, first, export("second"))
}

// declared is what an export has of the things that deployed names.
func declared(t *testing.T, export []byte) map[string]any {
	t.Helper()
	read := func(text []byte) (doc map[string]any) {
		require.NoError(t, yaml.Unmarshal(text, &doc))
		return doc
	}
	doc, found := read(export), map[string]any{}
	for kind, want := range read([]byte(deployed)) {
		items, isList := want.([]any)
		if !isList {
			found[kind] = doc[kind]
			continue
		}
		for _, item := range items {
			name := item.(map[string]any)["name"]
			for _, got := range doc[kind].([]any) {
				if got.(map[string]any)["name"] == name {
					found[fmt.Sprint(kind, " ", name)] = got
				}
			}
		}
	}
	return found
}

const deployedAction = `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim("seen", true) };
`

const deployed = `
tenant: {friendly_name: Acme, session_lifetime: 72}
clients:
  - {name: Shop, app_type: regular_web, callbacks: [https://shop.example.com/callback]}
  - {name: Worker, app_type: non_interactive}
roles:
  - {name: clerk, description: Reads orders}
databases:
  - {name: staff, strategy: auth0, enabled_clients: [Shop], options: {passwordPolicy: good}}
connections:
  - {name: partner, strategy: google-oauth2, enabled_clients: [Shop], options: {client_id: g, client_secret: s}}
organizations:
  - {name: acme, display_name: Acme, connections: [{name: staff, assign_membership_on_login: true, show_as_button: true}]}
actions:
  - {name: audit, code: ./audit.js, deployed: true, runtime: node22, secrets: [], dependencies: [], status: built, supported_triggers: [{id: post-login, version: v3}]}
triggers:
  post-login: [{action_name: audit, display_name: audit}]
`

// TestClientsPage: docs/auth0test/clients.md names the versions that are
// installed, and tests that there are.
func TestClientsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/auth0test/clients.md")
	require.NoError(t, err)
	var manifest struct{ Dependencies map[string]string }
	content, err := os.ReadFile("../node/package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &manifest))
	for _, name := range []string{"auth0", "auth0-deploy-cli", "express-openid-connect", "openid-client", "@auth0/auth0-spa-js"} {
		assert.Regexp(t, `\| `+name+`( \([a-z0-9-]+\))? `+manifest.Dependencies[name]+` \|`, string(page))
	}
	var tests strings.Builder
	for _, file := range []string{"clients_test.go", "goauth0_suite_test.go"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		tests.Write(source)
	}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if name := strings.TrimSpace(cells[max(0, len(cells)-2)]); strings.HasPrefix(name, "Test") {
			assert.Contains(t, tests.String(), "func "+name+"(t *testing.T)")
		}
	}
}
