// Package cors lets pages of other origins read what a tenant answers, where an
// application allows that.
package cors

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

const wellKnown = "/.well-known/"

// shared are the paths that scripts call. The login pages and what leads to them
// are for navigation alone.
var shared = []string{wellKnown, "/api/v2/", "/oauth/", "/userinfo", "/dbconnections/", "/passwordless/", "/mfa/"}

// IsPreflight reports whether a browser asks whether it may send a request.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// Allow writes the headers that let the page of a request read the answer: what
// is well known to every page, the rest to those of the client's origins. A
// preflight names no client, so an origin of any client passes. Without the
// headers the request is answered all the same: it is the browser that refuses.
func Allow(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" || !isShared(r.URL.Path) {
		return
	}
	h := w.Header()
	if strings.HasPrefix(r.URL.Path, wellKnown) {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Add("Vary", "Origin")
		id := clientOf(r)
		t.Lock()
		allowed := t.AllowsOrigin(id, origin)
		t.Unlock()
		if !allowed {
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if IsPreflight(r) {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, PATCH, POST, DELETE")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
	}
}

func isShared(path string) bool {
	for _, prefix := range shared {
		if strings.HasPrefix(path, prefix) {
			return path != "/mfa/enrollment"
		}
	}
	return false
}

// clientOf returns the client that a request says it is from, or "". Nothing is
// proved by that: the endpoint does so.
func clientOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") && token != "" {
		return authorizedParty(token)
	}
	if id, _, isBasic := r.BasicAuth(); isBasic {
		return id
	}
	if id := r.URL.Query().Get("client_id"); id != "" {
		return id
	}
	return bodyClient(r)
}

func authorizedParty(token string) string {
	var claims struct {
		Azp string `json:"azp"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || keys.DecodeSegment(parts[1], &claims) != nil {
		return ""
	}
	return claims.Azp
}

// bodyClient looks into the body and puts back what it read.
func bodyClient(r *http.Request) string {
	raw, err := io.ReadAll(io.LimitReader(r.Body, web.MaxBody))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
	if err != nil {
		return ""
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		var body struct {
			Client string `json:"client_id"`
		}
		json.Unmarshal(raw, &body) // What is no JSON names no client.
		return body.Client
	}
	form, _ := url.ParseQuery(string(raw)) // What is no form names no client.
	return form.Get("client_id")
}
