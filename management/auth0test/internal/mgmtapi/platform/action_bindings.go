package platform

import (
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// actionBinding is an Action's place in a trigger's flow.
type actionBinding struct {
	id, name             string
	action               *actionRow
	createdAt, updatedAt time.Time
}

// trigger is a version of a trigger; binding is "entity-bound" where it is not bound by
// a flow.
type trigger struct {
	ID, Version, Runtime, Binding string
	Current                       bool
}

// triggers are those of a tenant of today, with the versions before.
var triggers = sync.OnceValue(func() []trigger { return schema.Data[[]trigger]("triggers") })

func (t trigger) view() any {
	m := map[string]any{
		"id": t.ID, "version": t.Version, "status": "DEPRECATED", "default_runtime": t.Runtime, "runtimes": []string{"node12"},
		"compatible_triggers": []any{}, "binding_policy": "trigger-bound",
	}
	if t.Version != "v1" || t.Current {
		m["runtimes"] = []string{"node12", "node16", "node18", "node22"}
	}
	if t.Current {
		m["status"] = "CURRENT"
	}
	if t.ID == "post-login" && t.Current {
		m["compatible_triggers"] = []any{map[string]any{"id": t.ID, "version": "v2"}}
	}
	if t.Binding != "" {
		m["binding_policy"] = t.Binding
	}
	return m
}

func listTriggers(*mgmtapi.Call, *state.Tenant) any {
	return map[string]any{"triggers": store.Render(triggers(), trigger.view)}
}

// currentTriggers are those that a request names, with their versions.
func currentTriggers(c *mgmtapi.Call) []any {
	return store.Render(store.Objects(c.Body["supported_triggers"]), func(m map[string]any) any {
		m = store.Clone(m)
		for _, t := range triggers() {
			if version, _ := m["version"].(string); version == "" && t.ID == m["id"] && t.Current {
				m["version"] = t.Version
			}
		}
		return m
	})
}

func triggerID(t any) any { return t.(map[string]any)["id"] }

// defaultRuntime is that of the first trigger's version.
func defaultRuntime(list []any) string {
	m := list[0].(map[string]any)
	for _, t := range triggers() {
		if t.ID == m["id"] && t.Version == m["version"] {
			return t.Runtime
		}
	}
	return "node22"
}

func (a *actionRow) supports(trigger string) bool {
	return slices.ContainsFunc(a.triggers, func(t any) bool { return triggerID(t) == trigger })
}

func (b *actionBinding) view(trigger string) any {
	m := b.action.brief()
	b.action.addDeployed(m)
	return map[string]any{
		"id": b.id, "trigger_id": trigger, "display_name": b.name, "action": m,
		"created_at": store.Stamp(b.createdAt), "updated_at": store.Stamp(b.updatedAt),
	}
}

func listBindings(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("triggerId")
	page := mgmtapi.Envelope[*actionBinding]{Key: "bindings", Form: mgmtapi.Omitted}
	return mgmtapi.List(c, page, bindingsOf(c.T)[id], func(b *actionBinding) any { return b.view(id) })
}

// updateBindings replaces the list of what runs, in its order.
func updateBindings(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("triggerId")
	if slices.ContainsFunc(triggers(), func(t trigger) bool { return t.ID == id && t.Binding == "entity-bound" }) {
		return mgmtapi.BadRequest("cannot list action bindings for an entity-bound trigger", "")
	}
	next := []*actionBinding{}
	for _, item := range store.Objects(c.Body["bindings"]) {
		b, bad := binding(c, id, item)
		if bad != nil {
			return bad
		}
		next = append(next, b)
	}
	bindingsOf(c.T)[id] = next
	return mgmtapi.OK(map[string]any{"bindings": store.Render(next, func(b *actionBinding) any { return b.view(id) })})
}

// binding reads one: an Action that is bound already keeps its binding.
func binding(c *mgmtapi.Call, trigger string, item map[string]any) (*actionBinding, *mgmtapi.Reply) {
	ref, _ := item["ref"].(map[string]any)
	kind, _ := ref["type"].(string)
	value, _ := ref["value"].(string)
	have := bindingsOf(c.T)[trigger]
	i := slices.IndexFunc(have, func(b *actionBinding) bool {
		return kind == "binding_id" && b.id == value || kind == "action_id" && b.action.id == value || b.action.name == value
	})
	b := &actionBinding{id: store.NewUUID(), createdAt: c.Now, updatedAt: c.Now}
	switch {
	case i >= 0:
		*b = *have[i]
	case kind == "binding_id":
		return nil, mgmtapi.NotFound("That binding does not exist.", "")
	default:
		b.action = actionsOf(c.T).Find(func(a *actionRow) bool {
			return kind == "action_id" && a.id == value || kind != "action_id" && a.name == value
		})
	}
	switch {
	case b.action == nil:
		return nil, mgmtapi.NotFound(noAction, "")
	case !b.action.supports(trigger):
		return nil, mgmtapi.BadRequest("Trying to create a binding between an incompatible action and trigger.", "")
	case b.action.deployed == nil:
		return nil, mgmtapi.BadRequest("Trying to create a binding for an action that has not been deployed yet", "")
	}
	if name, _ := item["display_name"].(string); name != "" {
		b.name, b.updatedAt = name, c.Now
	} else if b.name == "" {
		b.name = b.action.name
	}
	return b, nil
}

// BoundActions are the deployed versions that a trigger runs, for the login.
func BoundActions(t *state.Tenant, trigger string) []state.Action {
	var out []state.Action
	for _, b := range bindingsOf(t)[trigger] {
		v := b.action.deployed
		out = append(out, state.Action{ID: b.action.id, Name: b.action.name, Code: v.code, Secrets: v.secretValues()})
	}
	return out
}

// deployDraft makes a version of the draft and lets it run.
func deployDraft(t *state.Tenant, a *actionRow, now time.Time) *actionVersion {
	v := a.addVersion(a.draft, now)
	a.deployed, a.changed = v, false
	return v
}

func (a *actionRow) addVersion(code actionCode, now time.Time) *actionVersion {
	v := &actionVersion{actionCode: code, id: store.NewUUID(), number: len(a.versions) + 1, createdAt: now, updatedAt: now, builtAt: now}
	a.versions = append(a.versions, v)
	return v
}

func (a *actionRow) versionView(v *actionVersion) map[string]any {
	m := map[string]any{
		"id": v.id, "number": v.number, "code": v.code, "runtime": v.runtime, "dependencies": v.dependencies,
		"secrets": v.secretViews(), "supported_triggers": a.triggers, "deployed": v == a.deployed, "status": "pending",
		"created_at": store.Stamp(v.createdAt), "updated_at": store.Stamp(v.updatedAt),
	}
	if !v.builtAt.IsZero() {
		m["status"], m["built_at"] = "built", store.Stamp(v.builtAt)
	}
	return m
}

func (a *actionRow) versionWithAction(v *actionVersion) map[string]any {
	m := a.versionView(v)
	m["action"] = a.brief()
	return m
}

// accepted is the answer to a deployment: the version as it is on its way.
func (a *actionRow) accepted(v *actionVersion) *mgmtapi.Reply {
	m := a.versionWithAction(v)
	m["deployed"] = false
	delete(m, "built_at")
	return mgmtapi.OK(m)
}

func deployAction(c *mgmtapi.Call, a *actionRow) *mgmtapi.Reply {
	if a.status != "built" {
		return mgmtapi.BadRequest("A draft must be in the 'built' state before it can be deployed.", "")
	}
	return a.accepted(deployDraft(c.T, a, c.Now))
}

func listActionVersions(c *mgmtapi.Call, a *actionRow) *mgmtapi.Reply {
	rows := slices.Clone(a.versions)
	slices.Reverse(rows)
	return mgmtapi.List(c, mgmtapi.Envelope[*actionVersion]{Key: "versions", Form: mgmtapi.Omitted}, rows, func(v *actionVersion) any { return a.versionWithAction(v) })
}

// versionOf is a version with its Action.
type versionOf struct {
	*actionRow
	v *actionVersion
}

func findVersion(c *mgmtapi.Call) (versionOf, *mgmtapi.Reply) {
	a, bad := actions.By("actionId")(c)
	if bad != nil {
		return versionOf{}, bad
	}
	i := slices.IndexFunc(a.versions, func(v *actionVersion) bool { return v.id == c.Path("id") })
	if i < 0 {
		return versionOf{}, mgmtapi.NotFound("That action version does not exist.", "")
	}
	return versionOf{a, a.versions[i]}, nil
}

// rollBackAction makes a new version that is as an earlier one, and lets it run.
func rollBackAction(c *mgmtapi.Call, a versionOf) *mgmtapi.Reply {
	next := a.addVersion(a.v.actionCode, c.Now)
	a.deployed, a.changed = next, true
	if c.Yes("update_draft") {
		a.draft, a.changed, a.updatedAt = a.v.actionCode, false, c.Now
	}
	return a.accepted(next)
}
