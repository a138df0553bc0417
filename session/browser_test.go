package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

// world is one site and one browser, whose requests are served, and whose answers
// arrive, in any order. A handler stands still between Load and its verb, so that
// others overtake it there too.
type world struct {
	t    *rapid.T
	site *setup
	http *session.HTTP
	jar  string // the cookie's value
	next int
	all  map[int]*flight
	// What was proved, by id of the session: of logins without a cookie, which are
	// under way at one time, any may win.
	proofs map[string]proof
	// What was signed out, by id of the session.
	out map[string]bool
	// loggedOut says that the last thing the server did for the user, or the browser
	// was told, is a logout.
	loggedOut bool
	planted   session.Token
	logAway   bool // no event can be recorded
}

// Record implements audit.Recorder.
func (w *world) Record(context.Context, audit.Event) error {
	if w.logAway {
		return errors.New("away")
	}
	return nil
}

type proof struct{ user, method string }

// flight is a request on its way, in its handler, or its answer on its way back.
type flight struct {
	verb    string
	user    string
	request *http.Request
	answer  *httptest.ResponseRecorder
	entered chan bool
	goOn    chan struct{}
	done    chan struct{}
	failed  bool   // because the log was away
	state   int    // 0 leaves, 1 in the handler, 2 answered
	session string // with which it has reached its handler
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, all: map[int]*flight{}, proofs: map[string]proof{}, out: map[string]bool{}}
	w.site = &setup{store: session.NewMemory(), clock: sessiontest.NewClock(start)}
	m, err := session.New(w.site.store, session.Config{Now: w.site.clock.Now, Recorder: w})
	if err != nil {
		t.Fatal(err)
	}
	w.site.Manager = m
	if w.http, err = session.NewHTTP(m, session.HTTPConfig{RenewEvery: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	return w
}

// leave sends a request with the cookie that the browser has now. Pages are
// reloaded, so it has the CSRF token of that session.
func (w *world) leave(verb, user string) {
	method := http.MethodPost
	if verb == "load" {
		method = http.MethodGet
	}
	f := &flight{
		verb: verb, user: user, request: httptest.NewRequestWithContext(context.Background(), method, "https://app.example/"+verb, nil),
		answer: httptest.NewRecorder(), entered: make(chan bool), goOn: make(chan struct{}), done: make(chan struct{}),
	}
	if w.jar != "" {
		f.request.AddCookie(&http.Cookie{Name: "__Host-session", Value: w.jar})
		if s, err := w.site.Validate(context.Background(), session.Token(w.jar)); err == nil {
			f.request.Header.Set(session.CSRFHeader, s.CSRFToken())
		}
	}
	w.all[w.next] = f
	w.next++
}

// step moves a flight on by one.
func (w *world) step(id int) {
	f := w.all[id]
	switch f.state {
	case 0:
		go func() {
			defer close(f.done)
			w.http.Load(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				f.entered <- true
				<-f.goOn
				w.handle(f, rw, r)
			})).ServeHTTP(f.answer, f.request)
		}()
		select {
		case <-f.entered:
			f.state = 1
		case <-f.done:
			f.state = 2
		}
	case 1:
		w.logAway = rapid.IntRange(0, 7).Draw(w.t, "log") == 0
		close(f.goOn)
		<-f.done
		f.state, w.logAway = 2, false
	default:
		w.deliver(f)
		delete(w.all, id)
	}
}

func (w *world) handle(f *flight, rw http.ResponseWriter, r *http.Request) {
	var err error
	before, ok := session.FromContext(r.Context())
	if ok {
		f.session = before.ID
	}
	switch f.verb {
	case "login":
		var s *session.Session
		s, err = w.http.Login(rw, r, session.Login{UserID: f.user, AuthTime: w.site.clock.Now(), AMR: []string{"pwd"}})
		if err == nil {
			w.proofs[s.ID], w.loggedOut = proof{f.user, "pwd"}, false
		}
	case "step-up":
		err = w.http.StepUp(rw, r, w.site.clock.Now(), "otp")
		if err == nil {
			w.proofs[before.ID], w.loggedOut = proof{before.UserID, "otp"}, false
		}
	case "logout":
		err = w.http.Logout(rw, r)
		if err == nil {
			w.loggedOut = true
			if before != nil {
				w.out[before.ID] = true
			}
		}
	}
	if errors.Is(err, audit.ErrNotRecorded) { // it has ended what the browser had
		w.loggedOut, f.failed = true, true
		if before != nil {
			w.out[before.ID] = true
		}
	}
	if err != nil {
		w.http.Refuse(rw, r, session.Refusal{Err: err})
	}
}

// deliver does what a browser does with an answer.
func (w *world) deliver(f *flight) {
	for _, c := range f.answer.Result().Cookies() {
		switch {
		case c.MaxAge >= 0:
			w.jar = c.Value
			// Load has renewed a session that was signed out before its answer came. If
			// the user has signed in again meanwhile, they do so once more: the login
			// had no cookie that could have told.
			if (f.verb != "login" || f.failed) && w.out[f.session] {
				w.loggedOut = true
			}
		case f.verb == "login" && f.failed:
			// Another login may have given it meanwhile, whose cookie was of a session that
			// had ended before, or none. Its user signs in once more.
			w.jar, w.loggedOut = "", true
		case f.verb != "logout":
			w.t.Fatalf("the answer to %s takes the cookie away", f.verb)
		default:
			w.jar, w.loggedOut = "", true
		}
	}
	if f.answer.Code == http.StatusConflict || f.answer.Code == http.StatusSeeOther {
		if len(f.answer.Result().Cookies()) > 0 {
			w.t.Fatalf("a superseded %s sets a cookie", f.verb)
		}
	}
}

// check is what holds when everything has arrived.
func (w *world) check() {
	s, err := w.site.Validate(context.Background(), session.Token(w.jar))
	if len(w.proofs) > 0 && !w.loggedOut {
		if err != nil {
			w.t.Fatalf("%v was proved, and the browser has nothing: %v", w.proofs, err)
		}
		if p := w.proofs[s.ID]; s.UserID != p.user || s.AuthenticatedBy(p.method).IsZero() {
			w.t.Fatalf("%v was proved, and the browser has %+v", w.proofs, s)
		}
	}
	if err == nil && w.out[s.ID] {
		w.t.Fatal("a session that was signed out is there")
	}
	if errors.Is(err, session.ErrSuperseded) {
		w.t.Fatal("the browser is told that it is late, and nothing is under way")
	}
	if w.planted == "" {
		return
	}
	if s, err := w.site.Validate(context.Background(), w.planted); err == nil && (s.UserID != "attacker" || !s.AuthenticatedBy("otp").IsZero()) {
		w.t.Fatalf("the attacker's token opens %+v", s)
	}
}

// TestBrowserModel: answers arrive in any order, double clicks and all. Who has just
// proved something is signed in with it; who has signed out is not; an answer takes
// no newer cookie away; and a token that an attacker has planted gains nothing.
func TestBrowserModel(t *testing.T) {
	t.Parallel()
	for range 100 { // of a hundred schedules each
		rapid.Check(t, schedule)
	}
}

func schedule(rt *rapid.T) {
	w := newWorld(rt)
	pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
	if pick("planted", 3) == 0 {
		token, _, err := w.site.Create(context.Background(), session.Login{UserID: "attacker", AuthTime: w.site.clock.Now(), AMR: []string{"pwd"}})
		if err != nil {
			rt.Fatal(err)
		}
		w.planted, w.jar = token, string(token)
		w.leave("login", "victim") // what a victim does first
		for range 3 {
			w.step(0)
		}
	}
	verbs := []string{"load", "load", "login", "step-up", "step-up", "logout"}
	for range 4 + pick("steps", 12) {
		switch {
		case len(w.all) == 0 || len(w.all) < 4 && pick("new", 2) == 0:
			w.leave(verbs[pick("verb", len(verbs))], fmt.Sprint("user", pick("user", 2)))
		case w.site.clock.Now().Before(start.Add(5*time.Second)) && pick("wait", 6) == 0: // no answer takes 10 s
			w.site.clock.Advance(time.Duration(pick("ms", 5000)) * time.Millisecond)
		default:
			ids := slices.Sorted(maps.Keys(w.all))
			w.step(ids[pick("which", len(ids))])
		}
	}
	for len(w.all) > 0 {
		ids := slices.Sorted(maps.Keys(w.all))
		w.step(ids[pick("which", len(ids))])
	}
	w.check()
}

// TestSuperseded: a page goes back to its own address once, everything else gets
// 409, and no answer has a cookie.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	token := s.login(t, session.Login{UserID: "ada"})
	stepped, err := s.StepUp(t.Context(), token, s.clock.Now(), "otp")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ method, target, mode, location string }{
		"a page":       {"GET", "/a?b=1", "navigate", "/a?b=1&superseded=1"},
		"a form":       {"POST", "/a", "navigate", "/a?superseded=1"},
		"again":        {"GET", "/a?superseded=1", "navigate", ""},
		"a script":     {"GET", "/a", "cors", ""},
		"another site": {"GET", "//evil.example/", "navigate", "/evil.example/?superseded=1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "https://app.example"+c.target, nil)
		r.Header.Set("Sec-Fetch-Mode", c.mode)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		w := httptest.NewRecorder()
		s.http.Load(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error(name, "reaches the handler") })).ServeHTTP(w, r)
		want := http.StatusConflict
		if c.location != "" {
			want = http.StatusSeeOther
		}
		if w.Code != want || w.Header().Get("Location") != c.location || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %q %v", name, w.Code, w.Header().Get("Location"), w.Result().Cookies())
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "https://app.example/a?b=1&superseded=1", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(stepped)})
	s.http.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.String(), "superseded") || r.URL.RawQuery != "b=1" {
			t.Errorf("the handler sees %s", r.URL)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}

// TestSupersededBelowAPrefix: the address is the client's, not what is left of it.
func TestSupersededBelowAPrefix(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{LoginPath: "/login"})
	token := s.login(t, session.Login{UserID: "ada"})
	if _, err := s.StepUp(t.Context(), token, s.clock.Now(), "otp"); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{string(token): "/app/a?b=1&superseded=1", "": "/login?to=%2Fapp%2Fa%3Fb%3D1"} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/app/a?b=1", nil)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: value})
		w := httptest.NewRecorder()
		http.StripPrefix("/app", s.http.Require(http.NotFoundHandler())).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%d %q, want %q", w.Code, got, want)
		}
	}
}

// TestFormOfBeforeAStepUp: a form that is sent twice may leave with the cookie of the
// step-up that its first sending was. For 10 s it is a late one, and changes nothing;
// one of another site stays forged.
func TestFormOfBeforeAStepUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	token := s.login(t, session.Login{UserID: "ada"})
	before, err := s.Validate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	send := func(token session.Token, csrf, site, mode string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/pay", nil)
		r.Header.Set("Sec-Fetch-Mode", mode)
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set(session.CSRFHeader, csrf)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		w := httptest.NewRecorder()
		s.http.Load(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it reaches the handler") })).ServeHTTP(w, r)
		return w
	}
	if w := send(token, "wrong", "same-origin", "navigate"); w.Code != http.StatusForbidden {
		t.Errorf("without a step-up: %d", w.Code)
	}
	s.clock.Advance(time.Minute)
	stepped, err := s.StepUp(t.Context(), token, s.clock.Now(), "otp")
	if err != nil {
		t.Fatal(err)
	}
	if w := send(stepped, before.CSRFToken(), "same-origin", "navigate"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/pay?superseded=1" {
		t.Errorf("a page: %d %q", w.Code, w.Header().Get("Location"))
	}
	if w := send(stepped, before.CSRFToken(), "same-origin", "cors"); w.Code != http.StatusConflict {
		t.Errorf("a script: %d", w.Code)
	}
	if w := send(stepped, before.CSRFToken(), "cross-site", "navigate"); w.Code != http.StatusForbidden {
		t.Errorf("another site: %d", w.Code)
	}
	s.clock.Advance(10 * time.Second)
	if w := send(stepped, before.CSRFToken(), "same-origin", "navigate"); w.Code != http.StatusForbidden {
		t.Errorf("after 10 s: %d", w.Code)
	}
}
