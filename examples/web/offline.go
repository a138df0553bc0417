package main

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session/login"
)

// Who there is offline. Ada has an authenticator app, and Bob a password alone.
const (
	ada      = "ada@example.com"
	bob      = "bob@example.com"
	password = "correct horse"
)

// offline starts a tenant on a port of its own. The application is localhost and
// the tenant 127.0.0.1, so that their cookies are apart.
func (a *app) offline(port int) (login.Application, *management.Client, error) {
	base := "http://localhost:" + strconv.Itoa(port)
	a.tenant = auth0test.NewTenant(auth0test.Options{Plan: auth0test.Enterprise})
	server, err := a.tenant.ListenHTTP("127.0.0.1:0")
	if err != nil {
		return login.Application{}, nil, fmt.Errorf("start the tenant: %w", err)
	}
	a.closers = append(a.closers, server.Close)
	client := a.tenant.AddClient(auth0test.Application{
		Name: "Ledger", CallbackURL: base + "/auth/callback", LogoutURL: base, BackChannelLogoutURL: base + "/auth/backchannel-logout",
	})
	id := a.tenant.AddUser(resource.User{Email: ada, Name: "Ada"}, password)
	a.tenant.AddUser(resource.User{Email: bob, Name: "Bob"}, password)
	a.tenant.SetFactor("otp", true)
	a.phone = a.tenant.Enroll(id, "otp", "")
	return login.Application{
		Domain: server.URL, ClientID: client.ID, ClientSecret: client.Secret, BaseURL: base, HTTPClient: server.Client,
	}, a.tenant.Management(), nil
}

// showPhone stands for Ada's phone.
func (a *app) showPhone(w http.ResponseWriter, r *http.Request) {
	code := a.tenant.OTP(a.phone)
	a.pages.Show(w, r, http.StatusOK, "phone", site.Page{
		Title: "Ada's phone", Lead: "The code of this half minute. Load the page again for the next one.", Data: code[:3] + " " + code[3:],
	})
}
