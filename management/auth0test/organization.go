package auth0test

import "time"

// organization is a customer of the tenant.
type organization struct {
	id, name    string
	doc         map[string]any // Without id and name.
	createdAt   time.Time
	members     table[member]
	connections table[orgConnection]
	invitations table[invitation]
	grants      []string // Ids of client grants.
	domains     table[discoveryDomain]
}

// member is a user in an organization.
type member struct {
	userID string
	at     time.Time
	roles  []string // Role ids, in the order of their assignment.
}

type orgConnection struct {
	id                                           string
	assignMembership, showAsButton, enableSignup bool
}

type invitation struct {
	id, ticket string
	doc        map[string]any
	createdAt  time.Time
	expiresAt  time.Time
	roles      []string
	accepted   bool
}

type discoveryDomain struct {
	id, domain, status string
	doc                map[string]any
	createdAt          time.Time
}
