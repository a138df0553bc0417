package session

import "time"

// AuthenticatedBy returns when the user last used the method of that name, such as
// "mfa" (RFC 8176). Zero means never, unknown, or that s is stale. Freshness
// belongs to the method: typing the password again does not make an old second
// factor fresh.
func (s *Session) AuthenticatedBy(method string) time.Time {
	var at time.Time
	if s.Stale {
		return at
	}
	for _, m := range s.methods {
		if m.Name == method && m.At.After(at) {
			at = m.At
		}
	}
	return at
}
