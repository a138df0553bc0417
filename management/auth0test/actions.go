package auth0test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// actionStore holds the Actions and what is bound to each trigger, in order.
type actionStore struct {
	table[actionRow]
	bindings map[string][]*actionBinding
}

// actionRow is an Action: a draft, and the versions that were made of it.
type actionRow struct {
	id, name             string
	triggers             []any // As the request had them.
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

func actionRoutes() []route {
	const path = "/actions/actions"
	return []route{
		{method: "GET", pattern: path, handle: listActions},
		{method: "POST", pattern: path, handle: createAction},
		{method: "GET", pattern: path + "/{id}", handle: readAction},
		{method: "PATCH", pattern: path + "/{id}", handle: updateAction},
		{method: "DELETE", pattern: path + "/{id}", handle: deleteAction},
		{method: "POST", pattern: path + "/{id}/deploy", handle: deployAction},
		{method: "POST", pattern: path + "/{id}/test", handle: testAction, free: true},
		{method: "GET", pattern: path + "/{actionId}/versions", handle: listActionVersions},
		{method: "GET", pattern: path + "/{actionId}/versions/{id}", handle: readActionVersion},
		{method: "POST", pattern: path + "/{actionId}/versions/{id}/deploy", handle: rollBackAction},
		{method: "GET", pattern: "/actions/executions/{id}", handle: readExecution},
		{method: "GET", pattern: "/actions/triggers", handle: listTriggers},
		{method: "GET", pattern: "/actions/triggers/{triggerId}/bindings", handle: listBindings},
		{method: "PATCH", pattern: "/actions/triggers/{triggerId}/bindings", handle: updateBindings},
	}
}

// Texts of refusals, as Auth0's clients and their users quote them.
const (
	noAction      = "That action does not exist."
	noVersion     = "That action version does not exist."
	noExecution   = "That execution does not exist."
	notBuilt      = "A draft must be in the 'built' state before it can be deployed."
	actionIsBound = "Unable to delete an action bound to a trigger."
	otherTrigger  = "can't upgrade to this trigger."
)

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (c *call) action(part string) (*actionRow, *reply) {
	a := c.t.actions.get(c.path(part))
	if a == nil {
		return nil, notFound(noAction, "")
	}
	return a, nil
}

func listActions(c *call) *reply {
	trigger, name, deployed := c.query.Get("triggerId"), c.query.Get("actionName"), c.query.Get("deployed")
	rows := slices.DeleteFunc(c.t.actions.all(), func(a *actionRow) bool {
		return trigger != "" && !a.supports(trigger) || name != "" && a.name != name ||
			deployed != "" && (a.deployed != nil) != (deployed == "true")
	})
	return actionPage(c, "actions", rows, func(a *actionRow) any { return a.view() })
}

// actionPage is a page in the way of Actions: always with totals, and page is
// left out when it is zero.
func actionPage[T any](c *call, key string, rows []T, view func(T) any) *reply {
	o := offset{limit: min(c.number("per_page", 20), 100)}
	page := c.number("page", 0)
	o.start = page * o.limit
	body := map[string]any{key: render(cut(o, rows), view), "total": len(rows), "per_page": o.limit}
	if page > 0 {
		body["page"] = page
	}
	return ok(body)
}

func createAction(c *call) *reply {
	a := &actionRow{id: newUUID(), name: c.str("name"), createdAt: c.now, updatedAt: c.now, changed: true}
	for _, t := range c.body["supported_triggers"].([]any) {
		a.triggers = append(a.triggers, currentTrigger(t.(map[string]any)))
	}
	a.draft = actionCode{code: c.str("code"), runtime: c.str("runtime"), dependencies: []any{}}
	if a.draft.runtime == "" {
		a.draft.runtime = defaultRuntime(a.triggers)
	}
	if list, has := c.body["dependencies"].([]any); has {
		a.draft.dependencies = list
	}
	a.draft.secrets = c.actionSecrets(nil)
	c.t.actions.put(a.id, a)
	c.t.buildAction(a, c.now)
	if c.yes("deploy") {
		c.t.deployDraft(a, c.now).builtAt = time.Time{}
	}
	return created(a.view())
}

// actionSecrets reads the secrets; one without a value keeps the one it has.
func (c *call) actionSecrets(old []actionSecret) []actionSecret {
	list, _ := c.body["secrets"].([]any)
	out := make([]actionSecret, 0, len(list))
	for _, s := range list {
		m, _ := s.(map[string]any)
		name, _ := m["name"].(string)
		value, given := m["value"].(string)
		i := slices.IndexFunc(old, func(s actionSecret) bool { return s.name == name })
		if !given && i >= 0 {
			out = append(out, old[i])
			continue
		}
		out = append(out, actionSecret{name, value, c.now})
	}
	return out
}

// buildAction builds the draft, which takes JobTime.
func (t *Tenant) buildAction(a *actionRow, now time.Time) {
	a.status = "pending"
	a.build++
	build, took := a.build, max(0, t.opts.JobTime)
	t.timeline.at(now.Add(took/4), func(time.Time) {
		if a.build == build {
			a.status = "building"
		}
	})
	t.timeline.at(now.Add(took), func(at time.Time) {
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
	out := make([]any, len(dependencies))
	for i, d := range dependencies {
		if m, is := d.(map[string]any); is {
			m = clone(m)
			delete(m, "registry_url")
			d = m
		}
		out[i] = d
	}
	return out
}

func readAction(c *call) *reply {
	a, bad := c.action("id")
	if bad != nil {
		return bad
	}
	return ok(a.view())
}

// updateAction changes the draft; what was deployed runs on.
func updateAction(c *call) *reply {
	a, bad := c.action("id")
	if bad != nil {
		return bad
	}
	if list, has := c.body["supported_triggers"].([]any); has {
		next := []any{}
		for _, t := range list {
			next = append(next, currentTrigger(t.(map[string]any)))
		}
		if c.t.isBound(a) && triggerID(next[0]) != triggerID(a.triggers[0]) {
			return badRequest(otherTrigger, "")
		}
		a.triggers = next
	}
	if c.has("name") {
		a.name = c.str("name")
	}
	a.updatedAt = c.now
	if c.changeDraft(a) {
		a.changed = true
		c.t.buildAction(a, c.now)
	}
	return ok(a.view())
}

// changeDraft applies what must be built, and tells whether there was any.
func (c *call) changeDraft(a *actionRow) bool {
	if c.has("code") {
		a.draft.code = c.str("code")
	}
	if c.has("runtime") {
		a.draft.runtime = c.str("runtime")
	}
	if list, has := c.body["dependencies"].([]any); has {
		a.draft.dependencies = list
	}
	if c.has("secrets") {
		a.draft.secrets = c.actionSecrets(a.draft.secrets)
	}
	return c.has("code") || c.has("runtime") || c.has("dependencies") || c.has("secrets")
}

func (t *Tenant) isBound(a *actionRow) bool {
	for _, list := range t.actions.bindings {
		if slices.ContainsFunc(list, func(b *actionBinding) bool { return b.action == a }) {
			return true
		}
	}
	return false
}

func deleteAction(c *call) *reply {
	a, bad := c.action("id")
	if bad != nil {
		return bad
	}
	if c.t.isBound(a) && !c.flag("force") {
		return conflict(actionIsBound, "")
	}
	for trigger, list := range c.t.actions.bindings {
		c.t.actions.bindings[trigger] = slices.DeleteFunc(list, func(b *actionBinding) bool { return b.action == a })
	}
	a.build++ // Ends the build.
	c.t.actions.delete(a.id)
	return noContent()
}

func readExecution(*call) *reply { return notFound(noExecution, "") }

// view is an Action as its own operations show it.
func (a *actionRow) view() map[string]any {
	m := a.brief()
	m["updated_at"] = stamp(a.updatedAt)
	m["code"], m["runtime"], m["status"] = a.draft.code, a.draft.runtime, a.status
	m["dependencies"], m["secrets"] = a.draft.dependencies, a.draft.secretViews()
	m["all_changes_deployed"] = a.deployed != nil && !a.changed
	a.addDeployed(m)
	return m
}

// brief is an Action inside of versions and bindings.
func (a *actionRow) brief() map[string]any {
	return map[string]any{
		"id": a.id, "name": a.name, "supported_triggers": a.triggers,
		"created_at": stamp(a.createdAt), "updated_at": stamp(a.createdAt), "all_changes_deployed": false,
	}
}

func (a *actionRow) addDeployed(m map[string]any) {
	v := a.deployed
	if v == nil {
		return
	}
	current := map[string]any{
		"id": v.id, "code": v.code, "runtime": v.runtime, "number": v.number, "status": "PENDING",
		"created_at": stamp(v.createdAt), "updated_at": stamp(v.updatedAt),
	}
	if !v.builtAt.IsZero() {
		current["status"], current["build_time"] = "BUILT", stamp(v.builtAt)
	}
	m["current_version"], m["deployed_version"] = current, a.versionView(v)
}

func (s actionCode) secretViews() []any {
	return render(s.secrets, func(s actionSecret) any {
		return map[string]any{"name": s.name, "updated_at": stamp(s.updatedAt)}
	})
}

// testAction runs the draft with an event, where there is something to run it.
func testAction(c *call) *reply {
	c.t.lock()
	a, bad := c.action("id")
	scripts := c.t.authState.actions.scripts
	code, secrets := "", map[string]string(nil)
	if a != nil {
		code, secrets = a.draft.code, a.draft.secretValues()
	}
	c.t.mu.Unlock()
	if bad != nil {
		return bad
	}
	start, payload := time.Now(), map[string]any{}
	if scripts != nil {
		event, _ := c.obj("payload")["event"].(map[string]any)
		event = clone(orEmpty(event))
		event["secrets"] = secrets
		v := &verdict{claims: actionClaims{id: map[string]any{}, access: map[string]any{}}}
		if err := scripts.Run(c.r.Context(), code, event, c.t.actionAPI(&loginEvent{issuance: issuance{user: &userView{}}}, v)); err != nil {
			payload["error"] = map[string]any{"message": err.Error(), "name": "Error", "stack": ""}
		}
	}
	took := int(time.Since(start).Milliseconds())
	payload["stats"] = map[string]any{
		"total_request_duration_ms": took, "total_runtime_execution_duration_ms": took, "runtime_processing_duration_ms": 0,
		"action_duration_ms": took, "runtime_external_call_duration_ms": 0, "boot_duration_ms": 0, "network_duration_ms": 0,
	}
	return ok(map[string]any{"payload": payload})
}

func (s actionCode) secretValues() map[string]string {
	m := make(map[string]string, len(s.secrets))
	for _, x := range s.secrets {
		m[x.name] = x.value
	}
	return m
}
