// Package orgs has the organizations of the Management API, and roles and groups.
package orgs
