package session

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/session/driver"
)

// HTTPConfig holds the optional settings of an HTTP. The zero value uses the
// defaults.
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
	// LoginPath is where Require sends navigations without a session, with the
	// address that was asked for in the parameter to: a path of this site, such as
	// "/auth/login". Defaults to none: they are answered with 401, as all other
	// requests are.
	LoginPath string
	// OnRefuse is called for each refusal, before the answer, for metrics; those of
	// session/login too. It must return soon and be safe for concurrent use. Defaults
	// to nothing.
	OnRefuse func(ctx context.Context, x Refusal)
	// Render returns the body of a refusal and its Content-Type. It cannot change
	// the status or the headers. Defaults to a line of text.
	Render func(r *http.Request, x Refusal) (contentType string, body []byte)
}

// HTTP connects a Manager with requests and cookies. It is safe for concurrent use.
type HTTP struct {
	m   *Manager
	cfg HTTPConfig
}

// NewHTTP returns the middleware of a Manager. It does no I/O. It returns an error
// for a nil Manager, a Name that no cookie can have, SameSiteNoneMode, a negative
// time.
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
	if cfg.Render == nil {
		cfg.Render = plainRefusal
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
	case c.LoginPath != "" && (c.LoginPath[0] != '/' || strings.ContainsAny(c.LoginPath, "?#\\") || strings.HasPrefix(c.LoginPath, "//")):
		return errors.New("session: HTTPConfig.LoginPath must be a path of this site, such as \"/auth/login\"")
	case c.Timeout < 0:
		return errors.New("session: HTTPConfig.Timeout must not be negative; 0 is 2 s")
	}
	return nil
}

// Manager returns the Manager of h.
func (h *HTTP) Manager() *Manager { return h.m }

// LoginPath returns HTTPConfig.LoginPath.
func (h *HTTP) LoginPath() string { return h.cfg.LoginPath }

// seen is what is known of a request's session.
type seen struct {
	session *Session
	token   Token
	err     error // of Validate; nil without a cookie
}

// visit is what Load learns about one request, and what Login, StepUp and Logout
// make of it.
type visit struct {
	of    *HTTP  // nil: NewContext has made it, for any
	outer *visit // of another HTTP, whose Load is around this one's
	first seen
	now   atomic.Pointer[seen]
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// visitOf returns what a Load of h has learnt, or one of another HTTP with the same
// Manager and cookie: the session of an area for users is none of an area for staff.
func (h *HTTP) visitOf(ctx context.Context) *visit {
	for v := visitOf(ctx); v != nil; v = v.outer {
		if v.of == nil || v.of == h || v.of.m == h.m && v.of.name() == h.name() {
			return v
		}
	}
	return nil
}

// Subject is for package authn.
func (v *visit) Subject() string {
	if s := v.now.Load().session; s != nil {
		return s.Subject()
	}
	return ""
}

// AuthenticatedBy is for package authn.
func (v *visit) AuthenticatedBy(method string) (never time.Time) {
	if s := v.now.Load().session; s != nil {
		return s.AuthenticatedBy(method)
	}
	return never
}

// FromContext returns the session of the request that Load has put into ctx. After
// Login and StepUp it is the new one, after Logout there is none.
func FromContext(ctx context.Context) (*Session, bool) {
	v := visitOf(ctx)
	if v == nil {
		return nil, false
	}
	s := v.now.Load().session
	return s, s != nil
}

// NewContext returns a context with a session of l, as Load makes one, for tests of
// handlers. No Manager knows the session.
func NewContext(ctx context.Context, l Login) context.Context {
	now := milli(time.Now())
	rec := driver.Record{
		ID: rand.Text(), UserID: l.UserID, SID: l.SID, OrgID: l.OrgID, CreatedAt: now, RotatedAt: now, LastSeen: now,
		IdleAt: now.Add(defaultIdle), ExpiresAt: now.Add(defaultAbsolute), Methods: withMethods(nil, milli(l.AuthTime), l.AMR...),
		Device: driver.Device(l.Device.clean()),
	}
	rand.Read(rec.CSRF[:])
	v := &visit{}
	v.now.Store(&seen{session: sessionOf(&rec, l.Payload)})
	return v.context(ctx)
}

func (v *visit) context(ctx context.Context) context.Context {
	return authn.NewContext(context.WithValue(ctx, visitKey{}, v), v)
}

// Load finds the request's session and puts it into the context, with the origin
// of the request for audit events. Without a session the handler is called too;
// see Require for the rest. Load in Load does nothing, unless the outer one is of an
// HTTP with another Manager or cookie: each looks at its own session then, and
// FromContext has that of the inner one.
//
// With a session, a request that may change something (not GET, HEAD or OPTIONS)
// must not come from another origin and must carry the session's CSRF token, or
// it is refused with 403; one that asks for another protocol (a WebSocket) must not
// come from another origin. The answer gets Cache-Control: no-store. Load writes
// headers before it calls the handler and hands over w itself, so streaming,
// hijacking and http.ResponseController work.
//
// A request that left with a token that StepUp or Login has replaced in the last
// 10 s, or with the CSRF token of before such a StepUp, does not reach the handler:
// see [ErrSuperseded].
func (h *HTTP) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.visitOf(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Cookie")
		v := h.visit(r)
		r = r.WithContext(h.context(r, v))
		s := v.now.Load()
		switch {
		case errors.Is(s.err, ErrSuperseded):
			h.Refuse(w, r, Refusal{Err: s.err})
			return
		case s.session != nil:
			noStore(w)
			if err := h.forged(w, r, s.session); errors.Is(err, errCSRF) && h.justSteppedUp(s.session) {
				h.Refuse(w, r, Refusal{Err: ErrSuperseded})
				return
			} else if err != nil {
				h.Refuse(w, r, Refusal{Status: http.StatusForbidden, Reason: "forged", Err: err})
				return
			}
			h.renew(w, r, v)
			r = withoutMark(r)
		}
		next.ServeHTTP(w, r)
	})
}

// justSteppedUp reports whether a page may still have the CSRF token of before a
// StepUp: a form that was sent twice left with the new cookie, which came first.
func (h *HTTP) justSteppedUp(s *Session) bool {
	return s.rotatedAt.After(s.CreatedAt) && h.m.now().Sub(s.rotatedAt) < supersededFor
}

// context is that of the rest of the request.
func (h *HTTP) context(r *http.Request, v *visit) context.Context {
	o := h.origin(r)
	if s := v.now.Load().session; s != nil {
		complete(&o, s.UserID, s.OrgID)
	}
	return v.context(audit.NewContext(r.Context(), o))
}

// Require is Load for handlers that need a session: without one it answers 401, or
// sends a navigation to HTTPConfig.LoginPath, and 503 when the store cannot tell.
func (h *HTTP) Require(next http.Handler) http.Handler {
	return h.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := h.current(r); err != nil {
			h.Refuse(w, r, Refusal{Err: err})
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// current returns the request's session, or why there is none.
func (h *HTTP) current(r *http.Request) (*seen, error) {
	v := h.visitOf(r.Context())
	if v == nil {
		return nil, ErrNone
	}
	s := v.now.Load()
	switch {
	case s.session != nil:
		return s, nil
	case s.err != nil:
		return nil, s.err
	}
	return nil, ErrNone
}

func (h *HTTP) visit(r *http.Request) *visit {
	v := &visit{of: h, outer: visitOf(r.Context()), first: seen{token: h.token(r)}}
	s := &v.first
	v.now.Store(s)
	if s.token == "" {
		return v
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Timeout)
	defer cancel()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if h.m.stale != nil && reads {
		ctx = Reading(ctx)
	}
	var of driver.Ended
	if s.session, of, s.err = h.m.check(ctx, s.token, !reads); s.err != nil {
		s.err = errors.Join(s.err, h.m.recordRefused(audit.NewContext(ctx, h.origin(r)), of, s.err))
	}
	return v
}

func (h *HTTP) renew(w http.ResponseWriter, r *http.Request, v *visit) {
	s := v.now.Load()
	if h.cfg.RenewEvery == 0 || s.session.Stale || h.m.now().Sub(s.session.rotatedAt) < h.cfg.RenewEvery {
		return
	}
	// The request goes on with the old token when this fails: it is valid.
	if token, _ := h.m.Renew(r.Context(), s.token); token != "" {
		h.set(w, r, s.session, token)
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

// complete says who acts, and for which organization, where the context does not.
func complete(o *audit.Origin, userID, orgID string) {
	if o.Actor.IsZero() {
		o.Actor = audit.Ref{Kind: "user", ID: userID}
	}
	if o.Organization == "" {
		o.Organization = orgID
	}
}

// ClientIP returns what HTTPConfig.ClientIP does: the zero Addr when the address is
// not known.
func (h *HTTP) ClientIP(r *http.Request) netip.Addr { return h.cfg.ClientIP(r) }

// clientIP is empty when the address is not known.
func (h *HTTP) clientIP(r *http.Request) string {
	if ip := h.cfg.ClientIP(r); ip.IsValid() {
		return ip.String()
	}
	return ""
}
