package session

import (
	"mime"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/internal/asked"
)

// Refusal is why a request is answered without its handler, or by
// [HTTP.Refuse].
type Refusal struct {
	Status int
	// Reason is "no_session", "expired", "revoked", "superseded", "forged",
	// "invalid" (an id that no session has), "limit" (a login, with Reject), "unavailable"
	// or "failed"; session/login has others.
	Reason string
	Err    error // for logs, not for pages
}

// refusals are how errors are answered. The first that fits counts.
var refusals = []struct {
	err    error
	status int
	reason string
}{
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{ErrSuperseded, http.StatusConflict, "superseded"},
	{ErrExpired, http.StatusUnauthorized, "expired"},
	{ErrRevoked, http.StatusUnauthorized, "revoked"},
	{ErrNone, http.StatusUnauthorized, "no_session"},
	{errID, http.StatusBadRequest, "invalid"},
	{ErrLimit, http.StatusForbidden, "limit"},
}

// plainRefusal says what a developer needs to know of a forged request; everything
// else is the bare status.
func plainRefusal(_ *http.Request, x Refusal) (contentType string, body []byte) {
	text := http.StatusText(x.Status)
	if x.Reason == "forged" && x.Err != nil {
		text += ": " + x.Err.Error()
	}
	return "text/plain; charset=utf-8", []byte(text + "\n")
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// navigates reports whether the answer is shown to a person as a page. Browsers
// that do not say so ask for HTML.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if media, _, err := mime.ParseMediaType(part); err == nil && media == "text/html" {
			return true
		}
	}
	return false
}

// cameBack is the parameter of an address to which a browser was sent back once.
const cameBack = "superseded"

func marked(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, cameBack) && r.URL.Query().Has(cameBack) // nearly always without parsing
}

// comeback is the request's own address, with the mark.
func comeback(r *http.Request) string {
	mark := cameBack + "=1"
	if r.URL.RawQuery != "" {
		mark = r.URL.RawQuery + "&" + mark
	}
	return asked.Path(r) + "?" + mark
}

// withoutMark hides the mark from the handler.
func withoutMark(r *http.Request) *http.Request {
	if !marked(r) {
		return r
	}
	u := *r.URL
	var kept []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if part != cameBack+"=1" {
			kept = append(kept, part)
		}
	}
	u.RawQuery = strings.Join(kept, "&")
	r = r.WithContext(r.Context())
	r.URL = &u
	return r
}
