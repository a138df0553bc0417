package auth0test

import (
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// origin is where a request comes from.
type origin struct {
	ip, userAgent, host string
}

func originOf(r *http.Request) origin {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	return origin{ip: ip, userAgent: r.UserAgent(), host: r.Host}
}

// oauthError is an error of the Authentication API.
type oauthError struct {
	status      int
	code        string
	description string
	retryAfter  time.Duration
	extra       map[string]any // More keys of the body.
	logged      bool           // The tenant log has it already.
}

// logged marks an error that is in the tenant log already.
func logged(e *oauthError) *oauthError { e.logged = true; return e }

func oauthFail(status int, code, description string) *oauthError {
	return &oauthError{status: status, code: code, description: description}
}

func invalidRequest(description string) *oauthError {
	return oauthFail(http.StatusBadRequest, "invalid_request", description)
}

func missingParameter(name string) *oauthError {
	return invalidRequest("Missing required parameter: " + name)
}

func invalidGrant(description string) *oauthError {
	return oauthFail(http.StatusForbidden, "invalid_grant", description)
}

func accessDenied(description string) *oauthError {
	return oauthFail(http.StatusForbidden, "access_denied", description)
}

func unauthorizedClient() *oauthError {
	return oauthFail(http.StatusUnauthorized, "access_denied", "Unauthorized")
}

// send writes the error in the way of RFC 6749, section 5.2.
func (e *oauthError) send(w http.ResponseWriter) {
	body := map[string]any{"error": e.code, "error_description": e.description}
	for k, v := range e.extra {
		body[k] = v
	}
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.retryAfter+time.Second-1)/time.Second)))
	}
	noStore(w)
	sendJSON(w, e.status, body)
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// authRequest is a request to the Authentication API, whose bodies are forms or
// JSON objects alike.
type authRequest struct {
	r      *http.Request
	values map[string]any
	origin
	issuer string
}

// get returns a parameter as text; other than text counts as absent.
func (q *authRequest) get(name string) string { s, _ := q.values[name].(string); return s }

// list returns a parameter that is an array of text, or one text.
func (q *authRequest) list(name string) []string {
	if s := q.get(name); s != "" {
		return []string{s}
	}
	return stringsOf(q.values[name])
}

// need returns the error of the first parameter that is missing.
func (q *authRequest) need(names ...string) *oauthError {
	for _, n := range names {
		if q.get(n) == "" {
			return missingParameter(n)
		}
	}
	return nil
}

// readAuth reads the parameters of a request: of its body, or of its query where
// there is no body.
func readAuth(w http.ResponseWriter, r *http.Request) (*authRequest, *oauthError) {
	q := &authRequest{r: r, origin: originOf(r), issuer: issuerOf(r), values: map[string]any{}}
	if r.Method == http.MethodGet {
		q.fill(r.URL.Query())
		return q, nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, oauthFail(http.StatusRequestEntityTooLarge, "invalid_request", "request entity too large")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if err := json.Unmarshal(raw, &q.values); err != nil || q.values == nil {
			return nil, invalidRequest("Invalid JSON body")
		}
		return q, nil
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, invalidRequest("Invalid form body")
	}
	q.fill(form)
	return q, nil
}

func (q *authRequest) fill(form url.Values) {
	for k := range form {
		q.values[k] = form.Get(k)
	}
}

// bearerToken returns the token of the Authorization header, or "".
func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
