package encode

import (
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// object is a JSON object; put leaves out what is empty.
type object map[string]any

func (o object) put(key string, value string) object {
	if value != "" {
		o[key] = value
	}
	return o
}

func (o object) with(key string, inner object) object {
	if len(inner) > 0 {
		o[key] = inner
	}
	return o
}

// who is the user of an entry: the actor, or else the target.
func who(e auditlog.Entry) audit.Ref {
	for _, r := range []audit.Ref{e.Actor, e.Target} {
		if r.Kind == "user" {
			return r
		}
	}
	if !e.Actor.IsZero() {
		return e.Actor
	}
	return e.Target
}
