package auth0test

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

const apiPrefix = "/api/v2"

// serve answers one request: the log, the faults, then the tenant.
func (t *Tenant) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := &web.StatusWriter{ResponseWriter: w}
	entry := t.requests.begin(t.s.Now(), r)
	defer func() {
		t.requests.end(entry, rec.Status, rec.Client)
		if t.logger != nil {
			t.logger.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", r.Method),
				slog.String("path", r.URL.EscapedPath()), slog.Int("status", rec.Status), slog.Duration("took", time.Since(start)))
		}
	}()
	if f := t.faults.take(r.Method, r.URL.EscapedPath()); f != nil {
		t.serveFault(f, rec, r)
		return
	}
	t.dispatch(rec, r)
}

// dispatch chooses between the two APIs.
func (t *Tenant) dispatch(w *web.StatusWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if rest, isAPI := strings.CutPrefix(path, apiPrefix); isAPI && (rest == "" || rest[0] == '/') {
		t.mgmt.Serve(w, r, rest)
		return
	}
	t.auth.Serve(w, r, path)
}

// serveFault answers as a fault says.
func (t *Tenant) serveFault(f *Fault, w *web.StatusWriter, r *http.Request) {
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
		quiet := &web.StatusWriter{ResponseWriter: &memoryWriter{header: make(http.Header)}}
		t.dispatch(quiet, r)
		w.Client = quiet.Client
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		sendFault(w, f, r)
	case f.SlowBody > 0:
		t.dispatch(&web.StatusWriter{ResponseWriter: &slowWriter{ResponseWriter: w, r: r, pause: f.SlowBody}}, r)
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
		message, code = limit.GlobalLimit, "too_many_requests"
	}
	if strings.HasPrefix(r.URL.Path, apiPrefix+"/") {
		web.SendError(w, f.Status, message, code)
		return
	}
	if code == "" {
		code = "server_error"
	}
	web.SendJSON(w, f.Status, map[string]string{"error": code, "error_description": message})
}

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
