package platform

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// actionBinding is an Action's place in a trigger's flow.
type actionBinding struct {
	id, name             string
	action               *actionRow
	createdAt, updatedAt time.Time
}

// Texts of refusals.
const (
	notDeployed   = "Trying to create a binding for an action that has not been deployed yet"
	incompatible  = "Trying to create a binding between an incompatible action and trigger."
	entityBound   = "cannot list action bindings for an entity-bound trigger"
	noBinding     = "That binding does not exist."
	triggerEntity = "entity-bound"
)

// trigger is a version of a trigger.
type trigger struct {
	id, version string
	current     bool
	runtime     string // The default one.
	binding     string // "entity-bound" where it is not bound by a flow.
}

// triggers are those of a tenant of today, with the versions before.
var triggers = []trigger{
	{"post-login", "v1", false, "node12", ""},
	{"post-login", "v2", false, "node16", ""},
	{"post-login", "v3", true, "node22", ""},
	{"credentials-exchange", "v1", false, "node12", ""},
	{"credentials-exchange", "v2", true, "node22", ""},
	{"pre-user-registration", "v1", false, "node12", ""},
	{"pre-user-registration", "v2", true, "node22", ""},
	{"post-user-registration", "v1", false, "node12", ""},
	{"post-user-registration", "v2", true, "node22", ""},
	{"post-change-password", "v1", false, "node12", ""},
	{"post-change-password", "v2", true, "node22", ""},
	{"send-phone-message", "v1", false, "node12", ""},
	{"send-phone-message", "v2", true, "node22", ""},
	{"password-reset-post-challenge", "v1", true, "node22", ""},
	{"custom-email-provider", "v1", true, "node22", ""},
	{"custom-phone-provider", "v1", true, "node22", ""},
	{"custom-token-exchange", "v1", true, "node22", triggerEntity},
	{"event-stream", "v1", true, "node22", triggerEntity},
	{"password-hash-migration", "v1", true, "node22", triggerEntity},
	{"login-post-identifier", "v1", true, "node22", ""},
	{"signup-post-identifier", "v1", true, "node22", ""},
}

func (t trigger) view() any {
	m := map[string]any{
		"id": t.id, "version": t.version, "status": "DEPRECATED", "default_runtime": t.runtime, "runtimes": []string{"node12"},
		"compatible_triggers": []any{}, "binding_policy": "trigger-bound",
	}
	if t.version != "v1" || t.current {
		m["runtimes"] = []string{"node12", "node16", "node18", "node22"}
	}
	if t.current {
		m["status"] = "CURRENT"
	}
	if t.id == "post-login" && t.current {
		m["compatible_triggers"] = []any{map[string]any{"id": t.id, "version": "v2"}}
	}
	if t.binding != "" {
		m["binding_policy"] = t.binding
	}
	return m
}

func listTriggers(*mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(map[string]any{"triggers": store.Render(triggers, trigger.view)})
}

// currentTrigger fills in the version of a trigger that an Action names.
func currentTrigger(m map[string]any) map[string]any {
	if version, _ := m["version"].(string); version != "" {
		return m
	}
	m = store.Clone(m)
	for _, t := range triggers {
		if t.id == m["id"] && t.current {
			m["version"] = t.version
		}
	}
	return m
}

func triggerID(t any) any { return t.(map[string]any)["id"] }

// defaultRuntime is that of the first trigger's version.
func defaultRuntime(list []any) string {
	m := list[0].(map[string]any)
	for _, t := range triggers {
		if t.id == m["id"] && t.version == m["version"] {
			return t.runtime
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

func boundByFlow(c *mgmtapi.Call) *mgmtapi.Reply {
	for _, t := range triggers {
		if t.id == c.Path("triggerId") && t.binding == triggerEntity {
			return mgmtapi.BadRequest(entityBound, "")
		}
	}
	return nil
}

func listBindings(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("triggerId")
	page := mgmtapi.Envelope[*actionBinding]{Key: "bindings", Form: mgmtapi.Omitted}
	return mgmtapi.List(c, page, actionsOf(c.T).bindings[id], func(b *actionBinding) any { return b.view(id) })
}

// updateBindings replaces the list of what runs, in its order.
func updateBindings(c *mgmtapi.Call) *mgmtapi.Reply {
	if bad := boundByFlow(c); bad != nil {
		return bad
	}
	id := c.Path("triggerId")
	list, _ := c.Body["bindings"].([]any)
	next := []*actionBinding{}
	for _, item := range list {
		b, bad := binding(c, id, item.(map[string]any))
		if bad != nil {
			return bad
		}
		next = append(next, b)
	}
	if actionsOf(c.T).bindings == nil {
		actionsOf(c.T).bindings = make(map[string][]*actionBinding)
	}
	actionsOf(c.T).bindings[id] = next
	return mgmtapi.OK(map[string]any{"bindings": store.Render(next, func(b *actionBinding) any { return b.view(id) })})
}

// binding reads one: an Action that is bound already keeps its binding.
func binding(c *mgmtapi.Call, trigger string, item map[string]any) (*actionBinding, *mgmtapi.Reply) {
	ref, _ := item["ref"].(map[string]any)
	kind, _ := ref["type"].(string)
	value, _ := ref["value"].(string)
	have := actionsOf(c.T).bindings[trigger]
	i := slices.IndexFunc(have, func(b *actionBinding) bool {
		return kind == "binding_id" && b.id == value || kind == "action_id" && b.action.id == value || b.action.name == value
	})
	b := &actionBinding{id: store.NewUUID(), createdAt: c.Now, updatedAt: c.Now}
	switch {
	case i >= 0:
		*b = *have[i]
	case kind == "binding_id":
		return nil, mgmtapi.NotFound(noBinding, "")
	default:
		b.action = actionsOf(c.T).Find(func(a *actionRow) bool {
			return kind == "action_id" && a.id == value || kind != "action_id" && a.name == value
		})
	}
	switch {
	case b.action == nil:
		return nil, mgmtapi.NotFound(noAction, "")
	case !b.action.supports(trigger):
		return nil, mgmtapi.BadRequest(incompatible, "")
	case b.action.deployed == nil:
		return nil, mgmtapi.BadRequest(notDeployed, "")
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
	for _, b := range actionsOf(t).bindings[trigger] {
		v := b.action.deployed
		out = append(out, state.Action{ID: b.action.id, Name: b.action.name, Code: v.code, Secrets: v.secretValues()})
	}
	return out
}
