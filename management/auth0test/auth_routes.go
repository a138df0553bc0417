package auth0test

// authRoutes are the routes of the Authentication API.
func authRoutes() []route {
	return []route{
		{method: "GET", pattern: "/.well-known/openid-configuration", serve: (*Tenant).serveDiscovery},
		{method: "GET", pattern: "/.well-known/jwks.json", serve: (*Tenant).serveJWKS},
		{method: "POST", pattern: "/oauth/token", serve: (*Tenant).serveToken},
	}
}
