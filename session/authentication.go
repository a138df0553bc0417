package session

import (
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// AuthenticatedBy returns when the user last used the method of that name, such as
// "mfa" (RFC 8176). Zero means never, unknown, or that s is stale. Freshness
// belongs to the method: typing the password again does not make an old second
// factor fresh. It asks the store as [Session.Authentication] does.
func (s *Session) AuthenticatedBy(method string) time.Time {
	var at time.Time
	for _, m := range s.proven() {
		if m.Name == method && m.At.After(at) {
			at = m.At
		}
	}
	return at
}

// proven are the methods on which a decision may rest: not those of a session that
// may have ended meanwhile.
func (s *Session) proven() []driver.Method {
	if s.again != nil && !s.Stale {
		s = s.again()
	}
	if s == nil || s.Stale {
		return nil
	}
	return s.methods
}
