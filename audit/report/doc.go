// Package report writes the report of an audit log for people: as one HTML page
// that needs nothing else and prints well, and as CSV.
//
//	r, err := events.Report(ctx, auditlog.Period{From: first, To: last}) // of an *auditlog.Log
//	…
//	err = report.HTML(file, r)
//
// The page begins with what is not known: holes in what was read of other logs, events
// that are not sealed yet, events that retention has removed. For a signed form of the
// same report see SignReport of auditlog.Log.
//
// A report has the ids of users and the addresses of listed events. Whoever is
// forgotten later stays in the files that were written before.
package report
