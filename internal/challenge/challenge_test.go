package challenge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/internal/challenge"
)

func ExampleStepUp() {
	c := challenge.StepUp(5*time.Minute, "http://schemas.openid.net/pape/policies/2007/06/multi-factor")
	c.Realm = "https://api.example.com"
	fmt.Println(strings.ReplaceAll(c.String(), ", ", ",\n "))
	// Output:
	// Bearer realm="https://api.example.com",
	//  error="insufficient_user_authentication",
	//  error_description="a fresher or stronger authentication is needed",
	//  acr_values="http://schemas.openid.net/pape/policies/2007/06/multi-factor",
	//  max_age="300"
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]challenge.Challenge{
		`Bearer`:                          {},
		`Bearer realm="a"`:                {Realm: "a"},
		`DPoP error="use_dpop_nonce"`:     {Scheme: "DPoP", Error: "use_dpop_nonce"},
		`DPoP algs="ES256 RS256"`:         {Scheme: "DPoP", Algorithms: []string{"ES256", "RS256"}},
		`Bearer error_description="ab"`:   {Description: "a\"\\\r\nb\x7fé"},
		`Bearer scope="a b:c"`:            {Scope: []string{"a", "", "b:c", "d e", "f\"", "é"}},
		`Bearer max_age="1"`:              {MaxAge: time.Millisecond},
		`Bearer max_age="90"`:             {MaxAge: 90 * time.Second},
		`Bearer resource_metadata="u"`:    {Metadata: "u", MaxAge: -time.Second},
		`Bearer acr_values="urn:a urn:b"`: {ACR: []string{"urn:a", "urn:b"}},
	} {
		assert.Equal(t, want, c.String())
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add("realm", "description", "scope")
	f.Add("\"", "\r\nSet-Cookie: a=b", "a b\\")
	f.Fuzz(func(t *testing.T, realm, description, scope string) {
		got := challenge.Challenge{Realm: realm, Description: description, Scope: []string{scope}}.String()
		if strings.ContainsAny(got, "\r\n\x00\\") || strings.Count(got, `"`)%2 != 0 || strings.Count(got, `"`) > 6 {
			t.Errorf("%q", got)
		}
	})
}
