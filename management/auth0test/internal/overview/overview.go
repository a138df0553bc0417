// Package overview is the page that shows what is in a tenant.
package overview

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// shownRows is how much of each list the overview shows.
const shownRows = 50

// row is a line of a table of the overview.
type row []string

type table struct {
	Title, Empty string
	Heads        []string
	Rows         []row
	Total        int
}

// overview is what the page shows.
type page struct {
	Domain, Issuer, ForEnv string
	Apps                   []*state.App
	Tables                 []table
}

// Request is a request that the tenant answered.
type Request struct {
	Time         time.Time
	Method, Path string
	Status       int
}

// Serve shows what is in the tenant now; the last requests come last.
func Serve(t *state.Tenant, requests []Request, w http.ResponseWriter, r *http.Request) {
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
	v.Tables = append(v.Tables, outbox(messages), answered(requests))
	pages.Render(w, overviewPage, v)
}

// cut leaves out what is too much.
func cut(title, empty string, heads []string, rows []row) table {
	return table{title, empty, heads, rows[:min(shownRows, len(rows))], len(rows)}
}

func users(t *state.Tenant) table {
	o := table{Title: "Users", Empty: "No users yet.", Heads: []string{"Email", "Username", "Connection", "ID"}, Total: t.Users.Len()}
	for _, u := range t.Users.Some(0, shownRows) {
		o.Rows = append(o.Rows, row{u.Email, u.Username, u.Connection(), u.ID})
	}
	return o
}

func apps(all []*state.App) table {
	var rows []row
	for _, a := range all {
		callback := ""
		if len(a.Callbacks) > 0 {
			callback = a.Callbacks[0]
		}
		rows = append(rows, row{a.Name, a.ID, callback})
	}
	return cut("Applications", "No applications yet.", []string{"Name", "Client ID", "Callback"}, rows)
}

func organizations(t *state.Tenant) table {
	var rows []row
	for _, o := range t.Orgs.All() {
		var names []string
		for _, m := range o.Members.All() {
			if u := t.Users.Get(m.UserID); u != nil && len(names) < 5 {
				names = append(names, u.ShownName())
			}
		}
		rows = append(rows, row{o.Name, o.ID, strings.Join(names, ", ")})
	}
	return cut("Organizations", "No organizations yet.", []string{"Name", "ID", "Members"}, rows)
}

func outbox(messages []state.Message) table {
	var rows []row
	for _, m := range slices.Backward(messages) {
		rows = append(rows, row{m.Time.Format("15:04:05"), m.Channel, m.To, m.Kind, m.Code + m.URL})
	}
	return cut("Outbox", "Nothing was sent yet.", []string{"Time", "Channel", "To", "Kind", "Code or link"}, rows)
}

func answered(requests []Request) table {
	var rows []row
	for _, q := range slices.Backward(requests) {
		rows = append(rows, row{q.Time.Format("15:04:05"), q.Method, q.Path, strconv.Itoa(q.Status)})
	}
	return cut("Last requests", "No requests yet.", []string{"Time", "Method", "Path", "Answer"}, rows)
}

var overviewPage = template.Must(template.New("overview").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tenant {{.Domain}}</title>
<link rel="icon" href="data:,"><style>
:root{color-scheme:light dark;--bg:#f6f6f8;--surface:#fff;--text:#1c1c21;--muted:#5c5c66;--border:#d5d5dc}
@media(prefers-color-scheme:dark){:root{--bg:#131316;--surface:#1e1e23;--text:#ececf1;--muted:#a5a5b0;--border:#3a3a42}}
body{font:16px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--text);margin:0}main{max-width:72rem;margin:0 auto;padding:24px 16px}
section{background:var(--surface);border:1px solid var(--border);border-radius:12px;padding:16px 24px;margin:24px 0}
h1{margin:0}h2{font-size:1.25rem;margin:0 0 8px}.muted{color:var(--muted)}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:4px 16px 4px 0;border-bottom:1px solid var(--border);vertical-align:top}td{word-break:break-all}
pre{margin:0 0 16px;overflow-x:auto;font:14px/1.5 ui-monospace,monospace}
</style></head><body><main>
<h1>Tenant {{.Domain}}</h1>
<p class="muted">What is in this tenant of auth0test now. It is forgotten when the program ends.</p>
<section aria-labelledby="env"><h2 id="env">For an .env file</h2>
{{range .Apps}}<p>{{.Name}}</p>
<pre tabindex="0" aria-label="Settings of {{.Name}}">AUTH0_DOMAIN={{$.ForEnv}}
AUTH0_ISSUER_BASE_URL={{$.Issuer}}
AUTH0_CLIENT_ID={{.ID}}
{{if not .Public}}AUTH0_CLIENT_SECRET={{.Secret}}
{{end}}</pre>{{end}}</section>
{{range .Tables}}<section><h2>{{.Title}} <span class="muted">{{.Total}}</span></h2>
{{if .Rows}}<div class="wide" tabindex="0" role="region" aria-label="{{.Title}}"><table><thead><tr>{{range .Heads}}<th scope="col">{{.}}</th>{{end}}</tr></thead><tbody>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>{{if gt .Total (len .Rows)}}<p class="muted">The first {{len .Rows}} are shown.</p>{{end}}{{else}}<p class="muted">{{.Empty}}</p>{{end}}
</section>
{{end}}</main></body></html>
`))
