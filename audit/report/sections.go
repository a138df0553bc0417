package report

import (
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// section is a list of events of a report.
type section struct {
	id, title, note string
	auditlog.Section
}

func sections(r *auditlog.Report) []section {
	return []section{
		{"findings", "Detections", "What the rules over this log have found.", r.Findings},
		{"changes", "Administrative changes", "Who changed the tenant, organizations, or the log itself.", r.Changes},
		{"factors", "Changes of second factors", "Enrollments, removals, locks, and changes of the policy.", r.Factors},
		{"revocations", "Revocations", "Sessions and tokens that were ended before their time.", r.Revocations},
		{"reads", "Access to this log", "Every query, proof, archive and report is itself an event.", r.Reads},
	}
}

func text(r audit.Ref) string {
	if r.IsZero() {
		return ""
	}
	return r.Kind + " " + r.ID
}
