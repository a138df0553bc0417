package auth0test

import (
	"slices"
	"time"
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
	noBinding     = "That binding does not exist."
	entityBound   = "cannot list action bindings for an entity-bound trigger"
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

func listTriggers(*call) *reply {
	return ok(map[string]any{"triggers": render(triggers, trigger.view)})
}

// currentTrigger fills in the version of a trigger that an Action names.
func currentTrigger(m map[string]any) map[string]any {
	if version, _ := m["version"].(string); version != "" {
		return m
	}
	m = clone(m)
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
		"created_at": stamp(b.createdAt), "updated_at": stamp(b.updatedAt),
	}
}

func (c *call) boundByFlow() *reply {
	for _, t := range triggers {
		if t.id == c.path("triggerId") && t.binding == triggerEntity {
			return badRequest(entityBound, "")
		}
	}
	return nil
}

func listBindings(c *call) *reply {
	if bad := c.boundByFlow(); bad != nil {
		return bad
	}
	id := c.path("triggerId")
	return actionPage(c, "bindings", c.t.actions.bindings[id], func(b *actionBinding) any { return b.view(id) })
}

// updateBindings replaces the list of what runs, in its order.
func updateBindings(c *call) *reply {
	if bad := c.boundByFlow(); bad != nil {
		return bad
	}
	id := c.path("triggerId")
	list, _ := c.body["bindings"].([]any)
	next := []*actionBinding{}
	for _, item := range list {
		b, bad := c.binding(id, item.(map[string]any))
		if bad != nil {
			return bad
		}
		next = append(next, b)
	}
	if c.t.actions.bindings == nil {
		c.t.actions.bindings = make(map[string][]*actionBinding)
	}
	c.t.actions.bindings[id] = next
	return ok(map[string]any{"bindings": render(next, func(b *actionBinding) any { return b.view(id) })})
}

// binding reads one: an Action that is bound already keeps its binding.
func (c *call) binding(trigger string, item map[string]any) (*actionBinding, *reply) {
	ref, _ := item["ref"].(map[string]any)
	kind, _ := ref["type"].(string)
	value, _ := ref["value"].(string)
	have := c.t.actions.bindings[trigger]
	i := slices.IndexFunc(have, func(b *actionBinding) bool {
		return kind == "binding_id" && b.id == value || kind == "action_id" && b.action.id == value || b.action.name == value
	})
	b := &actionBinding{id: newUUID(), createdAt: c.now, updatedAt: c.now}
	switch {
	case i >= 0:
		*b = *have[i]
	case kind == "binding_id":
		return nil, notFound(noBinding, "")
	default:
		b.action = c.t.actions.find(func(a *actionRow) bool {
			return kind == "action_id" && a.id == value || kind != "action_id" && a.name == value
		})
	}
	switch {
	case b.action == nil:
		return nil, notFound(noAction, "")
	case !b.action.supports(trigger):
		return nil, badRequest(incompatible, "")
	case b.action.deployed == nil:
		return nil, badRequest(notDeployed, "")
	}
	if name, _ := item["display_name"].(string); name != "" {
		b.name, b.updatedAt = name, c.now
	} else if b.name == "" {
		b.name = b.action.name
	}
	return b, nil
}

// boundActions are the deployed versions that a trigger runs, for the login.
func (t *Tenant) boundActions(trigger string) []action {
	var out []action
	for _, b := range t.actions.bindings[trigger] {
		v := b.action.deployed
		out = append(out, action{id: b.action.id, name: b.action.name, code: v.code, secrets: v.secretValues()})
	}
	return out
}
