// Package auth0hash checks passwords against the hashes that Auth0 imports, by
// the rules that Auth0 documents and by nothing else.
//
// It is the second opinion of a migration: passhash reads a legacy hash and
// converts it; this package, which shares no code with passhash's verifiers,
// reads the converted form as a tenant would. A password that verifies on both
// sides has survived the conversion. The in-process tenant imports and logs in
// with it.
//
//	h, err := auth0hash.ParseCustom(raw) // *SchemaError: Auth0's code and path
//	…
//	err = h.Verify(password) // nil or ErrMismatch
//
// The rules are those of "User Data JSON Schema for Bulk User Imports"
// (https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema),
// whose nine example users are among the tests. Where that page leaves a choice,
// the stricter reading is taken, because at Auth0 a hash that is wrong is
// imported without complaint and fails at the first login:
//
//   - A value that can never match is refused at once: a digest of another
//     length than its algorithm's, a key length that is not the hash's.
//   - Argon2 is what libsodium verifies: argon2i and argon2id of version 19, a
//     salt of at least 8 bytes and a hash of at least 16.
//   - A salt beside an HMAC is not documented and refused.
//   - A password that its encoding cannot express matches nothing.
//   - PBKDF2 with MDC-2 is not supported.
//
// Costs are bounded (see the constants), so that a hostile import cannot occupy
// the machine. The bounds are this package's own; Auth0 publishes none.
package auth0hash
