package session

import (
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Why a Manager refuses.
var (
	ErrNone        = driver.ErrNone
	ErrExpired     = driver.ErrExpired
	ErrRevoked     = driver.ErrRevoked
	ErrLimit       = driver.ErrLimit
	ErrConflict    = driver.ErrConflict
	ErrUnavailable = errors.New("session: the store cannot answer")
	// ErrSuperseded is an ErrRevoked for a request that is only late: a parallel one
	// has replaced its token, by Renew, StepUp or a new login, in the last 10 s. Nothing
	// was changed. The client has the new token from there or is about to get it, so leave
	// its cookie alone, and let it ask again: see HTTP.Refuse.
	ErrSuperseded = fmt.Errorf("%w: a parallel request has replaced the token; ask again with the client's new one", ErrRevoked)
	ErrNotFresh   = errors.New("session: the user must authenticate again for this")
)
