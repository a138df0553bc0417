// Package integration holds the tests that need what no package of the module
// may import on its own: SQL drivers, go-oidc, go-auth0's own test suite, and
// several packages side by side. It has no code of its own.
package integration
