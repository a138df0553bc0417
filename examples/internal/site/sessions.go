package site

import (
	"errors"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

// row is one session of the list.
type row struct {
	ID, Device, Detail string
	Own                bool
}

// sessions are the pages on which users see where they are signed in, and end it.
type sessions struct {
	*Site
	web *session.HTTP
}

// Sessions adds these pages to mux, at /sessions.
func (s *Site) Sessions(mux *http.ServeMux, web *session.HTTP) {
	p := &sessions{s, web}
	mux.Handle("GET /sessions", web.Require(http.HandlerFunc(p.list)))
	mux.Handle("GET /sessions/end", web.Require(http.HandlerFunc(p.confirm)))
	mux.Handle("POST /sessions/end", web.Require(http.HandlerFunc(p.end)))
}

// list shows where the user is signed in, this session first.
func (p *sessions) list(w http.ResponseWriter, r *http.Request) {
	rows, err := p.rows(r)
	if err != nil {
		p.web.Refuse(w, r, session.Refusal{Err: err})
		return
	}
	done := map[string]string{"one": "That session has ended.", "others": "You are signed out everywhere else."}[r.URL.Query().Get("done")]
	p.Show(w, r, http.StatusOK, "sessions", Page{Title: "Your sessions", Lead: "Every browser in which you are signed in. End what you do not know.", Data: rows, Done: done})
}

func (p *sessions) rows(r *http.Request) ([]row, error) {
	all, err := p.web.Sessions(r)
	if err != nil {
		return nil, err
	}
	me, _ := session.FromContext(r.Context())
	rows := []row{}
	for _, s := range all {
		is := row{ID: s.ID, Device: device(s.Device.UserAgent), Own: s.ID == me.ID}
		is.Detail = "Signed in " + When(s.CreatedAt) + ", last used " + When(s.LastSeen)
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

// When says a time as people do, in the time zone of this machine.
func When(at time.Time) string {
	now := time.Now()
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return "today at " + at.Format("15:04")
	}
	return at.Format("2 January")
}

// confirm asks once more, by name.
func (p *sessions) confirm(w http.ResponseWriter, r *http.Request) {
	which := r.URL.Query().Get("which")
	ask := map[string]string{"others": "all your other sessions", "all": "all your sessions, this one too"}[which]
	rows, err := p.rows(r)
	if err != nil {
		p.web.Refuse(w, r, session.Refusal{Err: err})
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
	p.Show(w, r, http.StatusOK, "confirm", Page{Title: "End " + ask + "?", Lead: "Whoever uses it is asked to sign in again.", Data: map[string]string{"Ask": ask, "Which": which}})
}

// end ends one session of the user, all others, or all.
func (p *sessions) end(w http.ResponseWriter, r *http.Request) {
	var err error
	to, which := "/sessions?done=one", r.PostFormValue("which")
	switch which {
	case "others":
		to, err = "/sessions?done=others", p.web.RevokeOthers(w, r)
	case "all":
		to, err = "/", p.web.RevokeUser(w, r)
	default:
		err = p.web.RevokeID(w, r, which)
	}
	if err != nil && !errors.Is(err, session.ErrNone) {
		p.web.Refuse(w, r, session.Refusal{Err: err})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
