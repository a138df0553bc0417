// Package mgmtapi is the Management API without its resources: calls that are
// authenticated and validated, replies, pages, resources, documents and settings. The
// packages below it have the resources, by subject.
package mgmtapi
