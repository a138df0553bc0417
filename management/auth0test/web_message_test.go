package auth0test_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

var posted = regexp.MustCompile(`postMessage\(\{type: "authorization_response", response: (\{.*\})\}, ("[^"]*")\)`)

// message returns what a page of web_message posts, and to which origin.
func message(t *testing.T, res *http.Response) (response map[string]string, origin string) {
	t.Helper()
	status, page := body(t, res)
	require.Equal(t, 200, status, page)
	assert.Empty(t, res.Header.Values("X-Frame-Options"), "the page can be framed")
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	m := posted.FindStringSubmatch(page)
	require.NotNil(t, m, page)
	require.NoError(t, json.Unmarshal([]byte(m[1]), &response))
	require.NoError(t, json.Unmarshal([]byte(m[2]), &origin))
	return response, origin
}

// webScene is a scene whose application has a web origin.
func webScene(t *testing.T) scene {
	t.Helper()
	s := newScene(auth0test.Options{})
	newAdmin(t, s.Tenant).want(200, "PATCH", "/clients/"+s.app.ID, `{"web_origins":["https://app.example.com"]}`)
	return s
}

func (s scene) webMessage(t *testing.T, c *http.Client, pairs ...string) *http.Response {
	t.Helper()
	res, err := c.Get(home + "authorize?" + values(append([]string{"response_type", "code", "response_mode", "web_message", "client_id", s.app.ID,
		"redirect_uri", callback, "scope", "openid", "state", `</script>"'`}, pairs...)...).Encode())
	require.NoError(t, err)
	return res
}

func TestWebMessageSilently(t *testing.T) {
	t.Parallel()
	s := webScene(t)
	browser := s.browser()
	response, origin := message(t, s.webMessage(t, browser, "prompt", "none"))
	assert.Equal(t, map[string]string{"error": "login_required", "error_description": "Login required", "state": `</script>"'`}, response)
	assert.Equal(t, "https://app.example.com", origin)

	s.code(t, browser)
	response, origin = message(t, s.webMessage(t, browser, "prompt", "none"))
	assert.Equal(t, "https://app.example.com", origin)
	assert.Equal(t, `</script>"'`, response["state"])
	status, tokens := s.redeem(t, response["code"])
	assert.Equal(t, 200, status, tokens)

	response, _ = message(t, s.webMessage(t, browser, "prompt", "none", "response_type", "token id_token", "nonce", "n"))
	assert.Equal(t, s.ada, claims(t, s.Tenant, response["id_token"])["sub"])
	assert.Equal(t, "86400", response["expires_in"])
	assert.NotEmpty(t, response["access_token"])
}

// TestWebMessageAfterLogin is what a window that was opened for the login gets.
func TestWebMessageAfterLogin(t *testing.T) {
	t.Parallel()
	s := webScene(t)
	browser := s.browser()
	res := s.webMessage(t, browser)
	page, err := res.Location()
	require.NoError(t, err)
	res, err = browser.PostForm(page.String(), values("state", page.Query().Get("state"), "username", "ada@example.com", "password", "correct horse"))
	require.NoError(t, err)
	response, origin := message(t, res)
	assert.Equal(t, "https://app.example.com", origin)
	status, tokens := s.redeem(t, response["code"])
	assert.Equal(t, 200, status, tokens)
}

// TestWebMessageNeedsAWebOrigin: a callback is none. Text and log are those that
// users of Auth0 quote (chanzuckerberg/single-cell-data-portal#221).
func TestWebMessageNeedsAWebOrigin(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	admin := newAdmin(t, s.Tenant)
	admin.want(200, "PATCH", "/clients/"+s.app.ID, `{"allowed_origins":["https://app.example.com"],"web_origins":["http://app.example.com","https://*.app.example.com"]}`)
	browser := s.browser()
	s.code(t, browser)
	const text = "The specified redirect_uri 'https://app.example.com/callback' does not have a registered origin."
	for _, prompt := range []string{"none", "login"} {
		status, page := body(t, s.webMessage(t, browser, "prompt", prompt))
		assert.Equal(t, 400, status, prompt)
		assert.Contains(t, page, "invalid_request", prompt)
		assert.Contains(t, page, "does not have a registered origin", prompt)
		assert.NotContains(t, page, "postMessage", prompt)
	}
	_, log := admin.do("GET", "/logs?q=type:fsa", "")
	var entries []struct{ Description string }
	require.NoError(t, json.Unmarshal([]byte(log), &entries))
	require.Len(t, entries, 1)
	assert.Equal(t, text, entries[0].Description)
}

// TestIssuerInResponses: RFC 9207, where the tenant's setting says so.
func TestIssuerInResponses(t *testing.T) {
	t.Parallel()
	s := webScene(t)
	browser := s.browser()
	s.code(t, browser)
	for _, on := range []bool{false, true} {
		want := ""
		if on {
			want = home
			newAdmin(t, s.Tenant).want(200, "PATCH", "/tenants/settings", `{"authorization_response_iss_parameter_supported":true}`)
		}
		to, _ := s.authorize(t, browser, "prompt", "none")
		assert.Equal(t, want, to.Query().Get("iss"), "query")
		to, _ = s.authorize(t, browser, "prompt", "none", "scope", "openid", "audience", "https://nothing.example.com")
		assert.NotEmpty(t, to.Query().Get("error"))
		assert.Equal(t, want, to.Query().Get("iss"), "error")
		response, _ := message(t, s.webMessage(t, browser, "prompt", "none"))
		assert.Equal(t, want, response["iss"], "message")
		_, doc, _ := ask(t, s.Tenant, "", "GET", "/.well-known/openid-configuration", "")
		assert.Equal(t, on, regexp.MustCompile(`"authorization_response_iss_parameter_supported":true`).MatchString(doc))
	}
}
