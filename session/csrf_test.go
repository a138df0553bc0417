package session_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/auth0kit/auth0kit/session"
)

// TestCSRF: NIST 5.1: what changes something carries a token of the session, and
// comes from the same origin.
func TestCSRF(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b, other := s.browser(t), s.browser(t)
	b.login("alice")
	other.login("alice")
	form := func(token string) url.Values { return url.Values{session.CSRFField: {token}, "note": {"hello"}} }
	b.want("POST", "/me", nil, http.StatusForbidden)
	b.want("POST", "/me", form(""), http.StatusForbidden)
	b.want("POST", "/me", form(other.csrf), http.StatusForbidden) // another session's
	b.want("POST", "/me", form(b.csrf[1:]), http.StatusForbidden)
	b.want("PUT", "/me", nil, http.StatusForbidden)
	b.want("DELETE", "/me", nil, http.StatusForbidden)
	if _, body := b.want("POST", "/me", form(b.csrf), http.StatusOK); body != "alice hello" {
		t.Fatalf("POST /me = %q; the form must stay readable", body)
	}
	b.header.Set(session.CSRFHeader, b.csrf)
	b.want("DELETE", "/me", nil, http.StatusOK)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.want("POST", "/me", nil, http.StatusForbidden) // even with the token
	b.want("GET", "/me", nil, http.StatusOK)
	b.header.Set("Sec-Fetch-Site", "same-origin")
	b.want("POST", "/me", nil, http.StatusOK)
}

func TestCSRFTokensDiffer(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u"})
	s := wantValid(t, m.Manager, token)
	if a, b := s.CSRFToken(), s.CSRFToken(); a == b || len(a) != len(b) {
		t.Fatalf("two tokens are %q and %q; a compressed page would leak it", a, b)
	}
}
