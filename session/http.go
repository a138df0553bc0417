package session

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session/driver"
)

// HTTPConfig is optional.
type HTTPConfig struct {
	// Name of the cookie. Defaults to "session"; the browser's name for it is
	// "__Host-session", so that neither another host nor an unencrypted page can
	// set it.
	Name string
	// SameSite defaults to Lax. Strict is possible when no other site links to
	// pages that need the session; None is not.
	SameSite http.SameSite
	// AllowInsecureCookie drops Secure and the __Host- prefix, for development on
	// http://localhost. Defaults to false.
	AllowInsecureCookie bool
	// RenewEvery gives the session a new token when its own is older, at the next
	// request. Defaults to 0: only StepUp and a new login do. A client that loses
	// the answer with the new cookie is signed out.
	RenewEvery time.Duration
	// CrossOrigin defaults to a new http.CrossOriginProtection. Give one with
	// trusted origins or bypass patterns if you have them.
	CrossOrigin *http.CrossOriginProtection
	// ClientIP returns the address of the client for lists and events: [Direct],
	// what [Behind] returns, or your own; the zero Addr is not known. Defaults to
	// none: addresses are not used.
	ClientIP func(r *http.Request) netip.Addr
	// Timeout bounds the store's answer for one request. Defaults to 2 s.
	Timeout time.Duration
	// Refuse answers when Require or the protection against forged requests
	// refuses. Defaults to the bare status: 401, 403, and 503 when the store does
	// not answer.
	Refuse func(w http.ResponseWriter, r *http.Request, status int)
}

// HTTP connects a Manager with requests and cookies. It is safe for concurrent use.
type HTTP struct {
	m   *Manager
	cfg HTTPConfig
}

// NewHTTP returns the middleware of a Manager. It does no I/O. An error names what
// cannot be: a nil Manager, a Name that no cookie can have, SameSiteNoneMode, a
// negative time.
func NewHTTP(m *Manager, cfg HTTPConfig) (*HTTP, error) {
	if cfg.Name == "" {
		cfg.Name = "session"
	}
	if cfg.SameSite == 0 {
		cfg.SameSite = http.SameSiteLaxMode
	}
	if cfg.CrossOrigin == nil {
		cfg.CrossOrigin = http.NewCrossOriginProtection()
	}
	if cfg.ClientIP == nil {
		cfg.ClientIP = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Refuse == nil {
		cfg.Refuse = func(w http.ResponseWriter, _ *http.Request, status int) {
			http.Error(w, http.StatusText(status), status)
		}
	}
	h := &HTTP{m: m, cfg: cfg}
	if err := h.validate(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *HTTP) validate() error {
	switch c := h.cfg; {
	case h.m == nil:
		return errors.New("session: NewHTTP needs a Manager; it is nil")
	case h.cookie("x", 0).Valid() != nil:
		return errors.New("session: HTTPConfig.Name cannot be the name of a cookie")
	case c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode:
		return errors.New("session: HTTPConfig.SameSite must be Lax or Strict")
	case c.RenewEvery < 0:
		return errors.New("session: HTTPConfig.RenewEvery must not be negative; 0 renews nothing")
	case c.Timeout < 0:
		return errors.New("session: HTTPConfig.Timeout must not be negative; 0 is 2 s")
	}
	return nil
}

// visit is what Load learns about one request.
type visit struct {
	session *Session
	token   Token
	err     error // of Validate; nil without a cookie
}

type visitKey struct{}

// FromContext returns the session of the request that Load has put into ctx.
func FromContext(ctx context.Context) (*Session, bool) {
	v, _ := ctx.Value(visitKey{}).(*visit)
	if v == nil || v.session == nil {
		return nil, false
	}
	return v.session, true
}

// Load finds the request's session and puts it into the context, with the origin
// of the request for audit events. Without a session the handler is called too;
// see Require for the rest.
//
// With a session, a request that may change something (not GET, HEAD or OPTIONS)
// must not come from another origin and must carry the session's CSRF token, or
// it is refused with 403; and the answer gets Cache-Control: no-store. Load writes
// headers before it calls the handler and hands over w itself, so streaming,
// hijacking and http.ResponseController work.
func (h *HTTP) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		v := h.visit(r)
		r = r.WithContext(h.context(r, v))
		switch {
		case gone(v.err):
			h.drop(w)
		case v.session != nil && h.forged(w, r, v.session):
			noStore(w)
			h.cfg.Refuse(w, r, http.StatusForbidden)
			return
		case v.session != nil:
			noStore(w)
			h.renew(w, r, v)
		}
		next.ServeHTTP(w, r)
	})
}

// context is that of the rest of the request.
func (h *HTTP) context(r *http.Request, v *visit) context.Context {
	o := h.origin(r)
	if o.Actor.IsZero() && v.session != nil {
		o.Actor = audit.Ref{Kind: "user", ID: v.session.UserID}
	}
	return context.WithValue(audit.NewContext(r.Context(), o), visitKey{}, v)
}

// Require is Load for handlers that need a session: without one it answers 401,
// and 503 when the store cannot tell.
func (h *HTTP) Require(next http.Handler) http.Handler {
	return h.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := FromContext(r.Context()); ok {
			next.ServeHTTP(w, r)
			return
		}
		noStore(w)
		if v, _ := r.Context().Value(visitKey{}).(*visit); v != nil && v.err != nil && !gone(v.err) {
			w.Header().Set("Retry-After", "1")
			h.cfg.Refuse(w, r, http.StatusServiceUnavailable)
			return
		}
		h.cfg.Refuse(w, r, http.StatusUnauthorized)
	}))
}

// Login starts a session for a user who has just signed in, and sets its cookie.
// The session that the request came with is ended first, so that nothing an
// attacker planted lives on (ASVS 5.0 7.2.4). An empty l.Device is filled from
// the request. Call it before the body is written; errors are those of Create.
func (h *HTTP) Login(w http.ResponseWriter, r *http.Request, l Login) (*Session, error) {
	if token := h.token(r); token != "" {
		// Auth0 is not told: the new session may belong to the same one there.
		if err := h.m.revokeToken(r.Context(), token, "login", false); err != nil {
			return nil, err
		}
	}
	if l.Device == (Device{}) {
		l.Device = Device{UserAgent: r.UserAgent(), IP: h.clientIP(r)}
	}
	o := h.origin(r)
	if o.Actor.IsZero() {
		o.Actor = audit.Ref{Kind: "user", ID: l.UserID}
	}
	token, s, err := h.m.Create(audit.NewContext(r.Context(), o), l)
	if err != nil {
		return nil, err
	}
	h.set(w, r, token)
	return s, nil
}

// StepUp notes that the request's user has authenticated again; see
// [Manager.StepUp]. It sets the new cookie; call it before the body is written.
func (h *HTTP) StepUp(w http.ResponseWriter, r *http.Request, amr ...string) error {
	token, err := h.m.StepUp(r.Context(), h.token(r), amr...)
	if err != nil {
		return err
	}
	h.set(w, r, token)
	return nil
}

// Logout ends the request's session, takes the cookie back, and asks the browser
// to forget what it has of this site. Without a session it does the same. Send
// the user to Auth0's /v2/logout afterwards, if it shall be signed out there at
// once. With an error the cookie is gone all the same; see [Manager.Revoke].
func (h *HTTP) Logout(w http.ResponseWriter, r *http.Request) error {
	h.drop(w)
	w.Header().Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
	return h.m.Revoke(r.Context(), h.token(r))
}

func (h *HTTP) visit(r *http.Request) *visit {
	v := &visit{token: h.token(r)}
	if v.token == "" {
		return v
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Timeout)
	defer cancel()
	if h.m.stale != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		ctx = Reading(ctx)
	}
	var of driver.Ended
	if v.session, of, v.err = h.m.check(ctx, v.token); v.err != nil {
		v.err = errors.Join(v.err, h.m.recordRefused(audit.NewContext(ctx, h.origin(r)), of, v.err))
	}
	return v
}

func gone(err error) bool {
	return errors.Is(err, ErrNone) || errors.Is(err, ErrExpired) || errors.Is(err, ErrRevoked)
}

// forged reports whether a request that may change something does not come from
// the session's own pages.
func (h *HTTP) forged(w http.ResponseWriter, r *http.Request, s *Session) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return h.cfg.CrossOrigin.Check(r) != nil || !s.csrfValid(csrfOf(w, r))
}

func (h *HTTP) renew(w http.ResponseWriter, r *http.Request, v *visit) {
	if h.cfg.RenewEvery == 0 || v.session.Stale || h.m.now().Sub(v.session.rotatedAt) < h.cfg.RenewEvery {
		return
	}
	// The request goes on with the old token when this fails: it is valid.
	if token, _ := h.m.Renew(r.Context(), v.token); token != "" {
		h.set(w, r, token)
	}
}

// origin is what audit events need of a request; what its context has already wins.
func (h *HTTP) origin(r *http.Request) audit.Origin {
	o := audit.FromContext(r.Context())
	if o.IP == "" {
		o.IP = h.clientIP(r)
	}
	if o.UserAgent == "" {
		o.UserAgent = r.UserAgent()
	}
	return o
}

// token is the one that the request presents, or the one that Load has put in
// its place. Two cookies of one name are an attempt to plant one: none counts.
func (h *HTTP) token(r *http.Request) Token {
	if v, _ := r.Context().Value(visitKey{}).(*visit); v != nil {
		return v.token
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

func (h *HTTP) set(w http.ResponseWriter, r *http.Request, t Token) {
	if v, _ := r.Context().Value(visitKey{}).(*visit); v != nil {
		v.token = t
	}
	noStore(w)
	h.replace(w, h.cookie(string(t), 0))
}

func (h *HTTP) drop(w http.ResponseWriter) {
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

// clientIP is empty when the address is not known.
func (h *HTTP) clientIP(r *http.Request) string {
	if ip := h.cfg.ClientIP(r); ip.IsValid() {
		return ip.String()
	}
	return ""
}
