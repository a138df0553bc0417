package tenancy

import (
	"context"
	"net/http"
	"strings"
)

// Authenticated returns middleware that admits callers with a valid token of the
// request's organization, whatever their permissions.
func (x *Extractor) Authenticated() func(http.Handler) http.Handler { return x.guard(nil) }

// Require returns middleware that admits callers who meet all the requirements in
// the request's organization. It evaluates them at each request. Other requests
// are answered by RFC 6750 section 3, with WWW-Authenticate and a small JSON body:
//
//	400 invalid_request     several Authorization headers, or no organization in the request
//	401                     no token
//	401 invalid_token       a token that is refused
//	403 insufficient_scope  another organization, or a permission is missing, which scope names
//	503                     keys or roles cannot be read; Retry-After says when to try again
func (x *Extractor) Require(r Requirement, more ...Requirement) func(http.Handler) http.Handler {
	return x.guard(append([]Requirement{r}, more...))
}

// Optional does what Authenticated does, but also admits requests without an
// Authorization header; FromContext then finds nobody. A bad token is still
// answered with 401, so that the client learns about it.
func (x *Extractor) Optional() func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := x.Authenticated()(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.Header.Values("Authorization")) == 0 {
				next.ServeHTTP(w, r)
				return
			}
			guarded.ServeHTTP(w, r)
		})
	}
}

func (x *Extractor) guard(requirements []Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := bearer(r.Header.Values("Authorization"))
			if err != nil {
				x.refuse(w, err)
				return
			}
			where := func(ctx context.Context) (string, error) { return x.where(r.WithContext(ctx)) }
			ctx, err := x.Admit(r.Context(), token, where, requirements...)
			if err != nil {
				x.refuse(w, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// bearer reads the one way in which tokens are taken (RFC 6750 section 2.1): not
// from the body, where forms can put it, nor from the URL, which is logged.
func bearer(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", errNoToken
	}
	if len(headers) > 1 {
		return "", &requestError{problem: "more than one Authorization header"}
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errNoToken
	}
	if !ok || token == "" || strings.ContainsAny(token, " \t,") {
		return "", &requestError{problem: "the Authorization header is not Bearer and one token"}
	}
	return token, nil
}
