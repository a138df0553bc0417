package tenancy

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Refusal is why a request was refused.
type Refusal struct {
	Status int
	// Reason is for metrics, of low cardinality: a TokenError's or ForbiddenError's,
	// or no_token, proof, nonce, step_up, no_organization, forbidden, not_found,
	// request, route, unavailable, or invalid_token (a Custom requirement says so).
	Reason string
	// Missing holds permissions or scopes.
	Missing []string
	// Diagnosis has sentences for a developer, as Guard.Diagnose has, and is for the
	// log: it must not reach the client.
	Diagnosis []string
	// ClientID, UserID and OrgID are the token's; empty when nobody is known.
	ClientID, UserID, OrgID string
	Route                   string // The route's pattern or the gRPC method.
	Err                     error

	oauth, description string // the error code and its text for the client (RFC 6750 section 3.1)
	retryAfter         time.Duration
}

// refusalOf classifies an error.
func refusalOf(err error) Refusal {
	x := Refusal{Status: http.StatusForbidden, Reason: "forbidden", Err: err, oauth: "insufficient_scope", description: "forbidden"}
	switch e := err.(type) {
	case *requestError:
		x.Status, x.Reason, x.oauth, x.description = http.StatusBadRequest, "request", "invalid_request", e.problem
		return x
	}
	if e, ok := errors.AsType[*ForbiddenError](err); ok {
		x.Reason, x.Missing, x.description = e.Reason, e.Missing, e.description()
		return x
	}
	if x, ok := unauthorized(x, err); ok {
		return x
	}
	if e, ok := errors.AsType[*routeError](err); ok {
		x.Status, x.Reason, x.oauth, x.description = http.StatusInternalServerError, "route", "server_error", "the server is not set up for this"
		x.Diagnosis = []string{e.problem}
		return x
	}
	switch {
	case errors.Is(err, ErrUnavailable):
		x.Status, x.Reason, x.oauth, x.description, x.retryAfter = http.StatusServiceUnavailable, "unavailable", "temporarily_unavailable", "try again later", minRetry
		if e, ok := errors.AsType[*UnavailableError](err); ok {
			x.retryAfter = e.RetryAfter
		}
	case errors.Is(err, ErrNotFound):
		x.Status, x.Reason, x.oauth, x.description = http.StatusNotFound, "not_found", "not_found", "not found"
	case errors.Is(err, ErrNoTenant):
		x.Reason, x.description = "no_organization", "the token is for no organization; sign in to one"
	}
	return x
}

// unauthorized classifies what is answered with 401.
func unauthorized(x Refusal, err error) (Refusal, bool) {
	x.Status = http.StatusUnauthorized
	if e, ok := errors.AsType[*TokenError](err); ok {
		x.Reason, x.oauth, x.description = e.Reason, "invalid_token", "the access token is refused: "+e.Reason
		return x, true
	}
	if _, ok := errors.AsType[*StepUpError](err); ok {
		x.Reason, x.oauth, x.description = "step_up", "insufficient_user_authentication", "a fresher or stronger authentication is needed"
		return x, true
	}
	if e, ok := errors.AsType[*proofError](err); ok {
		x.Reason, x.oauth, x.description = "proof", "invalid_dpop_proof", "the DPoP proof is refused: "+e.reason
		return x, true
	}
	if _, ok := errors.AsType[*nonceError](err); ok {
		x.Reason, x.oauth, x.description = "nonce", "use_dpop_nonce", "use the nonce of this answer"
		return x, true
	}
	if errors.Is(err, errNoToken) {
		x.Reason, x.oauth, x.description = "no_token", "", "an access token is needed"
		return x, true
	}
	x.Reason, x.oauth, x.description = "invalid_token", "invalid_token", "the access token is refused"
	return x, errors.Is(err, ErrInvalidToken)
}

// named adds who was refused, where.
func (x Refusal) named(t *TenantContext, route string) Refusal {
	x.Route = route
	if t != nil {
		x.ClientID, x.UserID, x.OrgID = t.ClientID, t.UserID, t.TenantID
	}
	return x
}

// body is the default one.
func (x Refusal) body() []byte {
	code := x.oauth
	if code == "" {
		code = "unauthorized"
	}
	body, err := json.Marshal(map[string]string{"error": code, "error_description": x.description})
	if err != nil { // two strings
		return nil
	}
	return append(body, '\n')
}

// Problem is a GuardConfig.Render that writes RFC 9457's application/problem+json,
// with the error code of RFC 6750 as "error".
func Problem(_ *http.Request, x Refusal) (contentType string, body []byte) {
	problem := map[string]any{"type": "about:blank", "title": http.StatusText(x.Status), "status": x.Status, "detail": x.description}
	if x.oauth != "" {
		problem["error"] = x.oauth
	}
	body, err := json.Marshal(problem)
	if err != nil { // strings and a number
		return "", nil
	}
	return "application/problem+json", append(body, '\n')
}
