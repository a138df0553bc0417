package auditlog

import "strings"

// Sections of a report that list events one by one.
const (
	sectionChanges     = "changes"
	sectionFactors     = "factors"
	sectionRevocations = "revocations"
	sectionFindings    = "findings"
	sectionReads       = "reads"
)

// sectionOf returns in which section of a report an event is listed; "" for none.
// It goes by the names that the packages of this module record and that auth0logs
// gives Auth0's codes.
func sectionOf(kind, action string) string {
	verb := strings.TrimPrefix(action, kind+".")
	switch kind {
	case "audit":
		switch verb {
		case "query", "export", "prove", "archive", "verify", "report":
			return sectionReads
		}
		return sectionChanges
	case "detection":
		return sectionFindings
	case "revocation":
		return sectionRevocations
	case "factor":
		return sectionFactors
	case "admin", "delegation", "actions":
		return sectionChanges
	case "guardian":
		switch verb {
		case "enroll", "remove", "register", "recovery_codes", "lock":
			return sectionFactors
		}
	case "session":
		if strings.HasPrefix(verb, "revoke") || verb == "backchannel_logout" {
			return sectionRevocations
		}
	}
	return ""
}
