// Package detect has rules over an audit log, for own events and for those of Auth0
// (package auth0logs):
//
//	events, err := auditlog.New(store, seal, auditlog.Config{Detections: detect.All()})
//
// Each finding is an event "detection.<name>" with the ids of the events that show it,
// and is listed in reports. The advice says what to look at first: a finding is a
// reason to look, not a proof. A rule that has fired for somebody is silent about them
// until its window has passed.
//
// The rules need what auth0logs keeps of an entry. Thresholds are this package's own
// and fit tenants with some thousand logins a day.
package detect
