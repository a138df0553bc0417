package tenancy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/challenge"
)

// Require returns middleware that admits callers who meet all the requirements in
// the organization that where finds. It evaluates them at each request. Others are
// answered by RFC 6750 section 3, with WWW-Authenticate and a small JSON body:
//
//	400 invalid_request     several Authorization headers, or no organization in the request
//	401                     no token
//	401 invalid_token       a token that is refused
//	401 invalid_dpop_proof, use_dpop_nonce: RFC 9449
//	401 insufficient_user_authentication: RFC 9470; see StepUp
//	403 insufficient_scope  another organization, not a member, or a permission or scope is missing
//	404                     an organization of another name, or what Custom says
//	500                     a route without the wildcard that FromPath reads
//	503                     keys or roles cannot be read; Retry-After says when to try again
//
// Status and challenge are always these; GuardConfig.Render writes other bodies. It
// panics without a Locator.
func (g *Guard) Require(where Locator, r Requirement, more ...Requirement) func(http.Handler) http.Handler {
	return g.middleware(where, append([]Requirement{r}, more...), false)
}

// Optional admits what Require with Authenticated does, and requests without a
// token; FromContext then finds nobody. A bad token is still answered with 401, so
// that the client learns about it.
func (g *Guard) Optional(where Locator) func(http.Handler) http.Handler {
	return g.middleware(where, []Requirement{Authenticated()}, true)
}

func (g *Guard) middleware(where Locator, r []Requirement, optional bool) func(http.Handler) http.Handler {
	if where == nil {
		panic("tenancy: Require and Optional need a Locator; FromToken is the one for requests that name no organization")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if g.cfg.Preflight && isPreflight(q) {
				next.ServeHTTP(w, q)
				return
			}
			d := &decision{g: g, requirements: r}
			d.call = Call{Where: func(ctx context.Context) (Org, error) { return where(q.WithContext(ctx)) }, Request: Request{HTTP: q, Method: route(q)}}
			ctx, err := g.enter(d, q)
			if optional && errors.Is(err, errNoToken) && len(q.Header.Values("Authorization")) == 0 {
				next.ServeHTTP(w, q)
				return
			}
			if d.nonce != "" {
				w.Header().Set("DPoP-Nonce", d.nonce)
			}
			if err != nil {
				g.answer(w, q, d, err)
				return
			}
			next.ServeHTTP(w, q.WithContext(ctx))
		})
	}
}

func (g *Guard) enter(d *decision, q *http.Request) (context.Context, error) {
	var err error
	if d.proven, err = g.credentials(q); err != nil {
		return nil, err
	}
	d.g = g.of(d.proven.token)
	return d.decide(q.Context())
}

// Refuse answers as the middleware does, for errors that handlers get from Admit,
// TenantContext.Check or TenantContext.Claim. Errors of other packages are
// answered with 403.
func (g *Guard) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	d := &decision{call: Call{Request: Request{HTTP: r, Method: route(r)}}}
	d.tenant, _ = FromContext(r.Context())
	d.g = g.ofCaller(d.tenant)
	g.answer(w, r, d, err)
}

func route(q *http.Request) string {
	if q.Pattern == "" {
		return q.Method
	}
	return q.Pattern
}

func isPreflight(q *http.Request) bool {
	return q.Method == http.MethodOptions && q.Header.Get("Origin") != "" && q.Header.Get("Access-Control-Request-Method") != ""
}

// credentials reads the one way in which tokens are taken (RFC 6750 section 2.1,
// RFC 9449 section 7.1): not from the body, where forms can put it, nor from the
// URL, which is logged.
func (g *Guard) credentials(q *http.Request) (proven, error) {
	if g.cfg.Token != nil {
		return g.fromConfig(q)
	}
	headers := q.Header.Values("Authorization")
	if len(headers) == 0 {
		return proven{}, errNoToken
	}
	if len(headers) > 1 {
		return proven{}, &requestError{problem: "more than one Authorization header"}
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	p := proven{token: strings.TrimLeft(token, " "), proofs: q.Header.Values("DPoP"), method: q.Method, url: g.url(q)}
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		p.scheme = "Bearer"
	case strings.EqualFold(scheme, "DPoP") && g.proofs.mode != DPoPDisabled:
		p.scheme = "DPoP"
	default:
		return proven{}, errNoToken
	}
	if p.token == "" || strings.ContainsAny(p.token, " \t,") {
		return proven{}, &requestError{problem: "the Authorization header is not a scheme and one token"}
	}
	return p, nil
}

func (g *Guard) fromConfig(q *http.Request) (proven, error) {
	token, err := g.cfg.Token(q)
	switch {
	case errors.Is(err, ErrUnavailable):
		return proven{}, err
	case err != nil && !errors.Is(err, ErrInvalidToken):
		return proven{}, &UnavailableError{RetryAfter: minRetry, Err: err}
	case err != nil || token == "":
		return proven{}, errNoToken
	}
	return proven{scheme: "Bearer", token: token}, nil
}

// url is what a client believes to be asking for. The request line still has what
// http.StripPrefix and the like have taken from q.URL.
func (g *Guard) url(q *http.Request) string {
	if g.public == nil || g.proofs.mode == DPoPDisabled {
		return ""
	}
	asked := q.URL
	if line, err := url.ParseRequestURI(q.RequestURI); err == nil {
		asked = line
	}
	return g.public.Scheme + "://" + g.public.Host + g.prefix + asked.EscapedPath()
}

// answer writes a refusal. Status and headers are ours, whatever renders the body.
func (g *Guard) answer(w http.ResponseWriter, q *http.Request, d *decision, err error) {
	x := g.refused(q.Context(), d, err)
	if d.g != nil { // nil: of no issuer of Join
		g = d.g
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	switch x.Status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int((x.retryAfter+time.Second-1)/time.Second)))
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		for _, c := range g.challenges(x) {
			h.Add("WWW-Authenticate", c.String())
		}
	}
	if e, ok := errors.AsType[*nonceError](err); ok {
		h.Set("DPoP-Nonce", e.next)
	}
	contentType, body := "application/json", x.body()
	if g.cfg.Render != nil {
		contentType, body = g.cfg.Render(q, x)
	}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	w.WriteHeader(x.Status)
	_, _ = w.Write(body) // the client has gone away
}

// challenges returns one for each scheme that is taken. NewVerifier has seen to it
// that the realm needs no quoting.
func (g *Guard) challenges(x Refusal) []challenge.Challenge {
	c := challenge.Challenge{Realm: g.v.audience, Error: x.oauth, Description: x.description, Metadata: g.metadataURL()}
	if x.oauth == "" {
		c.Description = ""
	}
	if x.Status == http.StatusForbidden {
		c.Scope = x.Missing
	}
	if e, ok := errors.AsType[*StepUpError](x.Err); ok {
		step := challenge.StepUp(e.MaxAge, e.ACR...)
		c.ACR, c.MaxAge = step.ACR, step.MaxAge
	}
	dpop := c
	dpop.Scheme, dpop.Algorithms = "DPoP", proofAlgorithms
	switch {
	case g.proofs.mode == DPoPDisabled:
		return []challenge.Challenge{c}
	case g.proofs.mode == DPoPRequired, x.Reason == "proof", x.Reason == "nonce":
		return []challenge.Challenge{dpop}
	}
	return []challenge.Challenge{c, dpop}
}
