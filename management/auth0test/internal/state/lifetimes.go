package state

import (
	"time"
)

const (
	MFATokenLifetime = 10 * time.Minute // Of an mfa_token.
	OOBLifetime      = 5 * time.Minute  // Of a code that was sent.
	AcrMFA           = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

// mfaScopes are the scopes of the API under which users manage their factors.
var mfaScopes = []string{"enroll", "read:authenticators", "remove:authenticators"}

// Lifetimes of tokens where nothing else is configured.
const (
	AccessTokenLifetime = 24 * time.Hour
	webTokenLifetime    = 2 * time.Hour
	idTokenLifetime     = 10 * time.Hour
)
