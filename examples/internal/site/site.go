// Package site is what the web examples share: the layout of their pages, the pages
// on which users see and end their sessions, and what is said when a request is
// refused.
package site

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io/fs"
	"log"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/internal/pages"
	"github.com/auth0kit/auth0kit/session"
)

//go:embed pages/*.html
var files embed.FS

// Site shows the pages of an application.
type Site struct {
	Name string
	// Frame adds what the application shows around every page.
	Frame func(r *http.Request, p *Page)

	templates *template.Template
}

// Page is what templates see. An application fills the first lines, and Show the rest.
type Page struct {
	Title, Lead string
	Done        string // what was just done, in a quiet line
	Problem     string // what went wrong, and what to do
	Wide        bool   // a page of tables
	Data        any

	Site, Organization string
	Me                 *session.Session
	Nav                []Link
	Foot               template.HTML // below every page
}

// Link is a place in the navigation.
type Link struct {
	Text, Href string
	Here       bool
}

// New returns a site with the templates of an application, pages/*.html. They may
// define again what this package has.
func New(name string, own fs.FS) (*Site, error) {
	t, err := template.New(name).Funcs(template.FuncMap{"word": word}).ParseFS(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	t, err = t.ParseFS(own, "pages/*.html")
	return &Site{Name: name, templates: t}, err
}

// word is a name as people read it: "new_device" as "New device".
func word(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// Show answers with a page.
func (s *Site) Show(w http.ResponseWriter, r *http.Request, status int, name string, p Page) {
	body, err := s.Body(r, name, p)
	if err != nil {
		log.Printf("%s: %v", s.Name, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the visitor has gone
}

// Body returns a page, for what writes status and headers itself.
func (s *Site) Body(r *http.Request, name string, p Page) ([]byte, error) {
	p.Site = s.Name
	p.Me, _ = session.FromContext(r.Context())
	if s.Frame != nil {
		s.Frame(r, &p)
	}
	var b bytes.Buffer
	err := s.templates.ExecuteTemplate(&b, name, p)
	return b.Bytes(), err
}

// Failed answers with a page that says what happened and what to do.
func (s *Site) Failed(w http.ResponseWriter, r *http.Request, status int, title, text, reference string) {
	s.Show(w, r, status, "failed", Page{Title: title, Lead: text, Data: reference})
}

// NotFound says that there is no such page.
func (s *Site) NotFound(w http.ResponseWriter, r *http.Request) {
	s.Failed(w, r, http.StatusNotFound, "There is no such page", "The address may be mistyped, or the page is gone.", "")
}

// Style serves the stylesheet, at /style.css.
func Style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write([]byte(pages.CSS))
}

// Secure says to browsers what these pages need: a stylesheet, and forms that are
// answered here or lead on to Auth0, as the one that signs out does.
func Secure(next http.Handler, auth0 string) http.Handler {
	policy := "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + auth0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// Key reads 32 random bytes in base64 from the variable of that name; without it
// it makes new ones, so that what is sealed under them ends with this process.
func Key(name, text string) ([]byte, error) {
	if text == "" {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		return fresh, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 32 {
		return nil, errors.New(name + " must be 32 random bytes in base64, as of: openssl rand -base64 32")
	}
	return b, nil
}
