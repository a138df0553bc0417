package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
)

// app is a candidate behind the handlers that all have in common. All requests
// are GETs, so that protection against forged requests is not measured.
type app struct {
	c       *candidate
	handler http.Handler
	held    chan struct{} // a request of /hold has loaded its session
	release chan struct{}
}

func newApp(c *candidate) *app {
	a := &app{c: c, held: make(chan struct{}), release: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		if c.user(r) == "" {
			http.Error(w, "nobody", http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("/hold", a.hold)
	mux.HandleFunc("/has", func(w http.ResponseWriter, r *http.Request) {
		if !c.has(r, r.URL.Query().Get("key")) {
			http.Error(w, "lost", http.StatusNotFound)
		}
	})
	for path, do := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/login": c.login, "/logout": c.logout, "/rotate": c.rotate,
		"/put": func(_ http.ResponseWriter, r *http.Request) error { return c.put(r, r.URL.Query().Get("key")) },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := do(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	a.handler = c.load(mux)
	return a
}

// hold is a request that takes its time, and then perhaps changes something.
func (a *app) hold(w http.ResponseWriter, r *http.Request) {
	a.held <- struct{}{}
	<-a.release
	if key := r.URL.Query().Get("key"); key != "" {
		if err := a.c.put(r, key); err != nil {
			http.Error(w, err.Error(), http.StatusGone)
		}
	}
}

// get sends a request and returns the cookie that it sets, or the one it had.
func (a *app) get(path string, cookie *http.Cookie) (status int, _ *http.Cookie) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if cookie != nil {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if set := w.Result().Cookies(); len(set) > 0 {
		cookie = set[0]
	}
	return w.Code, cookie
}

func (a *app) login() (*http.Cookie, error) {
	status, cookie := a.get("/login", nil)
	if status != http.StatusOK || cookie == nil {
		return nil, fmt.Errorf("login of %s: %d", a.c.name, status)
	}
	return cookie, nil
}

// during sends a request, and another one while the first is under way.
func (a *app) during(slow, meanwhile string, cookie *http.Cookie) error {
	done := make(chan struct{})
	go func() { defer close(done); a.get(slow, cookie) }()
	<-a.held
	status, _ := a.get(meanwhile, cookie)
	a.release <- struct{}{}
	<-done
	if status != http.StatusOK {
		return errors.New(meanwhile + " failed")
	}
	return nil
}

// stays reports whether that is the answer, also when the candidate's lag is over.
func (a *app) stays(path string, cookie *http.Cookie, answer int) bool {
	for end := time.Now().Add(a.c.lag); ; time.Sleep(time.Millisecond) {
		if status, _ := a.get(path, cookie); status != answer {
			return false
		} else if !time.Now().Before(end) {
			return true
		}
	}
}

// resurrects reports whether a session lives after logout because a request was
// under way, one that reads or one that writes.
func resurrects(c *candidate) (bool, error) { return livesAfter(c, "/logout") }

// revivesFixated reports the same of the old token after the token has changed.
func revivesFixated(c *candidate) (bool, error) { return livesAfter(c, "/rotate") }

func livesAfter(c *candidate, path string) (bool, error) {
	a := newApp(c)
	for _, slow := range []string{"/hold", "/hold?key=x"} {
		cookie, err := a.login()
		if err != nil {
			return false, err
		}
		if err := a.during(slow, path, cookie); err != nil {
			return false, err
		}
		if a.stays("/user", cookie, http.StatusOK) {
			return true, nil
		}
	}
	return false, nil
}

// losesUpdates reports whether a change is gone after a request that was under
// way meanwhile has changed something else, or nothing.
func losesUpdates(c *candidate) (bool, error) {
	a := newApp(c)
	for _, slow := range []string{"/hold", "/hold?key=a"} {
		cookie, err := a.login()
		if err != nil {
			return false, err
		}
		if err := a.during(slow, "/put?key=b", cookie); err != nil {
			return false, err
		}
		if a.stays("/has?key=b", cookie, http.StatusNotFound) {
			return true, nil
		}
	}
	return false, nil
}
