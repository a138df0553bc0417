package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session/login"
)

// Who there is in the demonstration.
const (
	ada            = "ada@example.com" // administers acme, keeps books at globex
	bob            = "bob@example.com" // keeps the books of acme
	eve            = "eve@example.com" // administers globex
	lin            = "lin@example.com" // of acme, still in the old program
	password       = "correct horse"
	legacyPassword = "battery staple 9"
)

const demoFoot = template.HTML(`<footer>This is a demonstration with a tenant of its own. Around it there are <a href="/demo/phone">Ada's phone</a>, <a href="/demo/place">the place of this browser</a> and <a href="/demo/siem">a SIEM</a>.</footer>`)

// demo is what stands around the application when there is no tenant but its own.
type demo struct {
	tenant       *auth0test.Tenant
	ada          string
	acme, globex string
	phone        *guardian.TOTPKey // Ada's
	drawer       []string          // has her recovery codes

	mu       sync.Mutex
	received []string // by the SIEM, newest last
}

// offline starts a tenant on a port of its own. The application is localhost and the
// tenant 127.0.0.1, so that their cookies are apart.
func (p *portal) offline(port int) (auth0, error) {
	base := "http://localhost:" + strconv.Itoa(port)
	t := auth0test.NewTenant(auth0test.Options{})
	server, err := t.ListenHTTP("127.0.0.1:0")
	if err != nil {
		return auth0{}, fmt.Errorf("start the tenant: %w", err)
	}
	p.closers = append(p.closers, server.Close)
	t.AllowOrganizationNames()
	const audience = "https://ledger.example.com/api"
	permissions := []string{"read:invoices", "send:payouts", "manage:team", "read:audit"}
	t.AddAPI(audience, permissions...)
	admin := t.AddRole(adminRoleName, audience, permissions...)
	clerk := t.AddRole("Bookkeeper", audience, "read:invoices", "send:payouts")
	client := t.AddClient(auth0test.Application{
		Name: "Ledger", LoginURL: base + "/auth/login", CallbackURL: base + "/auth/callback", LogoutURL: base, BackChannelLogoutURL: base + "/auth/backchannel-logout", RotateRefreshTokens: true,
	})
	d := &demo{tenant: t, acme: t.AddOrganization("acme"), globex: t.AddOrganization("globex")}
	user := func(email, name string) string {
		return t.AddUser(resource.User{Email: email, EmailVerified: true, Name: name, AppMetadata: map[string]any{"plan": "team"}}, password)
	}
	d.ada = user(ada, "Ada Lovelace")
	t.AddMember(d.acme, d.ada, admin)
	t.AddMember(d.globex, d.ada, clerk)
	t.AddMember(d.acme, user(bob, "Bob Cratchit"), clerk)
	t.AddMember(d.globex, user(eve, "Eve Moneypenny"), admin)
	engine, err := scripts.New(scripts.Config{Hosts: []string{"localhost:" + strconv.Itoa(port)}})
	if err != nil {
		return auth0{}, err
	}
	t.RunScripts(engine)
	p.demo = d
	return auth0{
		Application: login.Application{Domain: server.URL, ClientID: client.ID, ClientSecret: client.Secret, BaseURL: base, HTTPClient: server.Client},
		client:      t.Management(), audience: audience, adminRole: admin, base: base, origin: server.URL,
	}, nil
}

// seed deploys the Action and gives the demonstration a past. At your tenant, it says
// which scope is missing.
func (p *portal) seed(ctx context.Context, _ func(string) string) (err error) {
	if p.demo == nil {
		scopes := append(p.admins.Scopes(), "update:users", "delete:sessions", "delete:refresh_tokens", "read:authentication_methods", "delete:authentication_methods", "delete:guardian_enrollments")
		if p.arrivals != nil {
			scopes = append(scopes, "create:users", "read:connections")
		}
		return p.client.Check(ctx, scopes...)
	}
	if err := p.deploy(ctx, p.base+actionPath); err != nil {
		return err
	}
	if p.demo.phone, err = p.factors.EnrollTOTP(ctx, p.demo.ada, ada, nil); err != nil {
		return err
	}
	before, err := totp.GenerateCode(p.demo.phone.Secret(), time.Now().Add(-30*time.Second)) // a code is taken once: now's is left
	if err != nil {
		return err
	}
	if p.demo.drawer, err = p.factors.ConfirmTOTP(ctx, p.demo.ada, before); err != nil {
		return err
	}
	if err := p.past(ctx, p.demo.ada); err != nil {
		return err
	}
	due := time.Now().AddDate(0, 0, 9)
	for i, supplier := range []string{"Kraft Paper Mills", "Northwind Freight", "Lumen Energy", "Orbital Cleaning"} {
		for _, org := range []string{p.demo.acme, p.demo.globex} {
			next := invoice{Number: 1001 + i, Supplier: supplier, Cents: 48_050 + 213_77*i, Due: due.AddDate(0, 0, 7*i).Format(time.DateOnly)}
			if err := p.addInvoice(ctx, org, next); err != nil {
				return err
			}
		}
	}
	return nil
}

// legacy is the database of the old program.
func (p *portal) legacy(ctx context.Context) (*sql.DB, error) {
	db, err := p.sqlite("legacy.db")
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(legacyPassword), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, legacySchema); err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO users (id, login, email, name, hash, teams) VALUES (7, 'lin', ?, 'Lin Zexu', ?, 'acme:Bookkeeper')`, lin, string(hash))
	return db, err
}

func (d *demo) routes(mux *http.ServeMux, p *portal) {
	mux.Handle("GET /demo/phone", p.web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := d.tenant.OTP(d.phone.Secret())
		p.pages.Show(w, r, http.StatusOK, "phone", site.Page{Title: "Ada's phone", Lead: "The code of this half minute. Load the page again for the next one.", Data: code[:3] + " " + code[3:]})
	})))
	mux.Handle("GET /demo/siem", p.web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		p.pages.Show(w, r, http.StatusOK, "siem", site.Page{Title: "A SIEM", Lead: "What the stream of an organization has brought, newest last.", Data: append([]string{}, d.received...)})
	})))
	mux.HandleFunc("POST /demo/siem", d.receive)
	mux.Handle("GET /demo/place", p.web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.pages.Show(w, r, http.StatusOK, "place", site.Page{Title: "Where this browser is", Lead: "The next sign-in comes from there.", Data: places})
	})))
	mux.HandleFunc("POST /demo/place", func(w http.ResponseWriter, r *http.Request) {
		if ip, err := netip.ParseAddr(r.PostFormValue("place")); err == nil {
			http.SetCookie(w, &http.Cookie{Name: "demo-place", Value: ip.String(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

// receive stands for a company's SIEM.
func (d *demo) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var batch struct {
		Events []struct{ Action string } `json:"events"`
	}
	if err != nil || json.Unmarshal(body, &batch) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range batch.Events {
		d.received = append(d.received, e.Action)
	}
	d.received = d.received[max(0, len(d.received)-50):]
	w.WriteHeader(http.StatusNoContent)
}
