// Package platform has what the Management API knows of the tenant itself: its
// settings and looks, its mail, domains, Actions, logs and streams.
package platform
