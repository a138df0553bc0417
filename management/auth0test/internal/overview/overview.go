// Package overview is the page that shows what is in a tenant.
package overview

import (
	"net/http"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// shownRows is how much of each list the overview shows.
const shownRows = 50

type table struct {
	Title, Empty string
	Heads        []string
	Rows         [][]string
	Total        int
}

// overview is what the page shows.
type page struct {
	Domain, Issuer, ForEnv string
	Apps                   []*state.App
	Tables                 []table
}

// Serve shows what is in the tenant now, and the last requests.
func Serve(t *state.Tenant, requests [][]string, w http.ResponseWriter, r *http.Request) {
	messages := t.Messages()
	v := page{Domain: r.Host, Issuer: web.IssuerOf(r)}
	v.ForEnv = v.Domain
	if strings.HasPrefix(v.Issuer, "http://") {
		v.ForEnv = strings.TrimSuffix(v.Issuer, "/") // A domain alone means https to clients.
	}
	t.Lock()
	for _, c := range t.Clients.All() {
		if !c.Global {
			v.Apps = append(v.Apps, t.App(c.ID))
		}
	}
	v.Tables = []table{users(t), apps(v.Apps), organizations(t)}
	t.Unlock()
	v.Tables = append(v.Tables, outbox(messages), cut("Last requests", "No requests yet.", []string{"Time", "Method", "Path", "Answer"}, requests))
	pages.Render(w, overviewPage, v)
}

// cut leaves out what is too much.
func cut(title, empty string, heads []string, rows [][]string) table {
	return table{title, empty, heads, rows[:min(shownRows, len(rows))], len(rows)}
}

func users(t *state.Tenant) table {
	o := table{Title: "Users", Empty: "No users yet.", Heads: []string{"Email", "Username", "Connection", "ID"}, Total: t.Users.Len()}
	for _, u := range t.Users.Some(0, shownRows) {
		o.Rows = append(o.Rows, []string{u.Email, u.Username, u.Connection(), u.ID})
	}
	return o
}

func apps(all []*state.App) table {
	var rows [][]string
	for _, a := range all {
		callback := ""
		if len(a.Callbacks) > 0 {
			callback = a.Callbacks[0]
		}
		rows = append(rows, []string{a.Name, a.ID, callback})
	}
	return cut("Applications", "No applications yet.", []string{"Name", "Client ID", "Callback"}, rows)
}

func organizations(t *state.Tenant) table {
	var rows [][]string
	for _, o := range t.Orgs.All() {
		var names []string
		for _, m := range o.Members.All() {
			if u := t.Users.Get(m.UserID); u != nil && len(names) < 5 {
				names = append(names, u.ShownName())
			}
		}
		rows = append(rows, []string{o.Name, o.ID, strings.Join(names, ", ")})
	}
	return cut("Organizations", "No organizations yet.", []string{"Name", "ID", "Members"}, rows)
}

func outbox(messages []state.Message) table {
	var rows [][]string
	for _, m := range slices.Backward(messages) {
		rows = append(rows, []string{m.Time.Format("15:04:05"), m.Channel, m.To, m.Kind, m.Code + m.URL})
	}
	return cut("Outbox", "Nothing was sent yet.", []string{"Time", "Channel", "To", "Kind", "Code or link"}, rows)
}

var overviewPage = pages.Parse("overview", `<title>Tenant {{.Domain}}</title></head><body><main class="report">
<h1>Tenant {{.Domain}}</h1>
<p class="muted">What is in this tenant of auth0test now. It is forgotten when the program ends.</p>
<section aria-labelledby="env"><h2 id="env">For an .env file</h2>
{{range .Apps}}<h3 style="font-size:1rem;margin:0 0 4px">{{.Name}}</h3>
<pre style="white-space:pre-wrap;overflow-wrap:anywhere">AUTH0_DOMAIN={{$.ForEnv}}
AUTH0_ISSUER_BASE_URL={{$.Issuer}}
AUTH0_CLIENT_ID={{.ID}}
{{if not .Public}}AUTH0_CLIENT_SECRET={{.Secret}}
{{end}}</pre>{{end}}</section>
{{range $i, $t := .Tables}}<section aria-labelledby="table-{{$i}}"><h2 id="table-{{$i}}">{{.Title}} <span class="muted">{{.Total}}</span></h2>
{{if .Rows}}<div class="scroll" tabindex="0" role="group" aria-label="Table of {{.Title}}"><table><thead><tr>{{range .Heads}}<th scope="col">{{.}}</th>{{end}}</tr></thead><tbody>
{{range .Rows}}<tr>{{range $j, $cell := .}}<td data-label="{{index $t.Heads $j}}">{{$cell}}</td>{{end}}</tr>
{{end}}</tbody></table></div>{{if gt .Total (len .Rows)}}<p class="muted">The first {{len .Rows}} are shown.</p>{{end}}{{else}}<p class="muted">{{.Empty}}</p>{{end}}
</section>
{{end}}</main>`)
