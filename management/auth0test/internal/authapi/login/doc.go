// Package login is /authorize and the pages that follow it.
package login
