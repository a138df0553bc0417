package authapi

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// flows are the exchanges that are under way. The tenant's mutex guards them.
type flows struct {
	codes  map[string]*AuthCode       // By the code; spent ones too, for a while.
	opaque map[string]*opaqueToken    // By the token.
	mfa    map[string]*mfaTransaction // By the mfa_token.
	oob    map[string]*OOBChallenge   // By the oob_code.
	ciba   map[string]*cibaRequest    // By the auth_req_id.
	sent   map[string]*sentCode       // Of passwordless, by connection and address.
	limits state.Buckets              // Of second factors.

	assertions map[string]bool // Client and jti of those that were used.
}

func newFlows() *flows {
	return &flows{
		codes: map[string]*AuthCode{}, opaque: map[string]*opaqueToken{}, mfa: map[string]*mfaTransaction{},
		oob: map[string]*OOBChallenge{}, ciba: map[string]*cibaRequest{}, sent: map[string]*sentCode{},
		limits: state.Buckets{}, assertions: map[string]bool{},
	}
}

func flowsOf(t *state.Tenant) *flows { return state.Part(t, newFlows) }
