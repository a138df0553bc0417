package auth0test

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const apiPrefix = "/api/v2"

// serve answers one request: the log, the faults, then the tenant.
func (t *Tenant) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := &statusWriter{ResponseWriter: w}
	entry := t.requests.begin(t.now(), r)
	defer func() {
		t.requests.end(entry, rec)
		if t.opts.Logger != nil {
			t.opts.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", r.Method),
				slog.String("path", r.URL.EscapedPath()), slog.Int("status", rec.status), slog.Duration("took", time.Since(start)))
		}
	}()
	if f := t.faults.take(r.Method, r.URL.EscapedPath()); f != nil {
		t.serveFault(f, rec, r)
		return
	}
	t.dispatch(rec, r)
}

// dispatch chooses between the two APIs.
func (t *Tenant) dispatch(w *statusWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if rest, isAPI := strings.CutPrefix(path, apiPrefix); isAPI && (rest == "" || rest[0] == '/') {
		t.serveManagement(w, r, rest)
		return
	}
	if !t.limits.passAuthentication(w, t.now(), path) {
		return
	}
	rt, params := t.auth.find(r.Method, path)
	if rt == nil {
		t.serveUnknown(w, r, t.auth)
		return
	}
	for name, value := range params {
		r.SetPathValue(name, value)
	}
	rt.serve(t, w, r)
}

// serveManagement checks a request in Auth0's order and hands it to its route.
func (t *Tenant) serveManagement(w *statusWriter, r *http.Request, path string) {
	rt, params := t.mgmt.find(r.Method, path)
	if !t.limits.passManagement(w, t.now(), rt) {
		return
	}
	if rt == nil {
		t.serveUnknown(w, r, t.mgmt)
		return
	}
	c := &call{t: t, w: w, r: r, route: rt, op: lookup(rt), params: params, query: r.URL.Query(), now: t.now()}
	a := c.admit()
	if a == nil {
		a = c.answer()
	} else {
		a = &reply{status: a.status, body: a.encode()}
	}
	if c.token != nil {
		w.client = c.token.client
	}
	raw, _ := a.body.([]byte)
	send(w, a.status, raw)
}

// admit authenticates, authorizes and validates.
func (c *call) admit() *reply {
	if !c.route.open {
		if bad := c.authenticate(); bad != nil {
			return bad
		}
		if bad := c.authorize(); bad != nil {
			return bad
		}
	}
	if bad := c.checkParams(); bad != nil {
		return bad
	}
	return c.read()
}

// answer runs the handler and encodes what it says while nothing can change.
func (c *call) answer() *reply {
	if c.route.free {
		a := c.route.handle(c)
		done := &reply{status: a.status, body: a.encode()}
		c.t.lock()
		defer c.t.mu.Unlock()
		c.log(done)
		return done
	}
	c.now = c.t.lock()
	defer c.t.mu.Unlock()
	a := c.route.handle(c)
	done := &reply{status: a.status, body: a.encode()}
	c.log(done)
	return done
}

// serveUnknown answers what the tenant does not have: 501, because a client
// would read 404 as "no such resource".
func (t *Tenant) serveUnknown(w http.ResponseWriter, r *http.Request, in *router) {
	sendJSON(w, http.StatusNotImplemented, map[string]any{
		"statusCode": http.StatusNotImplemented,
		"error":      "Not Implemented",
		"message":    "auth0test does not implement " + r.Method + " " + r.URL.Path,
		"errorCode":  "auth0test_not_implemented",
	})
}

// serveFault answers as a fault says.
func (t *Tenant) serveFault(f *Fault, w *statusWriter, r *http.Request) {
	if f.Latency > 0 {
		select {
		case <-time.After(f.Latency):
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case f.CutBefore:
		panic(http.ErrAbortHandler)
	case f.CutAfter:
		quiet := &statusWriter{ResponseWriter: &memoryWriter{header: make(http.Header)}}
		t.dispatch(quiet, r)
		w.client = quiet.client
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		sendFault(w, f, r)
	case f.SlowBody > 0:
		t.dispatch(&statusWriter{ResponseWriter: &slowWriter{ResponseWriter: w, r: r, pause: f.SlowBody}}, r)
	default:
		t.dispatch(w, r)
	}
}

func sendFault(w http.ResponseWriter, f *Fault, r *http.Request) {
	if f.RetryAfter > 0 {
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	message, code := "Injected by auth0test", ""
	if f.Status == http.StatusTooManyRequests {
		message, code = globalLimit, "too_many_requests"
	}
	if strings.HasPrefix(r.URL.Path, apiPrefix+"/") {
		sendJSON(w, f.Status, fail(f.Status, message, code).body)
		return
	}
	if code == "" {
		code = "server_error"
	}
	sendJSON(w, f.Status, map[string]string{"error": code, "error_description": message})
}

// statusWriter remembers what was answered, for the log of requests.
type statusWriter struct {
	http.ResponseWriter
	status int
	client string
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// slowWriter sends the first half of a body, waits, and sends the rest.
type slowWriter struct {
	http.ResponseWriter
	r     *http.Request
	pause time.Duration
}

func (w *slowWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b[:len(b)/2])
	if err != nil {
		return n, err
	}
	http.NewResponseController(w.ResponseWriter).Flush()
	select {
	case <-time.After(w.pause):
	case <-w.r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	m, err := w.ResponseWriter.Write(b[len(b)/2:])
	return n + m, err
}
