// Package apps has the applications of the Management API, their credentials and
// grants, connections and resource servers.
package apps
