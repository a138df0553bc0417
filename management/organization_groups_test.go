package management_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestGroupHolders(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	org, admin := tenant.AddOrganization("acme"), tenant.AddRole("Admin", "")
	ada := tenant.AddUser(resource.User{Email: "ada@acme.test"}, "")
	group := tenant.AddGroup("IT", ada)
	tenant.AddGroup("Elsewhere", ada)
	client := tenant.Management()
	ctx := t.Context()
	holders, err := client.GroupHolders(ctx, org, admin)
	require.NoError(t, err)
	require.Empty(t, holders)

	request(t, client, http.MethodPost, map[string]any{"roles": []string{admin}}, nil, "organizations", org, "groups", group, "roles")
	holders, err = client.GroupHolders(ctx, org, admin)
	require.NoError(t, err)
	assert.Equal(t, []string{ada}, holders)
	holders, err = client.GroupHolders(ctx, org, "rol_0000000000000000")
	require.NoError(t, err)
	require.Empty(t, holders)
	roles, err := client.MemberRoles(ctx, org, ada)
	require.NoError(t, err)
	assert.Equal(t, []resource.Role{{ID: admin, Name: "Admin", Inherited: true}}, roles)
}

func TestOrganizationConnections(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	org := tenant.AddOrganization("acme")
	saml := tenant.AddConnection("acme-saml", "samlp")
	client := tenant.Management()
	request(t, client, http.MethodPost, map[string]any{"connection_id": saml}, nil, "organizations", org, "enabled_connections")
	got, err := client.OrganizationConnections(t.Context(), org)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, auth0test.DefaultConnection, got[0].Name)
	assert.Equal(t, resource.Connection{ID: saml, Name: "acme-saml", Strategy: "samlp"}, got[1])
}

func TestRoleSaysWhoOwnsIt(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	org, common := tenant.AddOrganization("acme"), tenant.AddRole("Admin", "")
	client := tenant.Management()
	var made struct {
		ID string `json:"id"`
	}
	request(t, client, http.MethodPost, map[string]any{"name": "Own", "type": "organization", "owner_id": org}, &made, "roles")

	role, err := client.Role(t.Context(), common)
	require.NoError(t, err)
	assert.Equal(t, &resource.Role{ID: common, Name: "Admin"}, role)
	role, err = client.Role(t.Context(), made.ID)
	require.NoError(t, err)
	assert.Equal(t, &resource.Role{ID: made.ID, Name: "Own", OwnerID: org}, role)
	_, err = client.Role(t.Context(), "rol_0000000000000000")
	require.ErrorIs(t, err, management.ErrNotFound)
}

// request makes a call that Client has no method for.
func request(t *testing.T, c *management.Client, method string, in, out any, path ...string) {
	t.Helper()
	api := c.API()
	req, err := api.NewRequest(context.Background(), method, api.URI(path...), in)
	require.NoError(t, err)
	res, err := api.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Less(t, res.StatusCode, 300)
	if out != nil {
		require.NoError(t, json.NewDecoder(res.Body).Decode(out))
	}
}
