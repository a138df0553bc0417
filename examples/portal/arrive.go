package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
)

// The users of the program that this one replaces, who come one by one.
const legacySchema = `CREATE TABLE IF NOT EXISTS users (
	id INTEGER PRIMARY KEY, login TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, teams TEXT NOT NULL, migrated_at TIMESTAMP
)`

// buildArrivals reads the legacy database of LEGACY_SQLITE, or one of the
// demonstration.
func (p *portal) buildArrivals(ctx context.Context, env func(string) string) error {
	var db *sql.DB
	var err error
	switch path := env("LEGACY_SQLITE"); {
	case path != "":
		db, err = sql.Open("sqlite3", "file:"+path+"?_pragma=busy_timeout(10000)")
		if err == nil {
			p.closers = append(p.closers, func() { _ = db.Close() })
		}
	case p.demo != nil:
		db, err = p.legacy(ctx)
	default:
		return nil // nobody is left to come
	}
	if err != nil {
		return err
	}
	source, err := sqlsource.New(db, sqlsource.SQLite, "users", sqlsource.Columns{
		Key: "id", Username: "login", Email: "email", Name: "name", Password: "hash", Memberships: "teams", MigratedAt: "migrated_at",
	}, sqlsource.Config{EmailVerified: true})
	if err != nil {
		return err
	}
	p.arrivals, err = lazy.New(source, p.client, migration.Run{Source: "old-ledger", Connection: auth0test.DefaultConnection, KeyPrefix: "ledger|"},
		lazy.Config{Members: p.client, Recorder: p.log, Duration: 500 * time.Millisecond})
	return err
}

// arrive takes the password of the old program. Whoever has it is at Auth0 afterwards,
// with the same password, and signs in there.
func (p *portal) arrive(w http.ResponseWriter, r *http.Request) {
	if p.arrivals == nil {
		p.pages.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	page := site.Page{Title: "Bring your account over", Lead: "If you worked with the old Ledger, sign in here once with the password that you had there.", Data: ""}
	if r.Method != http.MethodPost {
		p.pages.Show(w, r, http.StatusOK, "arrive", page)
		return
	}
	email := strings.TrimSpace(r.PostFormValue("email"))
	page.Data = email
	_, err := p.arrivals.Login(r.Context(), migration.Credentials{Identifier: email, Password: r.PostFormValue("password"), IP: p.clientIP(r)})
	throttled, slow := errors.AsType[*lazy.ThrottledError](err)
	status := http.StatusUnauthorized
	switch {
	case err == nil, errors.Is(err, lazy.ErrMigrated): // which proved nothing: Auth0 asks
		http.Redirect(w, r, "/auth/login?"+url.Values{"login_hint": {email}}.Encode(), http.StatusSeeOther)
		return
	case errors.Is(err, lazy.ErrCredentials):
		page.Problem = "That is not an account of the old Ledger, or not its password."
	case slow:
		status, page.Problem = http.StatusTooManyRequests, "There were too many attempts. Try again later."
		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.RetryAfter.Seconds())+1))
	default: // also ErrMemberships: the next attempt goes on
		log.Print("portal: ", err)
		status, page.Problem = http.StatusServiceUnavailable, "Something that we need does not answer. Try again in a moment."
	}
	p.pages.Show(w, r, status, "arrive", page)
}
