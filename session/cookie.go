package session

import (
	"net/http"
	"strings"
)

// token is the one that the request presents, or the one that Load has put in
// its place. Two cookies of one name are an attempt to plant one: none counts.
func (h *HTTP) token(r *http.Request) Token {
	if v := h.visitOf(r.Context()); v != nil {
		return v.now.Load().token
	}
	cookies := r.CookiesNamed(h.name())
	if len(cookies) != 1 {
		return ""
	}
	return Token(cookies[0].Value)
}

func (h *HTTP) name() string {
	if h.cfg.AllowInsecureCookie {
		return h.cfg.Name
	}
	return "__Host-" + h.cfg.Name
}

// cookie ends with the browser's session: NIST SP 800-63B-4 section 5.1 asks that
// session secrets do not persist, and deadlines are the store's.
func (h *HTTP) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: h.name(), Value: value, Path: "/", MaxAge: maxAge,
		Secure: !h.cfg.AllowInsecureCookie, HttpOnly: true, SameSite: h.cfg.SameSite,
	}
}

// set gives the browser the token of s, which is the request's session from now on.
func (h *HTTP) set(w http.ResponseWriter, r *http.Request, s *Session, t Token) {
	if v := h.visitOf(r.Context()); v != nil {
		v.now.Store(&seen{session: s, token: t})
	}
	noStore(w)
	h.replace(w, h.cookie(string(t), 0))
}

// drop takes the cookie back. Only what has ended a session for its user does so: an
// answer to an older request, which arrives later, must not take away a newer
// cookie of the same name.
func (h *HTTP) drop(w http.ResponseWriter, r *http.Request) {
	if v := h.visitOf(r.Context()); v != nil {
		v.now.Store(&seen{})
	}
	noStore(w)
	h.replace(w, h.cookie("", -1))
}

// replace sets a cookie in the place of one that this request set before: two of
// one name in an answer are the browser's choice.
func (h *HTTP) replace(w http.ResponseWriter, c *http.Cookie) {
	kept := w.Header().Values("Set-Cookie")
	w.Header().Del("Set-Cookie")
	for _, other := range kept {
		if !strings.HasPrefix(other, c.Name+"=") {
			w.Header().Add("Set-Cookie", other)
		}
	}
	http.SetCookie(w, c)
}

func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
