package guardian

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// page is what the templates see.
type page struct {
	Page        string // The template.
	Path        string // Where the pages are.
	Issuer      string
	Status      int
	Problem     string // The reason of an audit event, such as "wrong_code",
	Field       string // and which input it is about: "code", "recovery", "response"; empty for the page.
	RetryAfter  time.Duration
	Done        string // What was just done: "added", "removed".
	Hidden      map[string]string
	Enrollments []listed
	HasTOTP     bool
	HasCodes    bool
	HasLocal    bool // Any factor but codes.
	Passkeys    bool // They can be added, or used.
	Others      bool // There are other sessions to end.
	Last        bool // Of Remove.
	Strong      bool // A passkey is needed.
	QR          template.HTML
	Key         string
	Name        string
	Options     string // JSON for navigator.credentials.
	Codes       []string
	Query       string // Of the page's address, to go on with.
	Script      bool
}

// listed is an enrollment that knows whether these pages can remove it.
type listed struct {
	Enrollment
	Local bool
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func (p *Pages) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // The visitor has gone.
}

// render shows a page, with what went wrong before; a program gets v.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, d page, problem error, v any) {
	if problem != nil {
		d.Problem = reasonOf(problem)
		if e, is := errors.AsType[*VerifyError](problem); is {
			d.RetryAfter = e.RetryAfter.Round(time.Second)
		}
	}
	if wantsJSON(r) {
		if problem != nil {
			v = failure(problem)
		}
		p.json(w, status, v)
		return
	}
	d.Path, d.Issuer, d.Status, d.Others = p.cfg.Path, p.s.cfg.Issuer, status, p.others != nil
	d.Script = d.Options != "" || d.Page == "codes"
	d.Hidden = map[string]string{formField: rand.Text()}
	if d.Page == "codes" && r.FormValue(formField) != "" {
		d.Hidden[formField] = r.FormValue(formField)
		d.Query = "?" + url.Values{formField: {r.FormValue(formField)}}.Encode()
	}
	if field, token := p.web.CSRF(r); token != "" {
		d.Hidden[field] = token
	}
	var b bytes.Buffer
	if err := p.cfg.Templates.ExecuteTemplate(&b, d.Page, d); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // The visitor has gone.
}

// failure is what a program gets.
func failure(err error) map[string]any {
	v := map[string]any{"error": reasonOf(err)}
	if e, is := errors.AsType[*VerifyError](err); is {
		if e.RetryAfter > 0 {
			v["retry_after"] = int(e.RetryAfter.Round(time.Second).Seconds())
		}
		if e.AttemptsLeft >= 0 {
			v["attempts_left"] = e.AttemptsLeft
		}
	}
	return v
}

// message is a page that says what an answer without one would.
func (p *Pages) message(w http.ResponseWriter, r *http.Request, status int) {
	word := map[int]string{401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "not_found"}[status]
	if word == "" {
		status, word = http.StatusInternalServerError, "error"
	}
	p.render(w, r, status, page{Page: "message"}, nil, map[string]string{"error": word})
}

// statusOf is the status of an answer that says no.
func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrThrottled):
		return http.StatusTooManyRequests
	case reasonOf(err) == "error":
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// see sends the browser on with GET.
func see(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// on sends the browser on, and tells a program where it would.
func (p *Pages) on(w http.ResponseWriter, r *http.Request, to string) {
	if wantsJSON(r) {
		p.json(w, http.StatusOK, map[string]string{"to": to})
		return
	}
	see(w, to)
}
