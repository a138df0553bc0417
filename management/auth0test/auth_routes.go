package auth0test

// authRoutes are the routes of the Authentication API and of the login pages.
func authRoutes() []route {
	return []route{
		{method: "GET", pattern: "/.well-known/openid-configuration", serve: (*Tenant).serveDiscovery},
		{method: "GET", pattern: "/.well-known/jwks.json", serve: (*Tenant).serveJWKS},
		{method: "GET", pattern: "/authorize", serve: (*Tenant).serveAuthorize},
		{method: "POST", pattern: "/authorize", serve: (*Tenant).serveAuthorize},
		{method: "GET", pattern: "/u/reset-password", serve: (*Tenant).serveResetPassword},
		{method: "POST", pattern: "/u/reset-password", serve: (*Tenant).serveResetPassword},
		{method: "GET", pattern: "/u/email-verification", serve: (*Tenant).serveEmailVerification},
		{method: "GET", pattern: "/mfa/enrollment", serve: (*Tenant).serveEnrolment},
		{method: "GET", pattern: "/unblock", serve: (*Tenant).serveUnblock},
		{method: "GET", pattern: "/u/{page}", serve: (*Tenant).serveLoginPage},
		{method: "POST", pattern: "/u/{page}", serve: (*Tenant).serveLoginPage},
		{method: "POST", pattern: "/oauth/token", serve: (*Tenant).serveToken},
		{method: "POST", pattern: "/oauth/par", serve: (*Tenant).servePushedAuthorization},
		{method: "POST", pattern: "/oauth/revoke", serve: (*Tenant).serveRevoke},
		{method: "POST", pattern: "/bc-authorize", serve: (*Tenant).serveBackChannelAuthorize},
		{method: "POST", pattern: "/mfa/associate", serve: (*Tenant).serveAssociate},
		{method: "POST", pattern: "/mfa/challenge", serve: (*Tenant).serveChallenge},
		{method: "GET", pattern: "/mfa/authenticators", serve: (*Tenant).serveAuthenticators},
		{method: "DELETE", pattern: "/mfa/authenticators/{id}", serve: (*Tenant).serveDeleteAuthenticator},
		{method: "GET", pattern: "/userinfo", serve: (*Tenant).serveUserInfo},
		{method: "POST", pattern: "/userinfo", serve: (*Tenant).serveUserInfo},
		{method: "GET", pattern: "/v2/logout", serve: (*Tenant).serveLogout},
		{method: "GET", pattern: "/oidc/logout", serve: (*Tenant).serveOIDCLogout},
		{method: "POST", pattern: "/oidc/logout", serve: (*Tenant).serveOIDCLogout},
		{method: "POST", pattern: "/dbconnections/signup", serve: (*Tenant).serveSignup},
		{method: "POST", pattern: "/dbconnections/change_password", serve: (*Tenant).serveChangePassword},
		{method: "POST", pattern: "/passwordless/start", serve: (*Tenant).servePasswordlessStart},
	}
}
