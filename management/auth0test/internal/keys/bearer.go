package keys

import (
	"slices"
	"strings"
	"time"
)

// Bearer is who calls the Management API.
type Bearer struct {
	Subject string
	Client  string
	Scopes  []string
	Claims  map[string]any
	Kid     string // Of a token in the cache.
	Expires time.Time
}

func (b *Bearer) May(scope string) bool { return slices.Contains(b.Scopes, scope) }

// KeyID is the key id of a verified token.
func KeyID(token string) string {
	var header struct{ Kid string }
	if head, _, _ := strings.Cut(token, "."); DecodeSegment(head, &header) != nil {
		return ""
	}
	return header.Kid
}

func NewBearer(claims map[string]any) *Bearer {
	b := &Bearer{Claims: claims}
	exp, _ := claims["exp"].(float64)
	b.Expires = time.Unix(int64(exp), 0)
	b.Subject, _ = claims["sub"].(string)
	b.Client, _ = claims["azp"].(string)
	scope, _ := claims["scope"].(string)
	b.Scopes = strings.Fields(scope)
	return b
}

func HasAudience(aud any, want string) bool {
	if list, isList := aud.([]any); isList {
		return slices.Contains(list, any(want))
	}
	return aud == want
}
