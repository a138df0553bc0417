package delegation

// Scopes returns the scopes of the Management API that the verbs need with the
// Config of the Service.
func (s *Service) Scopes() []string {
	scopes := []string{
		"read:organization_members", "create:organization_members", "read:organization_member_roles",
		"create:organization_member_roles", "delete:organization_member_roles", "read:organization_connections", "read:organizations",
		"read:organization_invitations", "delete:organization_invitations", "read:roles", "read:users",
		"delete:organization_members", // To take back an addition.
	}
	switch s.cfg.Onboarding.(type) {
	case Invite:
		scopes = append(scopes, "create:organization_invitations")
	case Provision:
		scopes = append(scopes, "create:users", "delete:users", "create:user_tickets")
	}
	return scopes
}

// OptionalScopes returns the scopes without which less is seen: who holds the role
// through a group, and in a Review second factors and who holds it in the whole
// tenant.
func (s *Service) OptionalScopes() []string {
	return []string{
		"read:organization_groups", "read:organization_group_roles", "read:group_members",
		"read:organization_member_effective_roles", "read:authentication_methods", "read:role_members",
	}
}
