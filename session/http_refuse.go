package session

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/auth0kit/auth0kit/internal/asked"
)

// forged returns why a request that may change something does not come from the
// session's own pages, and nil if it does.
func (h *HTTP) forged(w http.ResponseWriter, r *http.Request, s *Session) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if r.Header.Get("Upgrade") == "" {
			return nil
		}
		// What follows the handshake has no token, and may change something.
		r = r.WithContext(r.Context())
		r.Method = http.MethodPost
		if h.cfg.CrossOrigin.Check(r) != nil {
			return errOrigin
		}
		return nil
	}
	if h.cfg.CrossOrigin.Check(r) != nil {
		return errOrigin
	}
	token, err := csrfOf(w, r)
	if err != nil {
		return err
	}
	if !s.csrfValid(token) {
		return errCSRF
	}
	return nil
}

// Refuse answers with a refusal. Handlers give it the errors of Login, StepUp,
// Update and the Revoke methods, as Refusal{Err: err}: an empty Status and Reason
// are those of the error, 500 when it is not one of this package.
//
// A navigation is sent to HTTPConfig.LoginPath when the session has ended, and to
// its own address once, as GET, when the error is [ErrSuperseded].
func (h *HTTP) Refuse(w http.ResponseWriter, r *http.Request, x Refusal) {
	for _, known := range refusals {
		if errors.Is(x.Err, known.err) {
			x.Status, x.Reason = cmp.Or(x.Status, known.status), cmp.Or(x.Reason, known.reason)
			break
		}
	}
	x.Status, x.Reason = cmp.Or(x.Status, http.StatusInternalServerError), cmp.Or(x.Reason, "failed")
	if h.cfg.OnRefuse != nil {
		h.cfg.OnRefuse(r.Context(), x)
	}
	noStore(w)
	switch {
	case x.Status == http.StatusConflict && x.Reason == "superseded" && navigates(r) && !marked(r):
		redirect(w, comeback(r))
		return
	case x.Status == http.StatusUnauthorized && h.cfg.LoginPath != "" && navigates(r):
		redirect(w, h.loginAt(r))
		return
	case x.Status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	contentType, body := h.cfg.Render(r, x)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(x.Status)
	_, _ = w.Write(body)
}

// loginAt is the login's address. A form that was sent cannot be sent again, so
// only what was read is come back to.
func (h *HTTP) loginAt(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return h.cfg.LoginPath
	}
	to := asked.Path(r)
	if query := withoutMark(r).URL.RawQuery; query != "" {
		to += "?" + query
	}
	return h.cfg.LoginPath + "?" + url.Values{"to": {to}}.Encode()
}
