package management

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// ErrSettings is returned by CheckSettings when settings of the tenant are not
// as they were asked for; the error's text says which switch to flip.
var ErrSettings = errors.New("auth0: settings of the tenant are missing")

// Need is a setting of the tenant that something relies on. What the packages and
// examples/quickstart rely on:
//
//   - guardian: NeedGrantType "http://auth0.com/oauth/grant-type/mfa-otp",
//     "…/mfa-oob" and "…/mfa-recovery-code" for MFA at login and
//     "urn:openid:params:grant-type:ciba" for CIBA, and NeedFactor for each factor
//     that it offers
//   - session/login: NeedGrantType "authorization_code", NeedCallback with BaseURL,
//     Path and "/callback", NeedLogoutURL with BaseURL; for access tokens
//     NeedGrantType "refresh_token" and NeedOfflineAccess; with a back channel
//     NeedBackChannelLogout
//   - tenancy: NeedRBAC for the API
//   - migration: NeedConnectionOption with the option "import_mode" or
//     "requires_username", as the connection is used
//   - quickstart -live: NeedGrantType "client_credentials" and
//     "http://auth0.com/oauth/grant-type/password-realm", and NeedConnection
//
// What does not exist is missing too, and the text says so. The zero value is
// ErrInvalid.
type Need struct {
	read  func(ctx context.Context, c *Client) (on bool, err error)
	of    string // What has the setting: "the API https://api.example.com".
	scope string // What read needs.
	flip  string // What to do when it is not on.
}

// CheckSettings tells at start-up whether the tenant is set up as needed. Missing
// settings are ErrSettings, and the text names the switch for each. It needs the
// scopes read:clients, read:resource_servers, read:guardian_factors and
// read:connections, each for its needs.
func (c *Client) CheckSettings(ctx context.Context, needs ...Need) error {
	const op = "check settings"
	var flips []string
	for _, n := range needs {
		if n.read == nil {
			return invalid(op, "a Need is empty; use the Need functions")
		}
		on, err := n.read(expecting(ctx, resource.ErrNotFound), c)
		switch {
		case errors.Is(err, resource.ErrNotFound):
			flips = append(flips, "there is no "+n.of)
		case errors.Is(err, resource.ErrForbidden):
			return lacking(op, n.scope)
		case err != nil:
			return operation(op, err)
		case !on:
			flips = append(flips, n.flip)
		}
	}
	if len(flips) == 0 {
		return nil
	}
	return &resource.Error{Op: op, Err: fmt.Errorf("%w: %s", ErrSettings, strings.Join(flips, "; "))}
}

// NeedGrantType asks that an application may use a grant type.
func NeedGrantType(clientID, grant string) Need {
	return ofApplication(clientID, func(app *application) bool { return slices.Contains(app.GrantTypes, grant) },
		fmt.Sprintf("switch on the grant type %q of the application %s, under Applications > Advanced Settings > Grant Types", grant, clientID))
}

// NeedBackChannelLogout asks that logout tokens of an application are sent to
// that address.
func NeedBackChannelLogout(clientID, address string) Need {
	return ofApplication(clientID, func(app *application) bool { return slices.Contains(app.Logout.URLs, address) },
		fmt.Sprintf("enter %s as a back-channel logout URL of the application %s, under Applications > Settings > OpenID Connect Back-Channel Logout", address, clientID))
}

// NeedCallback asks that logins of an application may return to that address.
func NeedCallback(clientID, address string) Need {
	return ofApplication(clientID, func(app *application) bool { return slices.Contains(app.Callbacks, address) },
		fmt.Sprintf("add %s to the Allowed Callback URLs of the application %s, under Applications > Settings", address, clientID))
}

// NeedLogoutURL asks that a logout at an application may return to that address.
func NeedLogoutURL(clientID, address string) Need {
	return ofApplication(clientID, func(app *application) bool { return slices.Contains(app.LogoutURLs, address) },
		fmt.Sprintf("add %s to the Allowed Logout URLs of the application %s, under Applications > Settings", address, clientID))
}

// NeedConnection asks that users of the connection with that name can log in to an
// application.
func NeedConnection(connection, clientID string) Need {
	return Need{
		read: func(ctx context.Context, c *Client) (on bool, err error) {
			found, err := c.Connection(ctx, connection)
			if err != nil {
				return false, err
			}
			const op = "list applications of a connection"
			for id, err := range byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]string, string, error) {
				var out struct {
					Clients []struct {
						ID string `json:"client_id"`
					} `json:"clients"`
					Next string `json:"next"`
				}
				err := c.get(ctx, op, query, listOf("clients", "client_id", &out), "connections", found.ID, "clients")
				ids := make([]string, 0, len(out.Clients))
				for _, app := range out.Clients {
					ids = append(ids, app.ID)
				}
				return ids, out.Next, err
			}) {
				if err != nil || id == clientID {
					return err == nil, err
				}
			}
			return false, nil
		},
		of: "connection " + connection, scope: "read:connections",
		flip: fmt.Sprintf("switch on the connection %s for the application %s, under Applications > Connections", connection, clientID),
	}
}

// NeedOfflineAccess asks that applications may have refresh tokens for an API.
func NeedOfflineAccess(audience string) Need {
	return ofAPI(audience, func(a *api) bool { return a.Offline },
		fmt.Sprintf(`switch on "Allow Offline Access" of the API %s, under Applications > APIs > Settings`, audience))
}

// NeedRBAC asks that an API enforces roles and puts permissions into its tokens.
func NeedRBAC(audience string) Need {
	return ofAPI(audience, func(a *api) bool { return a.Enforce && strings.HasSuffix(a.Dialect, "_authz") },
		fmt.Sprintf(`switch on "Enable RBAC" and "Add Permissions in the Access Token" of the API %s, under Applications > APIs > Settings`, audience))
}

// NeedFactor asks that a factor is on, such as "otp".
func NeedFactor(name string) Need {
	return Need{
		read: func(ctx context.Context, c *Client) (bool, error) {
			all, err := c.Factors(ctx)
			i := slices.IndexFunc(all, func(f resource.Factor) bool { return f.Name == name })
			if err == nil && i < 0 {
				return false, resource.ErrNotFound
			}
			return err == nil && all[i].Enabled, err
		},
		of: fmt.Sprintf("factor %q", name), scope: "read:guardian_factors",
		flip: fmt.Sprintf("switch on the factor %q, under Security > Multi-factor Auth", name),
	}
}

// NeedConnectionOption asks that an option of the connection with that name has
// that value: a bool, a number or a string. False is also what is not set.
func NeedConnectionOption(connection, option string, value any) Need {
	return Need{
		read: func(ctx context.Context, c *Client) (bool, error) {
			var out struct {
				Connections []struct {
					Name    string
					Options map[string]any
				}
			}
			err := c.get(ctx, "read connection", url.Values{"name": {connection}, "include_totals": {"true"}}, listOf("connections", "id", &out), "connections")
			for _, found := range out.Connections {
				if found.Name == connection {
					return sameOption(found.Options[option], value), err
				}
			}
			return false, cmp.Or(err, resource.ErrNotFound)
		},
		of: "connection " + connection, scope: "read:connections",
		flip: fmt.Sprintf("set the option %q of the connection %s to %v, under Authentication > Database or in the connection's options", option, connection, value),
	}
}

func sameOption(got, want any) bool {
	if got == nil {
		return want == false
	}
	encoded, err := json.Marshal(want)
	var plain any
	return err == nil && json.Unmarshal(encoded, &plain) == nil && reflect.DeepEqual(got, plain)
}

// application is what CheckSettings reads of one.
type application struct {
	GrantTypes []string `json:"grant_types"`
	Callbacks  []string `json:"callbacks"`
	LogoutURLs []string `json:"allowed_logout_urls"`
	Logout     struct {
		URLs []string `json:"backchannel_logout_urls"`
	} `json:"oidc_logout"`
}

func ofApplication(id string, has func(*application) bool, flip string) Need {
	return Need{
		read: func(ctx context.Context, c *Client) (bool, error) {
			var app application
			err := c.get(ctx, "read application", nil, objectWith("client_id", &app), "clients", id)
			return has(&app), err
		},
		of: "application " + id, scope: "read:clients", flip: flip,
	}
}

// api is what CheckSettings reads of one.
type api struct {
	Offline bool   `json:"allow_offline_access"`
	Enforce bool   `json:"enforce_policies"`
	Dialect string `json:"token_dialect"`
}

func ofAPI(audience string, has func(*api) bool, flip string) Need {
	return Need{
		read: func(ctx context.Context, c *Client) (bool, error) {
			var a api
			err := c.get(ctx, "read API", nil, objectWith("id", &a), "resource-servers", audience)
			return has(&a), err
		},
		of: "API " + audience, scope: "read:resource_servers", flip: flip,
	}
}
