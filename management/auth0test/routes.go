package auth0test

import "slices"

// managementRoutes are the operations of the Management API: a line for each
// file that has some.
func managementRoutes() []route {
	return slices.Concat(
		userRoutes(),
	)
}
