package auth0test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authRoutes are the routes of the Authentication API.
func authRoutes() []route {
	return []route{
		{method: "POST", pattern: "/oauth/token", serve: (*Tenant).serveToken},
	}
}

// managementTokenLife is how long a token for the Management API lives.
const managementTokenLife = 24 * time.Hour

// serveToken answers the token endpoint, form or JSON.
func (t *Tenant) serveToken(w http.ResponseWriter, r *http.Request) {
	p := tokenParams(r)
	id, secret := p["client_id"], p["client_secret"]
	if user, password, basic := r.BasicAuth(); basic {
		id, secret = unescape(user), unescape(password)
	}
	now := t.lock()
	defer t.mu.Unlock()
	c := t.clients.get(id)
	if c == nil || c.secret != secret {
		oauthError(w, http.StatusUnauthorized, "access_denied", "Unauthorized")
		return
	}
	if p["grant_type"] != "client_credentials" {
		oauthError(w, http.StatusForbidden, "unauthorized_client", "Grant type '"+p["grant_type"]+"' not allowed for the client.")
		return
	}
	t.clientCredentials(w, r, c, p["audience"], now)
}

func (t *Tenant) clientCredentials(w http.ResponseWriter, r *http.Request, c *client, audience string, now time.Time) {
	issuer := issuerOf(r)
	a := t.apiOf(issuer, audience)
	if a == nil {
		oauthError(w, http.StatusForbidden, "access_denied", "Service not found: "+audience)
		return
	}
	g := t.grants.find(func(g *clientGrant) bool { return g.clientID == c.id && g.audience == a.identifier })
	if g == nil {
		oauthError(w, http.StatusForbidden, "access_denied",
			"Client is not authorized to access \""+audience+"\". You need to create a \"client-grant\" associated to this API.")
		return
	}
	scope := strings.Join(g.scopes, " ")
	token := t.Sign(nil, map[string]any{
		"iss": issuer, "sub": c.id + "@clients", "aud": audience, "azp": c.id, "gty": "client-credentials",
		"iat": now.Unix(), "exp": now.Add(managementTokenLife).Unix(), "scope": scope,
	})
	w.Header().Set("Cache-Control", "no-store")
	sendJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(managementTokenLife / time.Second), "scope": scope,
	})
}

func tokenParams(r *http.Request) map[string]string {
	p := make(map[string]string)
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var m map[string]any
		if json.NewDecoder(r.Body).Decode(&m) == nil {
			for k, v := range m {
				p[k], _ = v.(string)
			}
		}
		return p
	}
	if r.ParseForm() == nil {
		for k := range r.PostForm {
			p[k] = r.PostForm.Get(k)
		}
	}
	return p
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// oauthError answers an error of the Authentication API.
func oauthError(w http.ResponseWriter, status int, code, description string) {
	sendJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// Client is an application to register with AddClient.
type Client struct {
	ID                   string   // Defaults to a new one.
	Secret               string   // Defaults to a new one.
	Name                 string   // Defaults to the ID.
	CallbackURL          string   // Where a login may return to.
	BackChannelLogoutURL string   // Where logout tokens are sent.
	Grants               []string // Grant types. Defaults to all.
	Scopes               []string // Of the Management API: gives the client a client grant for it.
}

// AddClient registers an application, also at DefaultConnection, and returns it
// with its ID and Secret.
func (t *Tenant) AddClient(c Client) Client {
	now := t.lock()
	defer t.mu.Unlock()
	added := t.addClient(c, now)
	if con := t.connectionNamed(DefaultConnection); con != nil && !slices.Contains(con.clients, added.id) {
		con.clients = append(con.clients, added.id)
	}
	if len(c.Scopes) > 0 {
		t.addGrant(added.id, managementAudience, c.Scopes, now)
	}
	c.ID, c.Secret, c.Name = added.id, added.secret, added.doc["name"].(string)
	return c
}
