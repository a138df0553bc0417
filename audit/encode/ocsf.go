package encode

import (
	"cmp"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// Classes of OCSF 1.3 (https://schema.ocsf.io), category 3, identity and access
// management.
const (
	ocsfVersion    = "1.3.0"
	ocsfAccount    = 3001 // Account Change
	ocsfLogin      = 3002 // Authentication
	ocsfEntity     = 3004 // Entity Management
	ocsfOther      = 99
	ocsfStatusGood = 1
	ocsfStatusBad  = 2
)

// ocsfClass is the class and activity of an event.
func ocsfClass(e auditlog.Entry) (class, activity int) {
	_, verb, _ := strings.Cut(e.Action, ".")
	switch e.Type {
	case "login", "silent", "delegate":
		return ocsfLogin, 1 // Logon
	case "logout", "revocation":
		return ocsfLogin, 2 // Logoff
	case "token":
		return ocsfLogin, 3 // Authentication Ticket
	case "mfa":
		return ocsfLogin, 6 // Preauth
	case "session":
		switch {
		case verb == "create":
			return ocsfLogin, 1
		case strings.HasPrefix(verb, "revoke") || verb == "backchannel_logout":
			return ocsfLogin, 2
		}
		return ocsfLogin, ocsfOther
	case "signup":
		return ocsfAccount, 1 // Create
	case "password":
		return ocsfAccount, 3 // Password Change
	case "factor", "guardian":
		switch {
		case strings.Contains(verb, "unenroll") || verb == "remove":
			return ocsfAccount, 11 // MFA Factor Disable
		case strings.Contains(verb, "enroll"):
			return ocsfAccount, 10 // MFA Factor Enable
		}
		return ocsfAccount, ocsfOther
	case "user":
		if verb == "sdu" || verb == "du" {
			return ocsfAccount, 6 // Delete
		}
		return ocsfAccount, ocsfOther
	}
	switch e.Metadata["method"] {
	case "post":
		return ocsfEntity, 1 // Create
	case "get":
		return ocsfEntity, 2 // Read
	case "patch", "put":
		return ocsfEntity, 3 // Update
	case "delete":
		return ocsfEntity, 4 // Delete
	}
	return ocsfEntity, ocsfOther
}

func ocsf(e auditlog.Entry) object {
	class, activity := ocsfClass(e)
	o := object{
		"class_uid": class, "category_uid": 3, "activity_id": activity, "type_uid": class*100 + activity, "time": e.Time.UnixMilli(),
		"severity_id": 1, "status_id": 0, "status": e.Outcome.String(),
		"metadata": object{"version": ocsfVersion, "uid": e.ID, "event_code": e.Action, "product": object{"name": cmp.Or(e.Source, "auth0kit"), "vendor_name": "auth0kit"}}.
			put("correlation_uid", e.Correlation),
	}
	switch e.Outcome {
	case audit.Success:
		o["status_id"] = ocsfStatusGood
	case audit.Failure:
		o["status_id"], o["severity_id"] = ocsfStatusBad, 2
	case audit.Unknown:
	}
	o.put("status_code", e.Reason)
	if !e.LoggedAt.IsZero() {
		o["metadata"].(object)["logged_time"] = e.LoggedAt.UnixMilli()
	}
	o.with("src_endpoint", object{}.put("ip", e.IP))
	o.with("http_request", object{}.put("user_agent", e.UserAgent))
	o.with("actor", object{}.with("user", ocsfUser(e.Actor)))
	user := ocsfUser(who(e))
	if len(user) == 0 {
		user = object{"type_id": 0, "type": "Unknown", "uid": "unknown"}
	}
	switch class {
	case ocsfEntity:
		o["entity"] = object{"type": cmp.Or(e.Target.Kind, "unknown"), "uid": cmp.Or(e.Target.ID, "unknown")}
	case ocsfLogin:
		o["user"], o["service"], o["is_mfa"] = user.with("org", object{}.put("uid", e.Organization)), object{"name": cmp.Or(e.Source, "auth0kit")}, e.Type == "mfa"
	default:
		o["user"] = user.with("org", object{}.put("uid", e.Organization))
	}
	unmapped := object{}.put("on_behalf_of_kind", e.OnBehalfOf.Kind).put("on_behalf_of", e.OnBehalfOf.ID)
	if class == ocsfEntity {
		unmapped.put("organization", e.Organization)
	}
	for key, value := range e.Metadata {
		unmapped.put("metadata_"+key, value)
	}
	if e.Sealed {
		unmapped["log_index"] = e.Index
	}
	return o.with("unmapped", unmapped)
}

func ocsfUser(r audit.Ref) object {
	if r.IsZero() {
		return nil
	}
	u := object{"uid": r.ID, "type_id": ocsfOther, "type": r.Kind}
	switch r.Kind {
	case "user":
		u["type_id"], u["type"] = 1, "User"
	case "client", "agent":
		u["type_id"], u["type"] = 3, "System"
	}
	return u
}
