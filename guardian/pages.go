package guardian

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

//go:embed templates/pages.html
var pagesHTML string

// PageTemplates returns a copy of the templates of [Pages]. To restyle or
// translate it, parse your own definitions of "style", "head", "foot", "title",
// "problem", "factor", or of whole pages ("list", "enroll", "codes", "verify")
// over it.
func PageTemplates() *template.Template {
	return template.Must(template.New("guardian").Parse(pagesHTML))
}

// PagesConfig connects the pages with the service's sessions. User, Who and
// OnVerified are required.
type PagesConfig struct {
	// User returns the signed-in user and the account name for the app. An error is
	// answered with 401.
	User func(*http.Request) (userID, account string, err error)

	// Who returns what the session knows about second factors, or nil if it knows
	// nothing.
	Who func(*http.Request) Authenticated

	// OnVerified puts a proof into the session, so that Who returns it from then on,
	// and issues a new session token. Call session.HTTP.StepUp with v.AMR.
	OnVerified func(w http.ResponseWriter, r *http.Request, v *Verification) error

	// Challenge answers a visitor who must prove a factor first. Defaults to sending
	// them to the page "verify", which supports local factors only; if users have
	// factors at Auth0, send them to StepUp.URL.
	Challenge http.Handler

	// ClientIP returns the user's address, for the limit on attempts from one address:
	// use session.Behind or session.Direct. By default addresses are not used.
	ClientIP func(*http.Request) netip.Addr

	// Hidden returns further form fields, such as a CSRF token. Requests from other
	// origins are refused in any case.
	Hidden func(*http.Request) map[string]string

	// Templates defaults to PageTemplates.
	Templates *template.Template

	// Policy is the Content-Security-Policy. Defaults to one that allows inline styles
	// and nothing from other origins.
	Policy string

	// Home is where the page "verify" leads when the request names no target. Defaults
	// to "./", the list of factors.
	Home string
}

const pagesPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Pages serves plain HTML forms for the local factors, without JavaScript: a list
// of enrolled factors, enrollment by QR code, verification, recovery codes,
// removal. Mount it under a prefix behind the session's middleware:
//
//	mux.Handle("/mfa/", http.StripPrefix("/mfa", pages))
//
// Every change asks for a fresh proof of a factor, unless the user has none yet.
// /mfa/verify?to=/account returns to /account afterwards.
type Pages struct {
	s       *Service
	cfg     PagesConfig
	handler http.Handler
}

// NewPages returns the pages of a Service that has a Store. It does no I/O.
func NewPages(s *Service, cfg PagesConfig) (*Pages, error) {
	switch {
	case s == nil:
		return nil, errors.New("guardian: NewPages needs a Service; it is nil")
	case s.store == nil:
		return nil, errNoStore
	case cfg.User == nil:
		return nil, invalid("PagesConfig.User", "is nil; it says whom a page is for")
	case cfg.Who == nil:
		return nil, invalid("PagesConfig.Who", "is nil; it says what the session knows of second factors")
	case cfg.OnVerified == nil:
		return nil, invalid("PagesConfig.OnVerified", "is nil; it puts a proof into the session")
	}
	if cfg.ClientIP == nil {
		cfg.ClientIP = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	if cfg.Challenge == nil {
		cfg.Challenge = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { see(w, "verify") })
	}
	if cfg.Hidden == nil {
		cfg.Hidden = func(*http.Request) map[string]string { return nil }
	}
	if cfg.Templates == nil {
		cfg.Templates = PageTemplates()
	}
	for _, name := range []string{"list", "enroll", "codes", "verify"} {
		if cfg.Templates.Lookup(name) == nil {
			return nil, invalid("PagesConfig.Templates", "lacks "+name)
		}
	}
	if cfg.Policy == "" {
		cfg.Policy = pagesPolicy
	}
	if cfg.Home == "" {
		cfg.Home = "./"
	}
	p := &Pages{s: s, cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.user(p.list))
	mux.HandleFunc("POST /enroll", p.user(p.enroll))
	mux.HandleFunc("POST /confirm", p.user(p.confirm))
	mux.HandleFunc("GET /verify", p.user(p.ask))
	mux.HandleFunc("POST /verify", p.user(p.verify))
	mux.HandleFunc("POST /recovery", p.user(p.recovery))
	mux.HandleFunc("POST /remove", p.user(p.remove))
	p.handler = http.NewCrossOriginProtection().Handler(mux)
	return p, nil
}

// ServeHTTP implements http.Handler. The mount prefix must have been stripped from
// the path.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", p.cfg.Policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	p.handler.ServeHTTP(w, r)
}

// visitor is who a page is for.
type visitor struct {
	id, account string
}

const maxForm = 4 << 10

func (p *Pages) user(serve func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, account, err := p.cfg.User(r)
		if err != nil || checkUser(id) != nil {
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		serve(w, r, visitor{id, account})
	}
}

// proof is what the session says of the visitor, nil if nothing.
func (p *Pages) proof(r *http.Request, v visitor) *Verification {
	proof, err := Proven(v.id, p.cfg.Who(r))
	if err != nil || proof.check(v.id, p.s.now()) != nil {
		return nil
	}
	return proof
}

// page is what the templates see.
type page struct {
	Page        string // "list", "enroll", "codes" or "verify".
	Problem     string // The reason of an audit event, such as "wrong_code".
	RetryAfter  time.Duration
	Hidden      map[string]string
	Enrollments []listed
	HasTOTP     bool
	QR          template.HTML
	Key         string
	Codes       []string
	To          string
}

// listed is an enrollment that knows whether these pages can remove it.
type listed struct {
	Enrollment
	Local bool
}

// render shows a page, with what went wrong before.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, d page, problem error) {
	d.Hidden = p.cfg.Hidden(r)
	if problem != nil {
		d.Problem = reasonOf(problem)
		if e, is := errors.AsType[*VerifyError](problem); is {
			d.RetryAfter = e.RetryAfter.Round(time.Second)
		}
	}
	var b bytes.Buffer
	if err := p.cfg.Templates.ExecuteTemplate(&b, d.Page, d); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // The visitor has gone.
}

// statusOf is the status of an answer that says no.
func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrThrottled):
		return http.StatusTooManyRequests
	case reasonOf(err) == "error":
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// see sends the browser on with GET. The reference stays relative: the prefix is
// not known here.
func see(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// code is what was typed, without the spaces that apps show.
func code(r *http.Request) string { return strings.ReplaceAll(r.PostFormValue("code"), " ", "") }
