// Package state is a tenant without its APIs: users, connections, applications,
// organizations, sessions, factors, the log, and what happens to them wherever
// that is asked for. Other packages keep what only they know in a part of it.
package state
