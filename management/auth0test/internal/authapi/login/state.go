package login

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// loginState are the logins that are under way. The tenant's mutex guards them.
type loginState struct {
	logins map[string]*login         // By the state parameter of their pages.
	pushed map[string]*pushedRequest // By the request_uri.
}

func newLoginState() *loginState {
	return &loginState{logins: map[string]*login{}, pushed: map[string]*pushedRequest{}}
}

func loginsOf(t *state.Tenant) *loginState { return state.Part(t, newLoginState) }
