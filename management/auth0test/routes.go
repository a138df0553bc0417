package auth0test

import "slices"

// managementRoutes are the operations of the Management API: a line for each
// file that has some.
func managementRoutes() []route {
	return slices.Concat(
		userRoutes(),
		connectionRoutes(),
		customDomainRoutes(),
		encryptionKeyRoutes(),
		jobRoutes(),
		clientRoutes(),
		clientGrantRoutes(),
		roleRoutes(),
		userRoleRoutes(),
		groupRoutes(),
		organizationRoutes(),
		resourceServerRoutes(),
		ticketRoutes(),
		guardianRoutes(),
		factorSettingsRoutes(),
		actionRoutes(),
		attackProtectionRoutes(),
		blacklistRoutes(),
		brandingRoutes(),
		phoneRoutes(),
		promptRoutes(),
		emailRoutes(),
		familyRoutes(),
		legacyRoutes(),
		logRoutes(),
		logStreamRoutes(),
		sessionRoutes(),
		refreshTokenRoutes(),
		settingsRoutes(),
		signingKeyRoutes(),
		statRoutes(),
		userGrantRoutes(),
	)
}

// publicRoutes are those outside of /api/v2 that belong to no area.
func publicRoutes() []route {
	return []route{
		{method: "GET", pattern: "/auth0test/exports/{key}/{file}", serve: (*Tenant).serveExport},
	}
}
