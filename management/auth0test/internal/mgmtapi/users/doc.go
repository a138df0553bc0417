// Package users has the users of the Management API with their roles, grants and
// identities, search, tickets and jobs.
package users
