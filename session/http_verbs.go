package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Login starts a session for a user who has just signed in, and sets its cookie.
// The session that the request came with is ended first, so that nothing an
// attacker planted lives on (ASVS 5.0 7.2.4); when another request has replaced
// that session's token in the last 10 s, nothing is done and the error is
// ErrSuperseded. A login that cannot be, such as one without a UserID or with a
// NotAfter that has passed, ends nothing; when a session was ended and the new one
// cannot start, the cookie is taken back. An empty l.Device is filled from the request.
// Call it behind Load and before the body is written; errors are those of Create.
func (h *HTTP) Login(w http.ResponseWriter, r *http.Request, l Login) (*Session, error) {
	if _, _, err := h.m.newRecord(l); err != nil { // before anything ends
		return nil, err
	}
	ended, err := h.m.supersede(r.Context(), h.token(r), l.SID)
	var s *Session
	if err == nil {
		s, err = h.start(w, r, l)
	}
	if err != nil && ended { // of parallel logins with this cookie one alone ends the session
		h.drop(w, r)
	}
	return s, err
}

func (h *HTTP) start(w http.ResponseWriter, r *http.Request, l Login) (*Session, error) {
	if l.Device == (Device{}) {
		l.Device = Device{UserAgent: r.UserAgent(), IP: h.clientIP(r)}
	}
	o := h.origin(r)
	complete(&o, l.UserID, l.OrgID)
	token, s, err := h.m.Create(audit.NewContext(r.Context(), o), l)
	if err != nil {
		return nil, err
	}
	h.set(w, r, s, token)
	return s, nil
}

// StepUp notes that the request's user has authenticated again at that time; see
// [Manager.StepUp]. It sets the new cookie; call it before the body is written.
// Afterwards FromContext has the new session, with another CSRF token.
func (h *HTTP) StepUp(w http.ResponseWriter, r *http.Request, at time.Time, amr ...string) error {
	token, s, err := h.m.stepUp(r.Context(), h.token(r), at, amr...)
	if err != nil {
		return err
	}
	h.set(w, r, s, token)
	return nil
}

// Logout ends the request's session, takes the cookie back, and asks the browser to
// forget what it has of this site. With the cookie of a session that has ended it does
// the same; to a request without the cookie it does nothing, since a form on another
// site sends none and must not sign anybody out. Send the
// user to Auth0's /v2/logout afterwards to sign them out there at once. The cookie
// is removed even if there is an error, see [Manager.Revoke]; but when the session has
// ended and Config.Cutoff or Config.Outbox cannot be told, the browser keeps it, so that
// the next attempt tells again.
func (h *HTTP) Logout(w http.ResponseWriter, r *http.Request) error {
	token := h.token(r)
	if token == "" && len(r.CookiesNamed(h.name())) == 0 {
		noStore(w)
		return nil
	}
	err := h.m.Revoke(r.Context(), token)
	if _, ok := errors.AsType[untoldError](err); !ok {
		h.signedOut(w, r)
		return err
	}
	if v := h.visitOf(r.Context()); v != nil {
		v.now.Store(&seen{token: token, err: ErrRevoked})
	}
	noStore(w)
	w.Header().Set("Clear-Site-Data", clearSiteData)
	return err
}

// clearSiteData does not name cookies: that takes those of sibling hosts too, such as
// the one by which Auth0 at a custom domain knows what /v2/logout is to end.
const clearSiteData = `"cache", "storage"`

func (h *HTTP) signedOut(w http.ResponseWriter, r *http.Request) {
	h.drop(w, r)
	w.Header().Set("Clear-Site-Data", clearSiteData)
}

// Update changes the payload of the request's session; see [Manager.Update].
func (h *HTTP) Update(r *http.Request, f func(payload []byte) ([]byte, error)) error {
	s, err := h.current(r)
	if err != nil {
		return err
	}
	return h.m.Update(r.Context(), s.token, f)
}

// Sessions returns the sessions of the request's user, oldest first; see
// [Manager.List].
func (h *HTTP) Sessions(r *http.Request) ([]Session, error) {
	s, err := h.current(r)
	if err != nil {
		return nil, err
	}
	return h.m.List(r.Context(), s.session.UserID)
}

// RevokeID ends one of the sessions of the request's user. When it is the
// request's own, the cookie is taken back as in Logout.
func (h *HTTP) RevokeID(w http.ResponseWriter, r *http.Request, id string) error {
	s, err := h.current(r)
	if err != nil {
		return err
	}
	err = h.m.RevokeID(r.Context(), s.session.UserID, id)
	if id == s.session.ID && ended(err) {
		h.signedOut(w, r)
	}
	return err
}

// RevokeOthers ends all sessions of the request's user but this one; see
// [Manager.RevokeOthers].
func (h *HTTP) RevokeOthers(_ http.ResponseWriter, r *http.Request) error {
	s, err := h.current(r)
	if err != nil {
		return err
	}
	return h.m.RevokeOthers(r.Context(), s.token)
}

// RevokeUser ends all sessions of the request's user, this one too, and takes the
// cookie back; see [Manager.RevokeUser].
func (h *HTTP) RevokeUser(w http.ResponseWriter, r *http.Request) error {
	s, err := h.current(r)
	if err != nil {
		return err
	}
	err = h.m.RevokeUser(r.Context(), s.session.UserID)
	if ended(err) {
		h.signedOut(w, r)
	}
	return err
}

// ended reports whether a Revoke verb with that result has ended the session.
func ended(err error) bool {
	return err == nil || errors.Is(err, audit.ErrNotRecorded) && !errors.Is(err, ErrUnavailable)
}

// UserID returns the user of the request's session.
func (h *HTTP) UserID(r *http.Request) (string, error) {
	s, err := h.current(r)
	if err != nil {
		return "", err
	}
	return s.session.UserID, nil
}

// CSRF returns the name of the form field and the token that forms of the request's
// session carry; the token is empty without a session.
func (h *HTTP) CSRF(r *http.Request) (field, token string) {
	if s, err := h.current(r); err == nil {
		token = s.session.CSRFToken()
	}
	return CSRFField, token
}

// UseTokens returns what session/login keeps beside the payload of ctx's session;
// see [Manager.UseTokens].
func (h *HTTP) UseTokens(ctx context.Context, fresh func(tokens []byte) bool, renew func(ctx context.Context, tokens []byte) ([]byte, error)) ([]byte, error) {
	v := h.visitOf(ctx)
	if v == nil || v.now.Load().session == nil {
		return nil, ErrNone
	}
	return h.m.UseTokens(ctx, v.now.Load().token, fresh, renew)
}
