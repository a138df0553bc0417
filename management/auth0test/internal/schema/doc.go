// Package schema knows what requests to the Management API may say: the operations
// of Auth0's description with their parameters, bodies and scopes, and the
// validator with its texts.
package schema
