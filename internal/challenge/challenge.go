// Package challenge writes the WWW-Authenticate header of a resource server: RFC
// 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3 and RFC 9728 section 5.1.
package challenge

import (
	"strconv"
	"strings"
	"time"
)

// InsufficientAuthentication is the error code of a step-up challenge, which is
// answered with 401 (RFC 9470 section 3).
const InsufficientAuthentication = "insufficient_user_authentication"

// Challenge is one challenge. What is empty is left out; what a quoted string
// cannot hold is dropped.
type Challenge struct {
	Scheme      string // "Bearer" or "DPoP". Defaults to Bearer.
	Realm       string
	Error       string // A code; empty for a request without a token.
	Description string
	Scope       []string
	ACR         []string      // acr_values: one of them, best first.
	MaxAge      time.Duration // max_age, in whole seconds and at least one.
	Algorithms  []string      // algs, of DPoP proofs.
	Metadata    string        // resource_metadata: a URL.
}

// StepUp asks for a user who has authenticated within maxAge, if that is not zero,
// and in one of the ways that acr names, if there are any.
func StepUp(maxAge time.Duration, acr ...string) Challenge {
	return Challenge{
		Error: InsufficientAuthentication, Description: "a fresher or stronger authentication is needed",
		ACR: acr, MaxAge: maxAge,
	}
}

// String returns the value of the header.
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString(c.scheme())
	separator := " "
	for _, p := range [...]struct{ name, value string }{
		{"realm", quotable(c.Realm)},
		{"error", quotable(c.Error)},
		{"error_description", quotable(c.Description)},
		{"scope", tokens(c.Scope)},
		{"acr_values", tokens(c.ACR)},
		{"max_age", seconds(c.MaxAge)},
		{"algs", tokens(c.Algorithms)},
		{"resource_metadata", quotable(c.Metadata)},
	} {
		if p.value != "" {
			b.WriteString(separator + p.name + `="` + p.value + `"`)
			separator = ", "
		}
	}
	return b.String()
}

func (c Challenge) scheme() string {
	if c.Scheme == "" {
		return "Bearer"
	}
	return c.Scheme
}

func seconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.Itoa(max(1, int(d/time.Second)))
}

// tokens leaves out names that the list cannot hold (RFC 6749 section 3.3).
func tokens(all []string) string {
	var names []string
	for _, name := range all {
		if name != "" && name == quotable(name) && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// quotable keeps what RFC 6750 section 3 allows in a quoted string.
func quotable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
}
