package platform

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// actionStore holds the Actions.
type actionStore struct{ store.Table[*actionRow] }

func actionsOf(t *state.Tenant) *actionStore { return state.Part(t, state.Zero[actionStore]) }

// bindingsOf are those of each trigger, in order.
func bindingsOf(t *state.Tenant) map[string][]*actionBinding { return state.Kept[[]*actionBinding](t) }

// actionRow is an Action: a draft, and the versions that were made of it.
type actionRow struct {
	id, name             string
	triggers             []any // As the request had them.
	modules              []any // What it uses of action modules, as the request had them.
	createdAt, updatedAt time.Time

	draft    actionCode
	status   string // Of the draft: pending, building, built.
	build    int    // Number of the build that runs: a later change starts another.
	versions []*actionVersion
	deployed *actionVersion
	changed  bool // The draft is not what was deployed.
}

// actionCode is what a version freezes.
type actionCode struct {
	code, runtime string
	dependencies  []any
	secrets       []actionSecret
}

type actionSecret struct {
	name, value string
	updatedAt   time.Time
}

type actionVersion struct {
	actionCode
	id                   string
	number               int
	createdAt, updatedAt time.Time
	builtAt              time.Time // Zero while it is being built.
}

var actions = &mgmtapi.Resource[*actionRow]{
	Path: "/actions/actions", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*actionRow] { return &actionsOf(t).Table }),
	Missing: mgmtapi.Text{Message: noAction}, Strict: true,
	New: newAction, Set: changeAction, Remove: removeAction,
	View: viewAction,
	Where: func(c *mgmtapi.Call, a *actionRow) bool {
		trigger := c.Query.Get("triggerId")
		return (trigger == "" || a.supports(trigger)) && c.Asks("actionName", a.name) && c.Asks("deployed", strconv.FormatBool(a.deployed != nil))
	},
	Page: mgmtapi.Envelope[*actionRow]{Key: "actions", Form: mgmtapi.Omitted},
}

func ActionRoutes() []mgmtapi.Route {
	const path = "/actions/actions"
	return actions.Routes([]mgmtapi.Route{
		{Method: "POST", Pattern: path + "/{id}/deploy", Handle: mgmtapi.On(actions.Find, deployAction)},
		{Method: "POST", Pattern: path + "/{id}/test", Handle: testAction, Free: true},
		{Method: "GET", Pattern: path + "/{actionId}/versions", Handle: mgmtapi.On(actions.By("actionId"), listActionVersions)},
		{Method: "GET", Pattern: path + "/{actionId}/versions/{id}", Handle: mgmtapi.Telling(findVersion, func(_ *mgmtapi.Call, a versionOf) any { return a.versionWithAction(a.v) })},
		{Method: "POST", Pattern: path + "/{actionId}/versions/{id}/deploy", Handle: mgmtapi.On(findVersion, rollBackAction)},
		{Method: "GET", Pattern: "/actions/executions/{id}", Handle: func(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.NotFound("That execution does not exist.", "") }},
		{Method: "GET", Pattern: "/actions/triggers", Handle: mgmtapi.Telling(mgmtapi.Any, listTriggers)},
		{Method: "GET", Pattern: "/actions/triggers/{triggerId}/bindings", Handle: listBindings},
		{Method: "PATCH", Pattern: "/actions/triggers/{triggerId}/bindings", Handle: updateBindings},
	}...)
}

func newAction(c *mgmtapi.Call) (string, *actionRow, *mgmtapi.Reply) {
	a := &actionRow{id: store.NewUUID(), name: c.Str("name"), createdAt: c.Now, updatedAt: c.Now, changed: true}
	a.triggers = currentTriggers(c)
	a.draft = actionCode{runtime: defaultRuntime(a.triggers), dependencies: []any{}}
	changeDraft(c, a)
	buildAction(c.T, a, c.Now)
	if c.Yes("deploy") {
		deployDraft(c.T, a, c.Now).builtAt = time.Time{}
	}
	return a.id, a, nil
}

// changeAction changes the draft; what was deployed runs on.
func changeAction(c *mgmtapi.Call, a *actionRow) *mgmtapi.Reply {
	if c.Has("supported_triggers") {
		next := currentTriggers(c)
		if isBound(c.T, a) && triggerID(next[0]) != triggerID(a.triggers[0]) {
			return mgmtapi.BadRequest("can't upgrade to this trigger.", "")
		}
		a.triggers = next
	}
	if c.Has("name") {
		a.name = c.Str("name")
	}
	a.updatedAt = c.Now
	if changeDraft(c, a) {
		a.changed = true
		buildAction(c.T, a, c.Now)
	}
	return nil
}

func removeAction(c *mgmtapi.Call, a *actionRow) *mgmtapi.Reply {
	if isBound(c.T, a) && !c.Flag("force") {
		return mgmtapi.Conflict("Unable to delete an action bound to a trigger.", "")
	}
	for trigger, list := range bindingsOf(c.T) {
		bindingsOf(c.T)[trigger] = slices.DeleteFunc(list, func(b *actionBinding) bool { return b.action == a })
	}
	a.build++ // Ends the build.
	return nil
}

const noAction = "That action does not exist."

// actionSecrets reads the secrets; one without a value keeps the one it has.
func actionSecrets(c *mgmtapi.Call, old []actionSecret) []actionSecret {
	var out []actionSecret
	for _, m := range store.Objects(c.Body["secrets"]) {
		name, _ := m["name"].(string)
		value, given := m["value"].(string)
		i := slices.IndexFunc(old, func(s actionSecret) bool { return s.name == name })
		if !given && i >= 0 {
			out = append(out, old[i])
			continue
		}
		out = append(out, actionSecret{name, value, c.Now})
	}
	return out
}

// buildAction builds the draft, which takes JobTime.
func buildAction(t *state.Tenant, a *actionRow, now time.Time) {
	a.status = "pending"
	a.build++
	build, took := a.build, max(0, t.Options.JobTime)
	t.Timeline.At(now.Add(took/4), func(time.Time) {
		if a.build == build {
			a.status = "building"
		}
	})
	t.Timeline.At(now.Add(took), func(at time.Time) {
		if a.build != build {
			return
		}
		a.status = "built"
		a.draft.dependencies = built(a.draft.dependencies)
		if v := a.deployed; v != nil && v.builtAt.IsZero() {
			v.builtAt, v.updatedAt, v.dependencies = at, at, a.draft.dependencies
		}
	})
}

// built are dependencies as a build leaves them: without their registry.
func built(dependencies []any) []any {
	out, _ := store.DeepCopy(dependencies).([]any)
	for _, m := range store.Objects(out) {
		delete(m, "registry_url")
	}
	return out
}

// changeDraft applies what must be built, and tells whether there was any.
func changeDraft(c *mgmtapi.Call, a *actionRow) bool {
	if c.Has("code") {
		a.draft.code = c.Str("code")
	}
	if c.Str("runtime") != "" {
		a.draft.runtime = c.Str("runtime")
	}
	if list, has := c.Body["dependencies"].([]any); has {
		a.draft.dependencies = list
	}
	if list, has := c.Body["modules"].([]any); has {
		a.modules = namedModules(c.T, list)
	}
	if c.Has("secrets") {
		a.draft.secrets = actionSecrets(c, a.draft.secrets)
	}
	return c.Has("code") || c.Has("runtime") || c.Has("dependencies") || c.Has("secrets")
}

func isBound(t *state.Tenant, a *actionRow) bool {
	all := slices.Concat(slices.Collect(maps.Values(bindingsOf(t)))...)
	return slices.ContainsFunc(all, func(b *actionBinding) bool { return b.action == a })
}

// viewAction is an Action as its own operations show it.
func viewAction(_ *mgmtapi.Call, a *actionRow) map[string]any {
	m := a.brief()
	m["updated_at"] = store.Stamp(a.updatedAt)
	m["code"], m["runtime"], m["status"] = a.draft.code, a.draft.runtime, a.status
	m["dependencies"], m["secrets"] = a.draft.dependencies, a.draft.secretViews()
	m["all_changes_deployed"] = a.deployed != nil && !a.changed
	if a.modules != nil {
		m["modules"] = a.modules
	}
	a.addDeployed(m)
	return m
}

// brief is an Action inside of versions and bindings.
func (a *actionRow) brief() map[string]any {
	return map[string]any{
		"id": a.id, "name": a.name, "supported_triggers": a.triggers,
		"created_at": store.Stamp(a.createdAt), "updated_at": store.Stamp(a.createdAt), "all_changes_deployed": false,
	}
}

func (a *actionRow) addDeployed(m map[string]any) {
	v := a.deployed
	if v == nil {
		return
	}
	current := map[string]any{
		"id": v.id, "code": v.code, "runtime": v.runtime, "number": v.number, "status": "PENDING",
		"created_at": store.Stamp(v.createdAt), "updated_at": store.Stamp(v.updatedAt),
	}
	if !v.builtAt.IsZero() {
		current["status"], current["build_time"] = "BUILT", store.Stamp(v.builtAt)
	}
	m["current_version"], m["deployed_version"] = current, a.versionView(v)
}

func (s actionCode) secretViews() []any {
	return store.Render(s.secrets, func(s actionSecret) any {
		return map[string]any{"name": s.name, "updated_at": store.Stamp(s.updatedAt)}
	})
}

// testAction runs the draft with an event, where there is something to run it.
func testAction(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Lock()
	a, bad := actions.Find(c)
	scripts := c.T.Auth.Actions.Scripts
	code, secrets := "", map[string]string(nil)
	if a != nil {
		code, secrets = a.draft.code, a.draft.secretValues()
	}
	c.T.Unlock()
	if bad != nil {
		return bad
	}
	start, payload := time.Now(), map[string]any{}
	if scripts != nil {
		event, _ := c.Obj("payload")["event"].(map[string]any)
		event = store.Clone(store.OrEmpty(event))
		event["secrets"] = secrets
		v := effects.NewVerdict()
		if err := scripts.Run(c.R.Context(), code, event, effects.ActionAPI(c.T, "", v)); err != nil {
			payload["error"] = map[string]any{"message": err.Error(), "name": "Error", "stack": ""}
		}
	}
	took := int(time.Since(start).Milliseconds())
	payload["stats"] = map[string]any{
		"total_request_duration_ms": took, "total_runtime_execution_duration_ms": took, "runtime_processing_duration_ms": 0,
		"action_duration_ms": took, "runtime_external_call_duration_ms": 0, "boot_duration_ms": 0, "network_duration_ms": 0,
	}
	return mgmtapi.OK(map[string]any{"payload": payload})
}

func (s actionCode) secretValues() map[string]string {
	m := make(map[string]string, len(s.secrets))
	for _, x := range s.secrets {
		m[x.name] = x.value
	}
	return m
}
