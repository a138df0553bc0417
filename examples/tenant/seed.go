package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// seed.json is what the tenant starts with where -seed names nothing else.
//
//go:embed seed.json
var builtIn []byte

// seed is the file of -seed. What is left out has a default, and everything but
// names may be left out.
type seed struct {
	Connections []struct {
		Name     string `json:"name"`
		Strategy string `json:"strategy"` // "auth0" for a database, or a provider, for which the tenant's pages stand in.
	} `json:"connections"`
	Applications []struct {
		Name                 string   `json:"name"`
		ID                   string   `json:"id"`     // Defaults to one that follows from the name,
		Secret               string   `json:"secret"` // and to "local-secret-of-" and the name.
		Callbacks            []string `json:"callbacks"`
		LoginURL             string   `json:"login_url"` // Where invitations lead.
		LogoutURL            string   `json:"logout_url"`
		WebOrigin            string   `json:"web_origin"`
		BackChannelLogoutURL string   `json:"back_channel_logout_url"`
		Public               bool     `json:"public"` // Has no secret, as a single-page application.
		RotateRefreshTokens  bool     `json:"rotate_refresh_tokens"`
		Grants               []string `json:"grants"` // Defaults to all.
	} `json:"applications"`
	APIs []struct {
		Audience    string   `json:"audience"`
		Permissions []string `json:"permissions"`
	} `json:"apis"`
	Roles []struct {
		Name        string   `json:"name"`
		Audience    string   `json:"audience"`
		Permissions []string `json:"permissions"`
	} `json:"roles"`
	Users []struct {
		Email         string `json:"email"`
		Username      string `json:"username"`
		Name          string `json:"name"`
		Password      string `json:"password"`
		Connection    string `json:"connection"` // Defaults to Username-Password-Authentication.
		ID            string `json:"id"`         // Defaults to one that follows from connection and email.
		EmailVerified bool   `json:"email_verified"`
	} `json:"users"`
	Organizations []struct {
		Name    string `json:"name"`
		Members []struct {
			User  string   `json:"user"`  // An email of users,
			Roles []string `json:"roles"` // and names of roles.
		} `json:"members"`
	} `json:"organizations"`
}

func readSeed(name string) (*seed, error) {
	content := builtIn
	if name != "" {
		var err error
		if content, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	s := new(seed)
	dec := json.NewDecoder(strings.NewReader(string(content)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(name, "seed.json"), err)
	}
	return s, nil
}

// add fills the tenant and returns the first application. The tenant panics for
// what cannot be, as two users with one email.
func (s *seed) add(tenant *auth0test.Tenant) (first auth0test.Application, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	for _, c := range s.Connections {
		tenant.AddConnection(c.Name, c.Strategy)
	}
	for i, a := range s.Applications {
		added := tenant.AddClient(auth0test.Application{
			Name: a.Name, ID: a.ID, Secret: cmp.Or(a.Secret, "local-secret-of-"+a.Name), Callbacks: a.Callbacks, LoginURL: a.LoginURL, LogoutURL: a.LogoutURL,
			WebOrigin: a.WebOrigin, BackChannelLogoutURL: a.BackChannelLogoutURL, Public: a.Public, RotateRefreshTokens: a.RotateRefreshTokens, Grants: a.Grants,
			AsksConsent: true,
		})
		if i == 0 {
			first = added
		}
	}
	for _, a := range s.APIs {
		tenant.AddAPI(a.Audience, a.Permissions...)
	}
	return first, s.addPeople(tenant)
}

func (s *seed) addPeople(tenant *auth0test.Tenant) error {
	roles, users := map[string]string{}, map[string]string{}
	for _, r := range s.Roles {
		roles[r.Name] = tenant.AddRole(r.Name, r.Audience, r.Permissions...)
	}
	for _, u := range s.Users {
		users[u.Email] = tenant.AddUser(resource.User{
			ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Connection: u.Connection, EmailVerified: u.EmailVerified,
		}, u.Password)
	}
	for _, o := range s.Organizations {
		org := tenant.AddOrganization(o.Name)
		for _, m := range o.Members {
			ids := make([]string, 0, len(m.Roles))
			for _, name := range m.Roles {
				ids = append(ids, roles[name])
			}
			if users[m.User] == "" {
				return fmt.Errorf("the organization %s has a member %s, who is no user", o.Name, m.User)
			}
			tenant.AddMember(org, users[m.User], ids...)
		}
	}
	return nil
}
