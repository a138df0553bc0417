package auth0test

// authState is what the Authentication API keeps. The tenant's mutex guards it.
type authState struct {
	sessions sessionStore
	refresh  refreshStore
	factors  factorStore
	protect  protection
	logs     tenantLog
	actions  actionState

	logins map[string]*login          // By the state parameter of their pages.
	codes  map[string]*authCode       // By the code; spent ones too, for a while.
	opaque map[string]*opaqueToken    // By the token.
	mfa    map[string]*mfaTransaction // By the mfa_token.
	oob    map[string]*oobChallenge   // By the oob_code.
	ciba   map[string]*cibaRequest    // By the auth_req_id.
	sent   map[string]*sentCode       // Of passwordless, by connection and address.
	limits map[string]*attackBucket   // Of second factors.

	pushed     map[string]*pushedRequest // By the request_uri.
	assertions map[string]bool           // Client and jti of those that were used.

	defaultAudience string
	orgNames        bool // Names of organizations are in tokens and in requests.
}

func (s *authState) start() {
	s.sessions.start()
	s.refresh.start()
	s.factors.start()
	s.protect.start()
	s.logs.start()
	s.logins, s.codes = map[string]*login{}, map[string]*authCode{}
	s.opaque, s.mfa = map[string]*opaqueToken{}, map[string]*mfaTransaction{}
	s.oob, s.ciba = map[string]*oobChallenge{}, map[string]*cibaRequest{}
	s.sent, s.limits = map[string]*sentCode{}, map[string]*attackBucket{}
	s.pushed, s.assertions = map[string]*pushedRequest{}, map[string]bool{}
}
