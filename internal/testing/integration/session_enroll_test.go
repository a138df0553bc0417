package integration

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session/login"
)

// challenger runs Actions whose code is one of two words: how they ask for a second
// factor where acr_values do.
type challenger struct{}

func (challenger) Run(_ context.Context, code string, event, api any) error {
	asked, _ := event.(map[string]any)["transaction"].(map[string]any)["acr_values"].([]any)
	if len(asked) == 0 {
		return nil
	}
	switch of := api.(map[string]any); code {
	case "enable":
		of["multifactor"].(map[string]any)["enable"].(func(string, any))("any", nil)
	case "challengeWithAny":
		of["authentication"].(map[string]any)["challengeWithAny"].(func(any))([]any{map[string]any{"type": "otp"}})
	}
	return nil
}

// TestPasswordAloneEnrollsNothing: whoever has only the password gets through neither
// a step-up nor a login that asks for a second factor, and is not offered to enroll
// one on the way, whichever way the tenant's Action asks.
func TestPasswordAloneEnrollsNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"enable", "challengeWithAny"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			factors, ask := &lateFactors{}, false
			a := newLoginApp(t, login.Config{Factors: factors, OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
				if ask && !id.MFA {
					return login.ErrMFARequired
				}
				return nil
			}})
			client := a.tenant.Management()
			var err error
			factors.of, err = guardian.New(client, guardian.Config{})
			require.NoError(t, err)
			a.tenant.RunScripts(challenger{})
			action, err := client.CreateAction(t.Context(), resource.Action{Name: kind, Code: kind})
			require.NoError(t, err)
			a.tenant.Advance(time.Second)
			_, err = client.DeployAction(t.Context(), action.ID)
			require.NoError(t, err)
			require.NoError(t, client.SetBindings(t.Context(), "post-login", []resource.Binding{{ActionID: action.ID, Name: kind}}))

			c := a.browser(t)
			a.signIn(t, c, "/account").Body.Close()
			res := visit(t, c, a.server.URL+"/payout")
			assert.Equal(t, http.StatusForbidden, res.StatusCode)
			assert.NotContains(t, body(t, res), "paid by")
			ask = true
			res = a.signIn(t, a.browser(t), "/account")
			assert.Equal(t, http.StatusForbidden, res.StatusCode)
			assert.NotContains(t, body(t, res), a.ada)
			require.Error(t, factors.of.EnrolledAtAuth0(t.Context(), a.ada))
			assert.False(t, slices.ContainsFunc(a.tenant.Requests(), func(r auth0test.Request) bool { return strings.Contains(r.Path, "mfa") }), "no page of the tenant about factors was opened")

			// The Action works: who is enrolled gets through by it.
			secret := a.tenant.Enroll(a.ada, "otp", "")
			c = a.browser(t)
			page := a.signIn(t, c, "/account")
			page = submit(t, c, page, "code", a.tenant.OTP(secret))
			assert.Contains(t, body(t, page), a.ada)
		})
	}
}
