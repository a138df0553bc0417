package auth0test_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// deniers is a Scripts whose language has one word, deny, and which notes what
// it ran with which secret.
type deniers struct{ ran []string }

func (d *deniers) Run(_ context.Context, code string, event, api any) error {
	secrets, _ := event.(map[string]any)["secrets"].(map[string]string)
	d.ran = append(d.ran, code+" "+secrets["KEY"])
	switch code {
	case "deny":
		api.(map[string]any)["access"].(map[string]any)["deny"].(func(string))("not you")
	case "throw":
		return errors.New("thrown")
	}
	return nil
}

func newAPI(t *testing.T, tenant *auth0test.Tenant) *guardianAPI {
	t.Helper()
	return &guardianAPI{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}
}

// object asks and reads an object.
func (g *guardianAPI) object(method, path, body string, status int) map[string]any {
	g.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(g.want(method, path, body, status, "")), &m); err != nil {
		g.t.Fatal(err)
	}
	return m
}

// TestActionsRunAtLogin takes an Action the whole way with our client.
func TestActionsRunAtLogin(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	scripts := &deniers{}
	tenant.RunScripts(scripts)
	login := func() error {
		_, err := tenant.Login(t.Context(), auth0test.Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse"})
		return err
	}
	client, ctx := tenant.Management(), t.Context()
	a, err := client.CreateAction(ctx, resource.Action{Name: "guard", Code: "deny", Secrets: map[string]string{"KEY": "one"}})
	if err != nil || a.Status != "pending" {
		t.Fatalf("created: %+v, %v", a, err)
	}
	if _, err := client.DeployAction(ctx, a.ID); err == nil {
		t.Errorf("deployed while it was pending: %v", err)
	}
	tenant.Advance(time.Second)
	binding := []resource.Binding{{ActionID: a.ID, Name: "Guard"}}
	if err := client.SetBindings(ctx, "post-login", binding); err == nil {
		t.Error("an Action was bound that is not deployed")
	}
	first, err := client.DeployAction(ctx, a.ID)
	if err != nil || first.Number != 1 {
		t.Fatalf("deployed: %+v, %v", first, err)
	}
	if err := login(); err != nil {
		t.Errorf("an Action runs that is not bound: %v", err)
	}
	if err := client.SetBindings(ctx, "post-login", binding); err != nil {
		t.Fatal(err)
	}
	if err := login(); err == nil || !strings.Contains(err.Error(), "not you") {
		t.Errorf("the Action did not refuse: %v", err)
	}
	if _, err := client.UpdateAction(ctx, a.ID, resource.Action{Code: "allow", Secrets: map[string]string{"KEY": "two"}}); err != nil {
		t.Fatal(err)
	}
	tenant.Advance(time.Second)
	if err := login(); err == nil {
		t.Error("a draft runs before it was deployed")
	}
	if _, err := client.DeployAction(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if err := login(); err != nil {
		t.Errorf("the second version: %v", err)
	}
	if last := scripts.ran[len(scripts.ran)-1]; last != "allow two" {
		t.Errorf("ran %q", last)
	}
	if v, err := client.DeployActionVersion(ctx, a.ID, first.ID); err != nil || v.Number != 3 {
		t.Fatalf("rolled back: %+v, %v", v, err)
	}
	if err := login(); err == nil {
		t.Error("the version rolled back to does not run")
	}
	if versions, err := client.ActionVersions(ctx, a.ID); err != nil || len(versions) != 3 {
		t.Errorf("versions: %v, %v", versions, err)
	}
	if err := client.DeleteAction(ctx, a.ID); !errors.Is(err, management.ErrConflict) {
		t.Errorf("a bound Action was deleted: %v", err)
	}
	if err := client.SetBindings(ctx, "post-login", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(login(), client.DeleteAction(ctx, a.ID)); err != nil {
		t.Error(err)
	}
}

func TestActionAnswers(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{IgnoredSettings: []string{"bindings"}})
	g := newAPI(t, tenant)
	g.want("POST", "/actions/actions", `{"name":"x"}`, 400, "Missing required property: supported_triggers")
	g.want("POST", "/actions/actions", `{"name":"x","supported_triggers":[{"id":"never"}]}`, 400, "invalid_body")
	a := g.object("POST", "/actions/actions", `{"name":"a","code":"1","supported_triggers":[{"id":"post-login"}],
		"dependencies":[{"name":"lodash","version":"4.0.0","registry_url":"https://example.com"}],"secrets":[{"name":"k","value":"v"}]}`, 201)
	path := "/actions/actions/" + a["id"].(string)
	if a["runtime"] != "node22" || a["status"] != "pending" || a["all_changes_deployed"] != false {
		t.Errorf("created %v", a)
	}
	if strings.Contains(g.want("GET", path, "", 200, `"registry_url"`), `"value"`) {
		t.Error("the answer shows a secret")
	}
	tenant.Advance(500 * time.Millisecond)
	g.want("GET", path, "", 200, `"status":"building"`)
	tenant.Advance(500 * time.Millisecond)
	if strings.Contains(g.want("GET", path, "", 200, `"status":"built"`), "registry_url") {
		t.Error("what was built still names a registry")
	}
	g.want("POST", path+"/deploy", "", 200, `"deployed":false`)
	g.want("GET", path, "", 200, `"all_changes_deployed":true`)
	g.want("PATCH", path, `{"secrets":[{"name":"k"},{"name":"l","value":"w"}]}`, 200, `"status":"pending"`)
	g.want("GET", path, "", 200, `"all_changes_deployed":false`)
	g.want("GET", path+"/versions?per_page=10", "", 200, `"per_page":10,"total":1`)
	g.want("GET", path+"/versions/nothing", "", 404, "does not exist")
	g.want("GET", "/actions/actions?triggerId=post-login&deployed=true", "", 200, `"total":1`)
	g.want("GET", "/actions/actions?actionName=b", "", 200, `{"actions":[],"per_page":20}`)
	g.want("GET", "/actions/actions/nothing", "", 404, `"That action does not exist."`)
	g.want("GET", "/actions/executions/nothing", "", 404, `"That execution does not exist."`)
	g.want("PATCH", "/actions/triggers/credentials-exchange/bindings", `{"bindings":[{"ref":{"type":"action_name","value":"a"}}]}`, 400, "incompatible")
	g.want("PATCH", "/actions/triggers/post-login/bindings", `{"bindings":[{"ref":{"type":"action_name","value":"b"}}]}`, 404, "action")
	g.want("GET", "/actions/triggers/event-stream/bindings", "", 200, `{"bindings":[],"per_page":20}`)
	g.want("GET", "/actions/triggers/post-login/bindings?page=1&per_page=100", "", 200, `{"bindings":[],"page":1,"per_page":100}`)
	bound := g.want("PATCH", "/actions/triggers/post-login/bindings", `{"bindings":[{"ref":{"type":"action_name","value":"a"}}]}`, 200, `"display_name":"a"`)
	var b struct{ Bindings []struct{ ID string } }
	if err := json.Unmarshal([]byte(bound), &b); err != nil {
		t.Fatal(err)
	}
	g.want("GET", "/actions/triggers/post-login/bindings?page=0&per_page=100", "", 200, `}],"per_page":100,"total":1}`)
	again := `{"bindings":[{"ref":{"type":"binding_id","value":"` + b.Bindings[0].ID + `"},"display_name":"c"}]}`
	g.want("PATCH", "/actions/triggers/post-login/bindings", again, 200, `"display_name":"c","id":"`+b.Bindings[0].ID)
	g.want("PATCH", path, `{"supported_triggers":[{"id":"credentials-exchange"}]}`, 400, "can't upgrade")
	g.want("DELETE", path, "", 409, "Unable to delete an action bound to a trigger.")
	g.want("DELETE", path+"?force=true", "", 204, "")
	g.want("GET", "/actions/triggers/post-login/bindings", "", 200, `{"bindings":[],"per_page":20}`)
	g.want("DELETE", path, "", 404, "does not exist")
	g.want("GET", "/actions/triggers", "", 200, `"id":"post-login","runtimes":["node12","node16","node18","node22"],"status":"CURRENT","version":"v3"`)
}

func TestActionCreatedDeployedAndTested(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.RunScripts(&deniers{})
	g := newAPI(t, tenant)
	a := g.object("POST", "/actions/actions", `{"name":"a","code":"throw","deploy":true,"supported_triggers":[{"id":"post-login","version":"v3"}]}`, 201)
	if v := a["deployed_version"].(map[string]any); v["status"] != "pending" || v["deployed"] != true || a["all_changes_deployed"] != true {
		t.Errorf("created %v", a)
	}
	tenant.Advance(time.Second)
	g.want("GET", "/actions/actions/"+a["id"].(string), "", 200, `"status":"BUILT"`)
	g.want("POST", "/actions/actions/"+a["id"].(string)+"/test", `{"payload":{"event":{}}}`, 200, `"message":"thrown"`)
	g.want("POST", "/actions/actions/nothing/test", `{"payload":{"event":{}}}`, 404, "does not exist")
}
