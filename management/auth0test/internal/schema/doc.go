// Package schema knows what requests to the Management API may say: the operations
// of Auth0's description with their parameters, bodies and scopes, the validator with
// its texts, and the documents that Auth0 makes by itself.
package schema
