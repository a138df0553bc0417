// Package asked tells what a client has asked for.
package asked

import (
	"net/http"
	"net/url"
	"strings"
)

// Path returns the path of a request as the client has sent it, which
// http.StripPrefix takes from r.URL. A browser cannot take it for the address of
// another host.
func Path(r *http.Request) string {
	u := r.URL
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil {
		u = sent
	}
	return "/" + strings.TrimLeft(u.EscapedPath(), `/\`)
}

// URI returns Path with the query.
func URI(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return Path(r)
	}
	return Path(r) + "?" + r.URL.RawQuery
}
