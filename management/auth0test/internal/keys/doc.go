// Package keys holds the keys of a tenant, and what is signed, verified, proved or
// unwrapped with keys: tokens, one-time codes, imported encryption keys.
package keys
