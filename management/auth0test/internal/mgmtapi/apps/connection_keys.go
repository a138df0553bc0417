package apps

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// connectionKeys are what a connection signs with: those for OpenID Connect have
// keys from the start, others when they are asked for.
func connectionKeys(c *mgmtapi.Call, con *state.Connection, make bool) *keys.Keyring {
	if con.Keys.Current == nil && (make || slices.Contains([]string{"oidc", "okta"}, con.Strategy)) {
		con.Keys.Start(con.Name, c.Now)
	}
	return &con.Keys
}

func viewConnectionKey(con *state.Connection, key *keys.SigningKey) any {
	m := key.Described()
	m["algorithm"], m["key_use"], m["subject_dn"] = "RS256", "signing", "/CN="+con.Name
	m["pkcs"] = m["pkcs7"]
	delete(m, "pkcs7")
	switch key {
	case con.Keys.Current:
		m["current"], m["current_since"] = true, store.Stamp(key.At)
	case con.Keys.Next:
		m["next"] = true
	default:
		m["previous"] = true
	}
	return m
}

func listConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	ring := connectionKeys(c, con, false)
	if ring.Current == nil {
		return mgmtapi.OK([]any{})
	}
	all := []*keys.SigningKey{ring.Current}
	if len(ring.Previous) > 0 {
		all = append(all, ring.Previous[0])
	}
	return mgmtapi.OK(store.Render(append(all, ring.Next), func(k *keys.SigningKey) any { return viewConnectionKey(con, k) }))
}

func createConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	if connectionKeys(c, con, false).Current != nil {
		return mgmtapi.Conflict("Keys have already been created for this connection.", "")
	}
	connectionKeys(c, con, true)
	return mgmtapi.Created(listConnectionKeys(c, con).Body)
}

// rotateConnectionKeys answers the new next key.
func rotateConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	ring := connectionKeys(c, con, true)
	ring.Rotate(c.Now)
	return mgmtapi.Created(viewConnectionKey(con, ring.Next))
}
