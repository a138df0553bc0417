package guardian

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/asked"
	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/internal/pages"
)

//go:embed templates/pages.html
var pagesHTML string

//go:embed templates/pages.js
var pagesJS []byte

// PageTemplates returns a copy of the templates of [Pages]. To restyle or
// translate it, parse your own definitions of "style", "head", "foot", "title",
// "problem", "factor", or of whole pages ("list", "enroll", "passkey", "codes",
// "remove", "verify", "message") over it.
func PageTemplates() *template.Template {
	return template.Must(template.New("guardian").Parse(pagesHTML + `{{define "style"}}` + pages.CSS + `{{end}}`))
}

// Browser is what verify pages need of the site they stand in: the user of a
// request, and where a proof goes. *session.HTTP implements it, and the Held of
// session/login, whose user has not completed their login.
type Browser interface {
	// UserID returns the user; an error is answered with 401.
	UserID(r *http.Request) (string, error)
	// CSRF returns a field of every form, and its value.
	CSRF(r *http.Request) (field, token string)
	// ClientIP returns the user's address, or the zero Addr: then addresses are not used.
	ClientIP(r *http.Request) netip.Addr
	// StepUp notes that the user has proved factors at that time.
	StepUp(w http.ResponseWriter, r *http.Request, at time.Time, amr ...string) error
}

// Sessions is a Browser with sessions. *session.HTTP implements it.
type Sessions interface {
	Browser
	// RevokeOthers ends the user's other sessions.
	RevokeOthers(w http.ResponseWriter, r *http.Request) error
}

// PagesConfig holds optional settings of Pages.
type PagesConfig struct {
	// Path is where the pages are mounted, without stripping it: "/mfa" and below.
	// Defaults to "/mfa".
	Path string

	// Passkeys adds passkeys: the *passkey.RelyingParty of the same Service.
	Passkeys Passkeys

	// Account returns the name of the user's account, such as their email, which apps
	// and passkeys show. Defaults to the user id.
	Account func(*http.Request) string

	// Challenge answers a visitor who must prove a factor first. Defaults to the page
	// "verify", which knows local factors alone; if users have factors at Auth0, give
	// it the StepUp of session/login.
	Challenge http.HandlerFunc

	// Origins are those of other sites to which Challenge leads, such as
	// "https://tenant.eu.auth0.com": a browser does not follow a form there otherwise.
	Origins []string

	// Templates defaults to PageTemplates.
	Templates *template.Template

	// Policy is the Content-Security-Policy. Defaults to one that allows inline styles
	// and this site's script, and forms that lead to this site and to Origins.
	Policy string
}

const pagesPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// Pages serves HTML pages for the local factors: a list, enrollment by QR code or
// as a passkey, verification, recovery codes, removal. Mount it behind the session's
// middleware, at Config.Path and below:
//
//	mux.Handle("/mfa/", web.Require(pages))
//
// Every change asks for a fresh proof of a factor, unless the user has none yet. A
// form that is sent twice shows the same result twice. JavaScript is needed for
// passkeys alone.
//
// The same addresses answer programs, that is requests that accept
// application/json and no HTML, with JSON, or with
// {"error","retry_after","attempts_left"}. Below Path, with fields as of a form and
// the session's CSRF token:
//
//	GET  /                                                  {"enrollments"}
//	POST /enroll                                            {"secret","url"}
//	POST /confirm          code, name, others               {"recovery_codes","to"}
//	GET  /verify                                            {"options","totp","recovery"}
//	POST /verify?to=/page  code or response, factor         {"to"}
//	POST /recovery                                          {"recovery_codes","to"}
//	POST /passkey                                           {"options"}
//	POST /passkey/confirm  response, name, others           {"recovery_codes","to"}
//	POST /remove           id, others                       {"to"}
//
// factor is "local-totp", "local-recovery" or "local-passkey"; others, if not empty,
// ends the user's other sessions.
type Pages struct {
	s       *Service
	web     Browser
	others  Sessions // nil for verify pages alone
	cfg     PagesConfig
	handler http.Handler
}

// NewPages returns the pages of a Service that has a Store. It does no I/O.
func NewPages(s *Service, web Sessions, cfg PagesConfig) (*Pages, error) {
	if web == nil {
		return nil, errors.New("guardian: NewPages needs Sessions; it is nil")
	}
	p, err := newPages("NewPages", s, web, cfg)
	if err != nil {
		return nil, err
	}
	p.others = web
	p.routes(map[string]func(http.ResponseWriter, *http.Request, visitor){
		"GET /{$}": p.list, "GET /enroll": p.enrolling, "POST /enroll": p.enroll, "GET /confirm": p.confirmed, "POST /confirm": p.confirm,
		"GET /verify": p.ask, "POST /verify": p.verify, "GET /codes": p.codes, "POST /codes": p.kept, "GET /codes.txt": p.download, "GET /done": p.done,
		"GET /recovery": p.confirmed, "POST /recovery": p.recovery, "GET /remove": p.removing, "POST /remove": p.remove,
		"GET /passkey": p.confirmed, "POST /passkey": p.passkey, "GET /passkey/confirm": p.confirmed, "POST /passkey/confirm": p.confirmPasskey,
	})
	return p, nil
}

// NewVerifyPages returns the page "verify" alone, for a login that is not complete:
// a password alone must not enroll a factor.
func NewVerifyPages(s *Service, b Browser, cfg PagesConfig) (*Pages, error) {
	if b == nil {
		return nil, errors.New("guardian: NewVerifyPages needs a Browser; it is nil")
	}
	p, err := newPages("NewVerifyPages", s, b, cfg)
	if err != nil {
		return nil, err
	}
	p.routes(map[string]func(http.ResponseWriter, *http.Request, visitor){
		"GET /{$}": p.ask, "GET /verify": p.ask, "POST /verify": p.verify, "GET /codes": p.codes, "POST /codes": p.kept, "GET /codes.txt": p.download,
	})
	return p, nil
}

func newPages(name string, s *Service, b Browser, cfg PagesConfig) (*Pages, error) {
	switch {
	case s == nil:
		return nil, errors.New("guardian: " + name + " needs a Service; it is nil")
	case s.store == nil:
		return nil, errNoStore
	}
	if cfg.Path == "" {
		cfg.Path = "/mfa"
	}
	if !isLocalPath(cfg.Path) || strings.ContainsAny(cfg.Path, "?#{} ") || strings.HasSuffix(cfg.Path, "/") {
		return nil, invalid("PagesConfig.Path", "must be a path of this site without a slash at its end, such as \"/mfa\"")
	}
	p := &Pages{s: s, web: b, cfg: cfg}
	if cfg.Challenge == nil {
		p.cfg.Challenge = p.StepUp
	}
	if cfg.Account == nil {
		p.cfg.Account = func(*http.Request) string { return "" }
	}
	if cfg.Templates == nil {
		p.cfg.Templates = PageTemplates()
	}
	for _, name := range []string{"list", "enroll", "passkey", "codes", "remove", "verify", "message"} {
		if p.cfg.Templates.Lookup(name) == nil {
			return nil, invalid("PagesConfig.Templates", "lacks "+name)
		}
	}
	if cfg.Policy == "" {
		p.cfg.Policy = pagesPolicy
	}
	for _, o := range cfg.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != o {
			return nil, invalid("PagesConfig.Origins", "must have origins such as \"https://tenant.eu.auth0.com\"")
		}
		if cfg.Policy == "" {
			p.cfg.Policy += " " + o
		}
	}
	return p, nil
}

func (p *Pages) routes(all map[string]func(http.ResponseWriter, *http.Request, visitor)) {
	mux := http.NewServeMux()
	for route, serve := range all {
		method, path, _ := strings.Cut(route, " ")
		mux.HandleFunc(method+" "+p.cfg.Path+path, p.user(serve))
	}
	mux.HandleFunc("GET "+p.cfg.Path+"/pages.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(pagesJS) // The visitor has gone.
	})
	cross := http.NewCrossOriginProtection()
	p.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cross.Check(r) != nil {
			p.message(w, r, http.StatusForbidden)
			return
		}
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		status := &statusOnly{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(status, r) // 404, 405, or a redirect to the clean path
		if to := status.header.Get("Location"); to != "" {
			see(w, to)
			return
		}
		if allow := status.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		p.message(w, r, status.status)
	})
}

// statusOnly keeps of an answer what a page of ours needs.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// ServeHTTP implements http.Handler. The path must not have been stripped.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", p.cfg.Policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	p.handler.ServeHTTP(w, r)
}

// StepUp sends a browser to the page "verify" and from there back to where it was:
// the challenge for Require. Programs get the answer of RFC 9470.
func (p *Pages) StepUp(w http.ResponseWriter, r *http.Request) {
	if wantsJSON(r) {
		unauthorized(w, r)
		return
	}
	q := url.Values{}
	if r.Method == http.MethodGet && asked.Path(r) != p.cfg.Path+"/verify" { // A form that was sent cannot be sent again.
		q.Set("to", asked.URI(r))
	}
	if l, _ := Needed(r.Context()); l >= PhishingResistant {
		q.Set("level", "phishing-resistant")
	}
	to := p.cfg.Path + "/verify"
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	see(w, to)
}

// visitor is who a page is for.
type visitor struct {
	id, account string
}

const (
	maxForm  = 64 << 10 // A response of WebAuthn with its certificates has a few kilobytes.
	formTime = 30 * time.Second
)

func (p *Pages) user(serve func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := p.web.UserID(r)
		if err != nil || checkUser(id) != nil {
			p.message(w, r, http.StatusUnauthorized)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.Method == http.MethodPost { // A second click ends the first request, which is to be done all the same.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), formTime)
			defer cancel()
			r = r.WithContext(ctx)
		}
		v := visitor{id, accountLabel(cmp.Or(p.cfg.Account(r), id))}
		if ip := p.web.ClientIP(r); ip.IsValid() { // For passkeys, which have no Request.
			o := audit.FromContext(r.Context())
			o.IP = ip.String()
			r = r.WithContext(audit.NewContext(r.Context(), o))
		}
		serve(w, r, v)
	}
}

// accountLabel makes of any account what apps can show.
func accountLabel(account string) string {
	account = printable(account)
	if len(account) > maxLabel {
		account = strings.ToValidUTF8(account[:maxLabel], "")
	}
	return cmp.Or(account, "-")
}

// proof is what the session says of the visitor, nil if nothing.
func (p *Pages) proof(r *http.Request, v visitor) *Verification {
	a, _ := authn.FromContext(r.Context())
	proof, err := Proven(a)
	if err != nil || proof.check(v.id, p.s.now()) != nil {
		return nil
	}
	return proof
}

// formField is a random value in each form. Who has it has sent that form, or is sent
// on from it: a session that is stolen does not know it.
const formField = "form"

// form names the form of a request, nil without any.
func form(r *http.Request) []byte {
	if value := r.FormValue(formField); value != "" {
		return hashOf("form", value)
	}
	return nil
}

// isLocalPath reports whether to is a path of this site, and not a way out of it.
func isLocalPath(to string) bool {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return false
	}
	u, err := url.Parse(to)
	return err == nil && u.Host == "" && u.Scheme == ""
}
