package main

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

//go:embed pages/pages.html
var pagesHTML string

//go:embed pages/style.css
var styleCSS string

var pages = template.Must(template.New("pages").Parse(pagesHTML))

// page is what the templates show.
type page struct {
	Title, Done     string
	Me              *session.Session
	Sessions        []row
	Ask, Which      string // what is about to end, and its name in the form
	Text, Reference string
	Code            string
	Offline         bool
	Proved          string
}

// row is one session of the list.
type row struct {
	ID, Device, Detail string
	Own                bool
}

func (a *app) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Me, _ = session.FromContext(r.Context())
	p.Offline = a.tenant != nil
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		log.Print("web: ", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write([]byte(styleCSS))
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusOK, "home", page{Title: "Ledger"})
}

func (a *app) notFound(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusNotFound, "failed", page{Title: "There is no such page", Text: "The address may be mistyped, or the page is gone."})
}

// refused are the texts of what went wrong, by the reason of the refusal.
var refused = map[string][2]string{
	"superseded":   {"That was a moment too late", "Your session was renewed while this request was under way, and nothing was changed. Go back and do it again."},
	"forged":       {"This form is not valid any more", "Nothing was changed. Go back, load the page again, and send the form again."},
	"unavailable":  {"We cannot check your session", "Nothing was changed. Try again in a moment."},
	"no_factor":    {"You need a second factor for this", "Your account has none. Ask the help desk to enroll one: a password alone cannot."},
	"mfa_required": {"You need a second factor for this", "You came back without it. Try again."},
	"other_user":   {"Somebody else came back", "You signed in as another user than the one whose page this is. Nothing was changed."},
	"state":        {"This sign-in is over", "It was started in another browser, or more than an hour ago. Start again."},
	"revoked":      {"Your sessions were ended", "You, or somebody who may, ended all your sessions. Sign in again."},
	"refused":      {"You may not sign in here", "Ask the help desk if you think that you may."},
}

// refusal renders what session and login refuse, in the look of the other pages.
func (a *app) refusal(r *http.Request, x session.Refusal) (contentType string, body []byte) {
	if x.Status >= http.StatusInternalServerError {
		log.Print("web: ", x.Err)
	}
	texts, ok := refused[x.Reason]
	if !ok {
		texts = [2]string{"That did not work", "Nothing was changed. Try again, or start from the first page."}
	}
	if x.Status == http.StatusUnauthorized {
		texts = [2]string{"You are not signed in", "Sign in to see this page."}
	}
	var b bytes.Buffer
	s, _ := session.FromContext(r.Context())
	if err := pages.ExecuteTemplate(&b, "failed", page{Title: texts[0], Text: texts[1], Reference: x.Reason, Me: s}); err != nil {
		return "text/plain; charset=utf-8", []byte(texts[0] + "\n")
	}
	return "text/html; charset=utf-8", b.Bytes()
}

// list shows where the user is signed in, this session first.
func (a *app) list(w http.ResponseWriter, r *http.Request) {
	rows, err := a.rows(r)
	if err != nil {
		a.web.Refuse(w, r, session.Refusal{Err: err})
		return
	}
	done := map[string]string{"one": "That session has ended.", "others": "You are signed out everywhere else."}[r.URL.Query().Get("done")]
	a.show(w, r, http.StatusOK, "sessions", page{Title: "Your sessions", Sessions: rows, Done: done})
}

func (a *app) rows(r *http.Request) ([]row, error) {
	all, err := a.web.Sessions(r)
	if err != nil {
		return nil, err
	}
	me, _ := session.FromContext(r.Context())
	now, rows := time.Now(), []row{}
	for _, s := range all {
		is := row{ID: s.ID, Device: device(s.Device.UserAgent), Own: s.ID == me.ID}
		is.Detail = "Signed in " + day(s.CreatedAt, now) + ", last used " + day(s.LastSeen, now)
		if s.Device.IP != "" {
			is.Detail += ", from " + s.Device.IP
		}
		if is.Own {
			rows = append([]row{is}, rows...)
		} else {
			rows = append(rows, is)
		}
	}
	return rows, nil
}

func day(at, now time.Time) string {
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return "today at " + at.Format("15:04")
	}
	return at.Format("2 January")
}

// confirm asks once more, by name.
func (a *app) confirm(w http.ResponseWriter, r *http.Request) {
	which := r.URL.Query().Get("which")
	ask := map[string]string{"others": "all your other sessions", "all": "all your sessions, this one too"}[which]
	rows, err := a.rows(r)
	if err != nil {
		a.web.Refuse(w, r, session.Refusal{Err: err})
		return
	}
	for _, s := range rows {
		if s.ID == which {
			ask = "the session on " + s.Device
		}
	}
	if ask == "" {
		http.Redirect(w, r, "/sessions", http.StatusSeeOther) // it has ended meanwhile
		return
	}
	a.show(w, r, http.StatusOK, "confirm", page{Title: "End " + ask + "?", Ask: ask, Which: which})
}

// end ends one session of the user, all others, or all.
func (a *app) end(w http.ResponseWriter, r *http.Request) {
	var err error
	to, which := "/sessions?done=one", r.PostFormValue("which")
	switch which {
	case "others":
		to, err = "/sessions?done=others", a.web.RevokeOthers(w, r)
	case "all":
		to, err = "/", a.web.RevokeUser(w, r)
	default:
		err = a.web.RevokeID(w, r, which)
	}
	if err != nil && !errors.Is(err, session.ErrNone) {
		a.web.Refuse(w, r, session.Refusal{Err: err})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// transfer is reached with a second factor that was proved in the last five minutes.
func (a *app) transfer(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	p := page{Title: "Transfer", Proved: s.AuthenticatedBy("mfa").In(time.Local).Format("15:04:05")}
	if r.Method == http.MethodPost {
		p.Done = "Sent: " + strings.TrimSpace(r.PostFormValue("amount")) + " euros."
	}
	a.show(w, r, http.StatusOK, "transfer", p)
}
