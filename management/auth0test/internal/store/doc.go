// Package store holds what a tenant keeps: tables in the order of creation, a
// timeline of what is due, ids, cursors, and JSON documents.
package store
