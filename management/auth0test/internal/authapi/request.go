package authapi

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// OAuthError is an error of the Authentication API.
type OAuthError struct {
	status      int
	Code        string
	Description string
	retryAfter  time.Duration
	extra       map[string]any // More keys of the body.
	Logged      bool           // The tenant log has it already.
	nonce       string         // For the header DPoP-Nonce.
}

// Logged marks an error that is in the tenant log already.
func Logged(e *OAuthError) *OAuthError { e.Logged = true; return e }

func OAuthFail(status int, code, description string) *OAuthError {
	return &OAuthError{status: status, Code: code, Description: description}
}

func InvalidRequest(description string) *OAuthError {
	return OAuthFail(http.StatusBadRequest, "invalid_request", description)
}

func MissingParameter(name string) *OAuthError {
	return InvalidRequest("Missing required parameter: " + name)
}

func invalidGrant(description string) *OAuthError {
	return OAuthFail(http.StatusForbidden, "invalid_grant", description)
}

func AccessDenied(description string) *OAuthError {
	return OAuthFail(http.StatusForbidden, "access_denied", description)
}

func unauthorizedClient() *OAuthError {
	return OAuthFail(http.StatusUnauthorized, "access_denied", "Unauthorized")
}

// Send writes the error in the way of RFC 6749, section 5.2.
func (e *OAuthError) Send(w http.ResponseWriter) {
	body := map[string]any{"error": e.Code, "error_description": e.Description}
	for k, v := range e.extra {
		body[k] = v
	}
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.retryAfter+time.Second-1)/time.Second)))
	}
	if e.nonce != "" {
		w.Header().Set("DPoP-Nonce", e.nonce)
	}
	web.NoStore(w)
	web.SendJSON(w, e.status, body)
}

// Request is a request to the Authentication API, whose bodies are forms or
// JSON objects alike.
type Request struct {
	r      *http.Request
	Values map[string]any
	web.Origin
	Issuer string
}

// Get returns a parameter as text; other than text counts as absent.
func (q *Request) Get(name string) string { s, _ := q.Values[name].(string); return s }

// list returns a parameter that is an array of text, or one text.
func (q *Request) list(name string) []string {
	if s := q.Get(name); s != "" {
		return []string{s}
	}
	return store.StringsOf(q.Values[name])
}

// Need returns the error of the first parameter that is missing.
func (q *Request) Need(names ...string) *OAuthError {
	for _, n := range names {
		if q.Get(n) == "" {
			return MissingParameter(n)
		}
	}
	return nil
}

// ReadAuth reads the parameters of a request: of its body, or of its query where
// there is no body.
func ReadAuth(w http.ResponseWriter, r *http.Request) (*Request, *OAuthError) {
	q := &Request{r: r, Origin: web.OriginOf(r), Issuer: web.IssuerOf(r), Values: map[string]any{}}
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		q.fill(r.URL.Query())
		return q, nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, web.MaxBody))
	if err != nil {
		return nil, OAuthFail(http.StatusRequestEntityTooLarge, "invalid_request", "request entity too large")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if err := json.Unmarshal(raw, &q.Values); err != nil || q.Values == nil {
			return nil, InvalidRequest("Invalid JSON body")
		}
		return q, nil
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, InvalidRequest("Invalid form body")
	}
	q.fill(form)
	return q, nil
}

// Read is ReadAuth for a request that needs some parameters; nil if it has answered
// what is wrong.
func Read(w http.ResponseWriter, r *http.Request, needs ...string) *Request {
	q, bad := ReadAuth(w, r)
	if bad == nil {
		bad = q.Need(needs...)
	}
	if bad != nil {
		bad.Send(w)
		return nil
	}
	return q
}

func (q *Request) fill(form url.Values) {
	for k := range form {
		q.Values[k] = form.Get(k)
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

// RenderError shows an error that cannot go to an application.
func RenderError(w http.ResponseWriter, e *PageError) {
	pages.RenderStatus(w, e.Status, pages.Error, map[string]string{"Code": e.Code, "Description": e.Description})
}

// PageError is an error that is shown to the person, because there is nowhere to
// redirect it to.
type PageError struct {
	Status            int
	Code, Description string
}
