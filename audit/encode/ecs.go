package encode

import (
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

const ecsVersion = "8.11.0"

// ecsCategory is event.category and event.type of the Elastic Common Schema.
func ecsCategory(e auditlog.Entry) (category, kind string) {
	switch class, activity := ocsfClass(e); {
	case class == ocsfLogin && activity == 1:
		return "authentication", "start"
	case class == ocsfLogin && activity == 2:
		return "authentication", "end"
	case class == ocsfLogin:
		return "authentication", "info"
	case class == ocsfAccount && activity == 1:
		return "iam", "creation"
	case class == ocsfAccount && activity == 6:
		return "iam", "deletion"
	case class == ocsfAccount:
		return "iam", "change"
	case activity == 2:
		return "configuration", "access"
	}
	return "configuration", "change"
}

func ecs(e auditlog.Entry) object {
	category, kind := ecsCategory(e)
	event := object{"id": e.ID, "kind": "event", "category": []string{category}, "type": []string{kind}, "action": e.Action, "outcome": e.Outcome.String()}
	event.put("reason", e.Reason).put("provider", e.Source)
	if !e.LoggedAt.IsZero() {
		event["created"] = e.LoggedAt.UTC().Format(time.RFC3339Nano)
	}
	if e.Sealed {
		event["sequence"] = e.Index
	}
	user := object{}.put("id", who(e).ID)
	if e.Target.Kind == "user" && e.Target != who(e) {
		user.with("target", object{}.put("id", e.Target.ID))
	}
	if e.OnBehalfOf.Kind != "" {
		user.with("effective", object{}.put("id", e.OnBehalfOf.ID))
	}
	labels := object{}
	for key, value := range e.Metadata {
		labels.put(key, value)
	}
	if e.Target.Kind != "user" {
		labels.put("target_kind", e.Target.Kind).put("target_id", e.Target.ID)
	}
	o := object{"@timestamp": e.Time.UTC().Format(time.RFC3339Nano), "ecs": object{"version": ecsVersion}, "event": event}
	o.with("user", user).with("source", object{}.put("ip", e.IP)).with("user_agent", object{}.put("original", e.UserAgent))
	o.with("organization", object{}.put("id", e.Organization)).with("transaction", object{}.put("id", e.Correlation))
	return o.with("labels", labels)
}
