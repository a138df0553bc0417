package auth0test

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/apps"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/orgs"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/platform"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/security"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/users"
)

// managementRoutes are the operations of the Management API: a line for each
// file that has some.
func managementRoutes() []mgmtapi.Route {
	return slices.Concat(
		users.UserRoutes(),
		apps.ConnectionRoutes(),
		platform.CustomDomainRoutes(),
		security.EncryptionKeyRoutes(),
		users.JobRoutes(),
		apps.ClientRoutes(),
		apps.ClientGrantRoutes(),
		orgs.RoleRoutes(),
		users.UserRoleRoutes(),
		orgs.GroupRoutes(),
		orgs.OrganizationRoutes(),
		apps.ResourceServerRoutes(),
		users.TicketRoutes(),
		security.GuardianRoutes(),
		security.FactorSettingsRoutes(),
		platform.ActionRoutes(),
		platform.ModuleRoutes(),
		security.AttackProtectionRoutes(),
		mgmtapi.BlacklistRoutes(),
		platform.BrandingRoutes(),
		platform.PhoneRoutes(),
		platform.PromptRoutes(),
		platform.EmailRoutes(),
		platform.FamilyRoutes(),
		platform.LegacyRoutes(),
		platform.LogRoutes(),
		platform.LogStreamRoutes(),
		security.SessionRoutes(),
		security.RefreshTokenRoutes(),
		platform.SettingsRoutes(),
		security.SigningKeyRoutes(),
		users.StatRoutes(),
		users.UserGrantRoutes(),
	)
}

// publicRoutes are those outside of /api/v2 that belong to no area.
func publicRoutes() []authapi.Route {
	return []authapi.Route{
		{Method: "GET", Pattern: "/auth0test/exports/{key}/{file}", Serve: users.ServeExport},
	}
}
