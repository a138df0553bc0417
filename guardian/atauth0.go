package guardian

import (
	"context"
	"fmt"
	"strings"
)

// EnrolledAtAuth0 returns nil if Auth0 can ask the user for a second factor, and
// ErrNotEnrolled if it has none of this user that is confirmed. It is what
// session/login asks before a step-up: whoever has no factor would enroll one
// there with the password alone. Like Enrollments it remembers Auth0's answer for
// a minute. It needs a Directory.
func (s *Service) EnrolledAtAuth0(ctx context.Context, userID string) error {
	if s.dir == nil {
		return errNoDirectory
	}
	all, err := s.Enrollments(ctx, userID)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Confirmed && (e.Mirrored || !strings.HasPrefix(string(e.Factor), "local-")) {
			return nil
		}
	}
	return fmt.Errorf("%w at Auth0", ErrNotEnrolled)
}
