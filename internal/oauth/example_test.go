package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
)

// tenant asks for a second factor after a password.
var tenant = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("mfa_token") == "mfa-token" && r.FormValue("otp") == "123456" {
		io.WriteString(w, `{"access_token":"…","token_type":"Bearer","expires_in":86400}`)
		return
	}
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, `{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"mfa-token"}`)
})

func ExampleClient_MFAOTP() {
	server := httptest.NewTLSServer(tenant)
	defer server.Close()
	ctx := context.Background()
	app := &oauth.Client{
		Issuer: issuer.Issuer(server.URL + "/"), ClientID: "app", ClientSecret: "secret",
		HTTPClient: server.Client(),
	}
	token, err := app.PasswordRealm(ctx, oauth.PasswordLogin{Realm: "Users", Username: "ada", Password: "correct horse"})
	fmt.Println(err)
	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Code == "mfa_required" {
		token, err = app.MFAOTP(ctx, e.MFAToken, "123456")
	}
	fmt.Println(token, token.ExpiresIn, err)
	// Output:
	// oauth: token: 403 Forbidden (mfa_required)
	// oauth.Token{…} 24h0m0s <nil>
}
