package auth0test

// authState is what the Authentication API keeps. The tenant's mutex guards it.
type authState struct {
	sessions sessionStore
	refresh  refreshStore
	factors  factorStore
	protect  protection
	logs     tenantLog
	actions  actionState

	opaque map[string]*opaqueToken    // By the token.
	mfa    map[string]*mfaTransaction // By the mfa_token.

	limits map[string]*attackBucket // Of second factors.

	defaultAudience string
	orgNames        bool // Names of organizations are in tokens and in requests.
}

func (s *authState) start() {
	s.sessions.start()
	s.refresh.start()
	s.factors.start()
	s.protect.start()
	s.opaque, s.mfa = map[string]*opaqueToken{}, map[string]*mfaTransaction{}
	s.limits = map[string]*attackBucket{}
}
