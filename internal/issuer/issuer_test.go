package issuer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/issuer"
)

func TestParseGivesOneForm(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"https://tenant.eu.auth0.com/": {
			"tenant.eu.auth0.com", "tenant.eu.auth0.com/", "https://tenant.eu.auth0.com", "https://tenant.eu.auth0.com/",
			"HTTPS://Tenant.EU.Auth0.COM", "Tenant.eu.auth0.com:443",
		},
		"https://login.example.com/":    {"login.example.com", "https://LOGIN.example.com/"},
		"https://xn--lgin-gra.example/": {"xn--lgin-gra.example"},
		"https://127.0.0.1:8443/":       {"127.0.0.1:8443", "https://127.0.0.1:8443/", "https://[::ffff:127.0.0.1]:08443"},
		"http://127.0.0.1:8080/":        {"http://127.0.0.1:8080"},
		"http://localhost/":             {"http://localhost", "http://LOCALHOST:80/"},
		"https://tenant.localhost:1/":   {"tenant.localhost:1"},
		"https://[::1]/":                {"[::1]:443", "https://[0:0::1]"},
		"http://[::1]:8080/":            {"http://[::1]:8080/"},
	} {
		for _, s := range spellings {
			got, err := issuer.Parse("field", s)
			assert.NoError(t, err, s)
			assert.Equal(t, issuer.Issuer(want), got, s)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", " ", "/", "https://", "https:///", "://tenant.eu.auth0.com", "tenant", "https://tenant/", "tenant.eu.auth0.com.", ".auth0.com",
		"tenant.eu.auth0.com/api/v2", "https://tenant.eu.auth0.com//", "https://tenant.eu.auth0.com/?", "tenant.eu.auth0.com?a=b",
		"https://tenant.eu.auth0.com/#", "tenant.eu.auth0.com#a", "me@tenant.eu.auth0.com", "https://me:secret@tenant.eu.auth0.com/",
		" tenant.eu.auth0.com", "tenant.eu.auth0.com ", "tenant eu.auth0.com", "tenant.eu.auth0.com\n", "tenant.eu.auth0.com\x00",
		"http://tenant.eu.auth0.com/", "http://10.0.0.1", "http://localhost.example.com", "ftp://tenant.eu.auth0.com", "https:tenant.eu.auth0.com",
		"tenant.eu.auth0.com:8443", "https://10.0.0.1/", "https://[2001:db8::1]/", "[::1%25lo]", "::1", "127.1", "0x7f.1",
		"localhost:", "localhost:0", "localhost:65536", "localhost:http", ":443",
		"-a.example.com", "a-.example.com", "a_b.example.com", "løgin.example.com", "\u212aelvin.example.com", "a%2eexample.com",
		"tenant.eu.auth0.com\\@evil.example", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com",
	} {
		got, err := issuer.Parse("management: Config.Domain", s)
		assert.Empty(t, got, s)
		assert.EqualError(t, err, `management: Config.Domain must be a domain, such as "tenant.eu.auth0.com" or "https://login.example.com/", `+
			"without a path, query, user or space; plain http and ports are for loopback alone", s)
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	i, err := issuer.Parse("field", "http://localhost:8080")
	require.NoError(t, err)
	assert.Equal(t, "localhost:8080", i.Host())
	assert.Equal(t, "http", i.Scheme())
	assert.Equal(t, "http://localhost:8080/oauth/token", i.Join("/oauth/token"))
	assert.Equal(t, "http://localhost:8080/oauth/token", i.Join("oauth/token"))
}

func TestOther(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"https://idp.example.com", "https://idp.example.com/realms/a", "https://idp:8443/a/", "http://127.0.0.1:80/x"} {
		assert.NoError(t, issuer.Other("field", s), s)
	}
	for _, s := range []string{
		"", "idp.example.com", "http://idp.example.com/a", "https:///a", "https://:443/a", "https://me@idp.example.com", "https://idp.example.com/?", "https://idp.example.com/a#",
		"https://idp.example.com/a b", "https://idp.example.com/\n", "//idp.example.com",
	} {
		assert.ErrorContains(t, issuer.Other("session: issuer", s), "session: issuer must be an https URL", s)
	}
}

// What Parse gives it takes, unchanged, with and without its scheme and slash.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"tenant.eu.auth0.com", "HTTPS://A.b/", "http://[::1]:8080", "https://u:p@a.b/c?d#e", "localhost:080", "[::ffff:7f00:1]", "\u212a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := issuer.Parse("x", s)
		if err != nil {
			assert.Empty(t, i)
			return
		}
		again, err := issuer.Parse("x", string(i))
		require.NoError(t, err)
		require.Equal(t, i, again)
		if strings.HasPrefix(string(i), "https:") {
			again, err = issuer.Parse("x", i.Host())
			require.NoError(t, err)
			require.Equal(t, i, again)
		} else {
			require.True(t, strings.HasPrefix(string(i), "http://"))
		}
		require.NoError(t, issuer.Other("x", string(i)))
	})
}
