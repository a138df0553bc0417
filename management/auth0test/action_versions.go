package auth0test

import (
	"slices"
	"time"
)

// deployDraft makes a version of the draft and lets it run.
func (t *Tenant) deployDraft(a *actionRow, now time.Time) *actionVersion {
	v := a.addVersion(a.draft, now)
	a.deployed, a.changed = v, false
	return v
}

func (a *actionRow) addVersion(code actionCode, now time.Time) *actionVersion {
	v := &actionVersion{actionCode: code, id: newUUID(), number: 1, createdAt: now, updatedAt: now, builtAt: now}
	if n := len(a.versions); n > 0 {
		v.number = a.versions[n-1].number + 1
	}
	a.versions = append(a.versions, v)
	return v
}

func (a *actionRow) versionView(v *actionVersion) map[string]any {
	m := map[string]any{
		"id": v.id, "number": v.number, "code": v.code, "runtime": v.runtime, "dependencies": v.dependencies,
		"secrets": v.secretViews(), "supported_triggers": a.triggers, "deployed": v == a.deployed, "status": "pending",
		"created_at": stamp(v.createdAt), "updated_at": stamp(v.updatedAt),
	}
	if !v.builtAt.IsZero() {
		m["status"], m["built_at"] = "built", stamp(v.builtAt)
	}
	return m
}

func (a *actionRow) versionWithAction(v *actionVersion) map[string]any {
	m := a.versionView(v)
	m["action"] = a.brief()
	return m
}

// accepted is the answer to a deployment: the version as it is on its way.
func (a *actionRow) accepted(v *actionVersion) *reply {
	m := a.versionWithAction(v)
	m["deployed"] = false
	delete(m, "built_at")
	return ok(m)
}

func deployAction(c *call) *reply {
	a, bad := c.action("id")
	if bad != nil {
		return bad
	}
	if a.status != "built" {
		return badRequest(notBuilt, "")
	}
	return a.accepted(c.t.deployDraft(a, c.now))
}

func listActionVersions(c *call) *reply {
	a, bad := c.action("actionId")
	if bad != nil {
		return bad
	}
	rows := slices.Clone(a.versions)
	slices.Reverse(rows)
	return actionPage(c, "versions", rows, func(v *actionVersion) any { return a.versionWithAction(v) })
}

func (c *call) actionVersion() (*actionRow, *actionVersion, *reply) {
	a, bad := c.action("actionId")
	if bad != nil {
		return nil, nil, bad
	}
	i := slices.IndexFunc(a.versions, func(v *actionVersion) bool { return v.id == c.path("id") })
	if i < 0 {
		return nil, nil, notFound(noVersion, "")
	}
	return a, a.versions[i], nil
}

func readActionVersion(c *call) *reply {
	a, v, bad := c.actionVersion()
	if bad != nil {
		return bad
	}
	return ok(a.versionWithAction(v))
}

// rollBackAction makes a new version that is as an earlier one, and lets it run.
func rollBackAction(c *call) *reply {
	a, v, bad := c.actionVersion()
	if bad != nil {
		return bad
	}
	next := a.addVersion(v.actionCode, c.now)
	a.deployed, a.changed = next, true
	if c.yes("update_draft") {
		a.draft, a.changed, a.updatedAt = v.actionCode, false, c.now
	}
	return a.accepted(next)
}
