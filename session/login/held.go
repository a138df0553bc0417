package login

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

// Held tells pages that ask for a second factor about the login that waits; see
// [Hold]. There is no session, so mount them without session.HTTP.Require.
func (h *Handler) Held() *Held { return &Held{h} }

// Held is the user of a login that waits. It is a guardian.Browser, and safe for
// concurrent use.
type Held struct{ h *Handler }

// UserID returns the user whose login waits, or session.ErrNone.
func (b *Held) UserID(r *http.Request) (string, error) {
	waits, ok := b.h.held(r)
	if !ok {
		return "", session.ErrNone
	}
	return waits.UserID, nil
}

// CSRF returns the name of the form field and the token that forms of these pages
// carry; the token is empty when no login waits.
func (b *Held) CSRF(r *http.Request) (field, token string) {
	waits, _ := b.h.held(r)
	return session.CSRFField, waits.CSRF
}

// ClientIP returns what session.HTTP.ClientIP does.
func (b *Held) ClientIP(r *http.Request) netip.Addr { return b.h.web.ClientIP(r) }

// StepUp notes that the user has proved a second factor at that time by the methods
// amr, "mfa" among them. The request needs the CSRF token, as a form field or as the
// header X-CSRF-Token. Call it before the body is written; then send the browser to
// where the page's parameter to says, and the login goes on. The error is
// session.ErrNone when no login waits.
func (b *Held) StepUp(w http.ResponseWriter, r *http.Request, at time.Time, amr ...string) error {
	waits, ok := b.h.held(r)
	switch {
	case !ok:
		return session.ErrNone
	case !slices.Contains(amr, "mfa"):
		return errors.New(`login: Held.StepUp needs "mfa" among the methods; a first factor alone is not what the login waits for`)
	case at.Before(waits.At.Add(-skew)) || at.After(time.Now().Add(skew)):
		return errors.New("login: Held.StepUp needs the time at which the factor was proved; it is zero, before the login or in the future")
	}
	token := r.Header.Get(session.CSRFHeader)
	if token == "" {
		token = r.PostFormValue(session.CSRFField)
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(waits.CSRF)) != 1 {
		return errors.New("login: the request has no valid csrf_token of the login that waits")
	}
	waits.Proved = &proof{At: at.UTC(), AMR: amr}
	return b.h.setSealed(w, b.h.heldName(), waits, heldFor)
}
