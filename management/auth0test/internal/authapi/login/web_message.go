package login

import (
	"net/http"
	"net/url"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// webMessage is the response_mode for pages that frame /authorize or open it in
// a window (draft-sakimura-oauth-wmrm-00, simple mode).
const webMessage = "web_message"

// post sends a result to the window that asked, if that has the origin of the
// redirect_uri, which is one of the application's web_origins.
func post(w http.ResponseWriter, redirect string, result url.Values) {
	response := make(map[string]string, len(result))
	for name := range result {
		response[name] = result.Get(name)
	}
	to, err := url.Parse(redirect)
	if err != nil {
		panic(err) // It was parsed when it was compared with web_origins.
	}
	pages.WebMessage(w, to.Scheme+"://"+to.Host, response)
}

// noWebOrigin says that no message may go to the page of a redirect_uri. The
// log hears of it where no page could be shown.
func noWebOrigin(t *state.Tenant, app *state.App, redirect string, silent bool, from web.Origin) *authapi.PageError {
	bad := &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request",
		Description: "The specified redirect_uri '" + redirect + "' does not have a registered origin."}
	if silent {
		f := (&authapi.Issuance{App: app}).LogFields(from)
		f.Description = bad.Description
		t.Lock()
		t.Log("fsa", f)
		t.Unlock()
	}
	return bad
}
