// Package resource defines the types that the packages of auth0kit share: the
// Auth0 resources they read and write, and the errors of Auth0's Management API.
//
// It imports the standard library only, so that a package can declare what it
// needs of Auth0 as a small interface in these terms without importing an SDK:
//
//	type Directory interface {
//		MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error)
//		RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error)
//	}
//
// *management.Client implements all of those interfaces, and package management
// has an alias for every name of this package.
//
// The types hold the properties that auth0kit uses, not all that Auth0 returns;
// management.Client.API gives access to the whole resource. Values are plain data:
// copy them, but do not share their maps between goroutines that write.
package resource
