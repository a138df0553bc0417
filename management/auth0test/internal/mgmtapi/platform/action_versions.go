package platform

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// deployDraft makes a version of the draft and lets it run.
func deployDraft(t *state.Tenant, a *actionRow, now time.Time) *actionVersion {
	v := a.addVersion(a.draft, now)
	a.deployed, a.changed = v, false
	return v
}

func (a *actionRow) addVersion(code actionCode, now time.Time) *actionVersion {
	v := &actionVersion{actionCode: code, id: store.NewUUID(), number: 1, createdAt: now, updatedAt: now, builtAt: now}
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
		return mgmtapi.BadRequest(notBuilt, "")
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
