package guardian

import (
	"context"
	"time"
)

// Notifier tells users what happened to their factors, by email as NIST SP
// 800-63B-4 section 4.2.1.1 asks for recovery, or in another way that whoever stole
// a session cannot stop. It is called after the change, in the request that made
// it, so hand the message to a queue. Its error is recorded as guardian.notify and
// changes nothing else.
type Notifier interface {
	Notify(ctx context.Context, userID string, c Change) error
}

// Change is what happened to a factor of a user.
type Change struct {
	// Action is "added", "removed", "reset" (all of them are removed), "locked",
	// "recovered" (a recovery code was used), "recovery_codes" (there are new ones) or
	// "cloned" (a passkey may have been copied).
	Action string
	Factor Factor
	Name   string // What the user called it; often empty.
	At     time.Time
}
