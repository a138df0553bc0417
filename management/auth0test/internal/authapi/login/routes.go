package login

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
)

// Routes are the routes of the login pages.
func Routes() []authapi.Route {
	return []authapi.Route{
		{Method: "GET", Pattern: "/authorize", Serve: serveAuthorize},
		{Method: "POST", Pattern: "/authorize", Serve: serveAuthorize},
		{Method: "GET", Pattern: "/u/reset-password", Serve: serveResetPassword},
		{Method: "POST", Pattern: "/u/reset-password", Serve: serveResetPassword},
		{Method: "GET", Pattern: "/u/email-verification", Serve: link("email_verification", "Your email was verified. You can continue using the application.", verify)},
		{Method: "GET", Pattern: "/mfa/enrollment", Serve: serveEnrollment},
		{Method: "GET", Pattern: "/unblock", Serve: link("unblock", "Your account was unblocked.", unblock)},
		{Method: "GET", Pattern: "/u/{page}", Serve: serveLoginPage},
		{Method: "POST", Pattern: "/u/{page}", Serve: serveLoginPage},
		{Method: "POST", Pattern: "/oauth/par", Serve: authapi.Answering(http.StatusCreated, authapi.ForApp(pushAuthorization, "response_type", "redirect_uri"))},
	}
}
