// Package mgmtapi is the Management API without its resources: calls that are
// authenticated and validated, replies, pages, and families of documents. The
// packages below it have the resources, by subject.
package mgmtapi
