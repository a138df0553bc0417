package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// restricted are the claims that Auth0 drops without an error
// (https://auth0.com/docs/secure/tokens/json-web-tokens/create-custom-claims).
var restricted = strings.Fields(`acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash
	client_id cnf cty dest entitlements events exp groups gty htm htu iat internalservice iss jcard jku jti jwe jwk kid
	may_act mky nbf nonce object_id org_id org_name orig origid permissions roles rph s_hash sid sip_callid sip_cseq_num
	sip_date sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#s256`)

// Bounds of what commands may say, in bytes of JSON. Auth0 takes 100 kB of claims
// and 16 MB of metadata; the answer to the Action has 64 kB.
const (
	maxName     = 256
	maxCommands = 56 << 10
)

var urn = regexp.MustCompile(`^urn:([a-z0-9][a-z0-9-]{1,31}):[^:].*$`)

// checkClaim says why a claim cannot have that name.
func checkClaim(name string) error {
	lower := strings.ToLower(name) // Whether Auth0 takes "Sub" for "sub" is unknown; readers of tokens do.
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("actions: a claim's name has 1 to %d bytes", maxName)
	case slices.Contains(restricted, lower):
		return fmt.Errorf("actions: claim %q is restricted: Auth0 would drop it without an error", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("actions: claim %q must be printable ASCII without spaces", name)
	}
	if m := urn.FindStringSubmatch(lower); m != nil && m[1] != "auth0" {
		return nil
	}
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || len(strings.TrimPrefix(u.Path, "/"))+len(u.Fragment) == 0 {
		return fmt.Errorf("actions: claim %q needs a namespace: an http or https URL or a URN of yours, and a name in it", name)
	}
	host := "." + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for _, domain := range []string{".auth0.com", ".webtask.io", ".webtask.run"} {
		if strings.HasSuffix(host, domain) {
			return fmt.Errorf("actions: claim %q is in a namespace of Auth0, which would drop it", name)
		}
	}
	return nil
}

// sizeOf returns how long the JSON of a value is at most, or an error if JavaScript
// would read another value from it.
func sizeOf(value any) (int, error) {
	if n, ok := plain(value, 0); ok {
		return n, nil
	}
	out, err := json.Marshal(value)
	if err != nil {
		return 0, errors.New("actions: the value has no form in JSON")
	}
	if len(out) <= maxCommands && rounded(out) {
		return 0, errors.New("actions: the value has a number beyond 2^53, which JavaScript would round; give it as a string")
	}
	return len(out), nil
}

// plain bounds the length of what is often a claim: what metadata has, which are the
// numbers of JavaScript already, and lists of texts.
func plain(value any, depth int) (n int, ok bool) {
	const most = maxCommands / 6 // Escaped, a byte takes up to six. What is longer is measured.
	switch v := value.(type) {
	case nil, bool:
		return 5, true
	case float64:
		return 25, !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		return 6*len(v) + 2, len(v) <= most
	case []string:
		for _, s := range v {
			n += 6*len(s) + 3
		}
		return n + 2, n <= 6*most
	case []any:
		for _, part := range v {
			size, ok := plain(part, depth+1)
			if !ok || depth > 8 {
				return 0, false
			}
			n += size + 1
		}
		return n + 2, n <= 6*most
	case map[string]any:
		for name, part := range v {
			size, ok := plain(part, depth+1)
			if !ok || depth > 8 {
				return 0, false
			}
			n += 6*len(name) + size + 4
		}
		return n + 2, n <= 6*most
	}
	return 0, false
}

// rounded reports whether a JSON text has an integer beyond 2^53.
func rounded(text []byte) bool {
	const most = "9007199254740992"
	inside := false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case inside && b == '\\':
			i++
		case b == '"':
			inside = !inside
		case !inside && b >= '0' && b <= '9':
			end := i
			for end < len(text) && bytes.IndexByte([]byte("0123456789.eE+-"), text[end]) >= 0 {
				end++
			}
			number := string(text[i:end])
			if !strings.ContainsAny(number, ".eE") && (len(number) > len(most) || len(number) == len(most) && number > most) {
				return true
			}
			i = end - 1
		}
	}
	return false
}
