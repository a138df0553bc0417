// Package security has the sessions, tokens, factors, keys and attack protection of
// the Management API.
package security
