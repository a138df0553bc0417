package actions

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

//go:embed shim.js
var shim string

const (
	// marker begins the code of every Action that is ours.
	marker = "// auth0kit/actions: deployed from Go. Changes made here are overwritten."
	// keySecret is the name of the secret that holds the key.
	keySecret = "AUTH0KIT_KEY"

	configPrefix = "const CONFIG = "
)

// shimConfig is what a deployment tells the Action.
type shimConfig struct {
	Trigger     Trigger  `json:"trigger"`
	URL         string   `json:"url"`
	Timeout     int64    `json:"timeout"` // Milliseconds.
	Unreachable Verdict  `json:"unreachable"`
	Unavailable string   `json:"unavailable"`
	Suspended   string   `json:"suspended"`
	Sends       []string `json:"sends"`
	Operations  []string `json:"operations"`
	Key         string   `json:"key"` // Which key it is, by four bytes of a hash: another key is another code.
}

// operations are the commands that a trigger takes, in the order in which the
// Action carries them out.
var operations = map[Trigger][]string{
	PostLogin: {
		"appMetadata", "userMetadata", "scope.add", "scope.remove", "idToken.claim", "accessToken.claim", "mfa", "deny",
	},
	CredentialsExchange: {"accessToken.claim", "deny"},
	PreUserRegistration: {"appMetadata", "userMetadata", "deny"},
}

// exported is the function that Auth0 calls for a trigger.
var exported = map[Trigger]string{
	PostLogin: "onExecutePostLogin", CredentialsExchange: "onExecuteCredentialsExchange", PreUserRegistration: "onExecutePreUserRegistration",
}

func newShimConfig(p *Pipeline, url string, key []byte, unreachable Verdict, timeout time.Duration, sends []string) shimConfig {
	sum := sha256.Sum256(append([]byte("auth0kit/actions/key:"), key...))
	c := shimConfig{
		Trigger: p.trigger, URL: url, Timeout: timeout.Milliseconds(), Unreachable: unreachable, Unavailable: unavailable,
		Sends: append([]string{}, sends...), Operations: operations[p.trigger], Key: hex.EncodeToString(sum[:4]),
	}
	for i := range p.steps {
		if s := &p.steps[i]; s.suspended != "" {
			c.Suspended = s.suspended
		}
	}
	return c
}

// code is the JavaScript of the Action.
func (c shimConfig) code() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("actions: a configuration without a form in JSON: " + err.Error()) // It has texts and numbers.
	}
	return marker + "\n" + configPrefix + string(text) + ";\n" + shim + "\nexports." + exported[c.Trigger] + " = run;\n"
}

// configOf reads the configuration out of deployed code, as far as it is ours.
func configOf(code string) (c shimConfig, rest string, ok bool) {
	after, ours := strings.CutPrefix(code, marker+"\n"+configPrefix)
	line, rest, found := strings.Cut(after, ";\n")
	if !ours || !found || json.Unmarshal([]byte(line), &c) != nil {
		return c, code, strings.HasPrefix(code, marker)
	}
	return c, rest, true
}
