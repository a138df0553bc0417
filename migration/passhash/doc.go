// Package passhash verifies legacy password hashes and converts them.
package passhash
