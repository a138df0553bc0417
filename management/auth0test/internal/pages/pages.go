package pages

import (
	"html/template"
	"net/http"

	style "github.com/auth0kit/auth0kit/internal/pages"
)

// The pages of Universal Login: plain forms that need no JavaScript.
const (
	Login        = "login"
	Signup       = "signup"
	Organization = "organization"
	Picker       = "organization-picker"
	Options      = "mfa-login-options"
	Recovery     = "mfa-recovery-code-challenge"
	Notice       = "mfa-recovery-code-enrollment"
	Consent      = "consent"
)

// Page is what a page shows.
type Page struct {
	Title   string
	Text    string
	Items   []string
	Code    string // A secret or a recovery code, to be copied.
	Link    string // What an authenticator app scans.
	Problem string
	Action  string
	State   string
	Fields  []Field
	Buttons []Button
	Others  []Anchor
}

type Field struct {
	Name, Label, Type, Value, Autocomplete string
	ReadOnly, Optional, Check              bool
}

type Button struct{ Name, Value, Label string }

type Anchor struct{ URL, Label string }

// Parse parses a page that has the stylesheet of all pages by {{css}}.
func Parse(name, text string) *template.Template {
	css := func() template.CSS { return template.CSS(style.CSS) }
	return template.Must(template.New(name).Funcs(template.FuncMap{"css": css}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{{css}}</style>` + text + "</body></html>\n"))
}

var Template = Parse("page", `<title>{{.Title}}</title></head><body><main>
<h1>{{.Title}}</h1>
{{with .Text}}<p>{{.}}</p>{{end}}
{{with .Items}}<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{with .Code}}<p><code id="secret">{{.}}</code></p>{{end}}
{{with .Link}}<p><code id="barcode-uri">{{.}}</code></p>{{end}}
{{with .Problem}}<p class="problem" role="alert" id="error">{{.}}</p>{{end}}
<form method="post" action="{{.Action}}">
<input type="hidden" name="state" value="{{.State}}">
{{range .Fields}}{{if .Check}}<label class="check"><input type="checkbox" name="{{.Name}}" value="true"> {{.Label}}</label>
{{else}}<label for="{{.Name}}">{{.Label}}</label>
<input id="{{.Name}}" name="{{.Name}}" type="{{.Type}}" value="{{.Value}}" autocomplete="{{.Autocomplete}}"{{if .ReadOnly}} readonly{{end}}{{if not .Optional}} required{{end}}>
{{end}}{{end}}<div class="actions">{{range $i, $b := .Buttons}}<button type="submit"{{if not $i}} class="primary"{{end}} name="{{.Name}}" value="{{.Value}}">{{.Label}}</button>
{{end}}</div></form>
{{range .Others}}<p><a href="{{.URL}}">{{.Label}}</a></p>
{{end}}</main>`)

var Error = Parse("error", `<title>Error</title></head>
<body><main><h1>Oops!, something went wrong</h1><p id="error">{{.Code}}</p><p id="error_description">{{.Description}}</p></main>`)

var FormPost = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Submit</title></head>
<body onload="document.forms[0].submit()"><form method="post" action="{{.To}}">
{{range $name, $values := .Values}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<noscript><button type="submit">Continue</button></noscript></form></body></html>
`))

// message is framed by the application or opened by it: it tells the window that
// did so.
var message = template.Must(template.New("web_message").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Authorization Response</title></head>
<body><script>
(window.opener || window.parent).postMessage({type: "authorization_response", response: {{.Response}}}, {{.Origin}});
</script></body></html>
`))

// WebMessage sends a response to a window of an origin, and to none other.
func WebMessage(w http.ResponseWriter, origin string, response map[string]string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	message.Execute(w, map[string]any{"Origin": origin, "Response": response}) // The connection may be gone.
}

var Done = Parse("done", `<title>Done</title></head><body><main><h1>Done</h1><p id="done">{{.}}</p></main>`)

func Render(w http.ResponseWriter, tpl *template.Template, data any) {
	RenderStatus(w, http.StatusOK, tpl, data)
}

func RenderStatus(w http.ResponseWriter, status int, tpl *template.Template, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "deny")
	w.WriteHeader(status)
	tpl.Execute(w, data) // The connection may be gone: nobody is left to tell.
}
