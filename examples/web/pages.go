package main

import (
	"crypto/rand"
	"embed"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/session"
)

//go:embed pages/pages.html
var pages embed.FS

// frame is what every page of this application has.
func (a *app) frame(_ *http.Request, p *site.Page) {
	if p.Me != nil {
		p.Nav = []site.Link{{Text: "Transfer", Href: "/transfer"}, {Text: "Sessions", Href: "/sessions"}}
	}
	if a.tenant != nil {
		p.Foot = `<footer>This is a demonstration with a tenant of its own. Ada's codes are on <a href="/phone" target="_blank">her phone</a>.</footer>`
	}
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	p := site.Page{Title: "Ledger", Lead: "Sign in to see where you are signed in, and to send money."}
	if me, ok := session.FromContext(r.Context()); ok {
		p.Lead = "You are signed in as " + string(me.Payload) + "."
	}
	a.pages.Show(w, r, http.StatusOK, "home", p)
}

// transfer is reached with a second factor that was proved in the last five minutes.
func (a *app) transfer(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	at := s.AuthenticatedBy("mfa").In(time.Local).Format("15:04:05")
	p := site.Page{
		Title: "Transfer", Lead: "You proved your second factor at " + at + ". Five minutes later you are asked again.", Data: rand.Text(),
	}
	if r.Method == http.MethodPost {
		// A form that is sent twice is one transfer. A real application keeps it under
		// its number in the database, where the number is unique.
		amount, _ := a.sent.LoadOrStore(s.UserID+" "+r.PostFormValue("number"), strings.TrimSpace(r.PostFormValue("amount")))
		p.Done = "Sent: " + amount.(string) + " euros."
	}
	a.pages.Show(w, r, http.StatusOK, "transfer", p)
}
