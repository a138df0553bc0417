// Package authapi is the Authentication API without the login pages: the token
// endpoint with its grants, second factors, passwordless, logout, discovery.
package authapi
