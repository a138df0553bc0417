package tenancy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a refused request gets.
type answer struct {
	status            int
	code, description string // of RFC 6750 section 3.1; code is empty for a request without a token
	scope             string
	retryAfter        time.Duration
}

func answerTo(err error) answer {
	if e, ok := errors.AsType[*requestError](err); ok {
		return answer{status: http.StatusBadRequest, code: "invalid_request", description: e.problem}
	}
	if e, ok := errors.AsType[*TokenError](err); ok {
		return answer{status: http.StatusUnauthorized, code: "invalid_token", description: "the access token is refused: " + e.Reason}
	}
	if e, ok := errors.AsType[*ForbiddenError](err); ok {
		return answer{status: http.StatusForbidden, code: "insufficient_scope", description: e.description(), scope: scope(e.Missing)}
	}
	if e, ok := errors.AsType[*UnavailableError](err); ok {
		return answer{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "try again later", retryAfter: e.RetryAfter}
	}
	switch {
	case errors.Is(err, errNoToken):
		return answer{status: http.StatusUnauthorized}
	case errors.Is(err, ErrUnavailable):
		return answer{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "try again later", retryAfter: minRetry}
	case errors.Is(err, ErrNoTenant):
		return answer{status: http.StatusForbidden, code: "insufficient_scope", description: "the token is for no organization; sign in to one"}
	}
	return answer{status: http.StatusForbidden, code: "insufficient_scope", description: "forbidden"}
}

// scope leaves out names that the attribute cannot carry (RFC 6749 section 3.3).
func scope(permissions []string) string {
	var names []string
	for _, p := range permissions {
		if p != "" && !strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
			names = append(names, p)
		}
	}
	return strings.Join(names, " ")
}

func (x *Extractor) refuse(w http.ResponseWriter, err error) {
	a := answerTo(err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	if a.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int((a.retryAfter+time.Second-1)/time.Second)))
	} else {
		h.Set("WWW-Authenticate", a.challenge(x.v.audience))
	}
	w.WriteHeader(a.status)
	body := map[string]string{"error": a.code, "error_description": a.description}
	if a.code == "" {
		body = map[string]string{"error": "unauthorized", "error_description": "a bearer token is needed"}
	}
	_ = json.NewEncoder(w).Encode(body) // the client has gone away
}

// challenge is the value of WWW-Authenticate. NewVerifier has seen to it that
// the realm needs no quoting; descriptions get it here.
func (a answer) challenge(realm string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `Bearer realm="%s"`, realm)
	if a.code != "" {
		fmt.Fprintf(&b, `, error="%s", error_description="%s"`, a.code, quotable(a.description))
	}
	if a.scope != "" {
		fmt.Fprintf(&b, `, scope="%s"`, a.scope)
	}
	return b.String()
}

// quotable keeps what RFC 6750 section 3 allows in error_description.
func quotable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
}
