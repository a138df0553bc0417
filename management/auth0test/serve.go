package auth0test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/cors"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/apps"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/orgs"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/platform"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/security"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/users"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/overview"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

const apiPrefix = "/api/v2"

// serve answers one request: the log, who may read the answer, the faults, then
// the tenant.
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
	cors.Allow(t.s, rec, r)
	if f := t.faults.take(r.Method, r.URL.EscapedPath()); f != nil {
		t.serveFault(f, rec, r)
		return
	}
	t.dispatch(rec, r)
}

// dispatch serves HEAD and OPTIONS by the routes that there are, and chooses
// between the two APIs.
func (t *Tenant) dispatch(w *web.StatusWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	rest, isAPI := strings.CutPrefix(path, apiPrefix)
	isAPI = isAPI && (rest == "" || rest[0] == '/')
	switch {
	case r.Method == http.MethodHead:
		t.serveHead(w, r)
	case r.Method == http.MethodGet && path == "/" && t.overview:
		overview.Serve(t.s, t.requests.answered(), w, r)
	case isAPI && serveOptions(w, r, t.mgmt.Methods, rest), !isAPI && serveOptions(w, r, t.auth.Methods, path):
	case isAPI:
		t.mgmt.Serve(w, r, rest)
	default:
		t.auth.Serve(w, r, path)
	}
}

// serveHead does what GET does, and sends no body (RFC 9110, section 9.3.2).
func (t *Tenant) serveHead(w *web.StatusWriter, r *http.Request) {
	get := r.WithContext(r.Context())
	get.Method = http.MethodGet
	quiet := &web.StatusWriter{ResponseWriter: headWriter{w}}
	t.dispatch(quiet, get)
	w.Client = quiet.Client
}

type headWriter struct{ http.ResponseWriter }

func (headWriter) Write(b []byte) (int, error) { return len(b), nil }

// serveOptions says which methods a path has (RFC 9110, section 9.3.7), and
// reports whether it answered. What a preflight gets stands in the headers
// already.
func serveOptions(w http.ResponseWriter, r *http.Request, methodsOf func(string) []string, path string) bool {
	if r.Method != http.MethodOptions {
		return false
	}
	methods := methodsOf(path)
	if len(methods) == 0 && !cors.IsPreflight(r) {
		return false
	}
	w.Header().Set("Allow", strings.Join(append(methods, http.MethodOptions), ", "))
	w.WriteHeader(http.StatusNoContent)
	return true
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
		quiet := &web.StatusWriter{ResponseWriter: httptest.NewRecorder()}
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

// Fault says what goes wrong with a request. Without a Status and a cut the
// request is answered as usual, after Latency.
type Fault struct {
	Status     int           // Answered instead; nothing is done.
	Latency    time.Duration // Waited first; the caller's context ends it.
	RetryAfter time.Duration // A Retry-After header, in whole seconds. Status defaults to 429 then.
	SlowBody   time.Duration // A pause in the middle of the answer's body.
	CutBefore  bool          // The connection is cut; nothing was done.
	CutAfter   bool          // The request is carried out, then the connection is cut without an answer.
	Times      int           // How many requests it meets. Zero meets all until it is removed.
}

type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

type activeFault struct {
	Fault
	method   string
	segments []string
	left     int
}

// Fault makes requests of a route fail: "POST /api/v2/users", or with wildcards
// as in Auth0's reference, "PATCH /api/v2/users/{id}". The path is compared as
// it stands in the request, escaped. Of several faults for a request the oldest
// that is not used up takes it. Remove ends the fault early.
//
// It panics for a route without a method and a path: that is a mistake in a test.
func (t *Tenant) Fault(route string, f Fault) (remove func()) {
	method, path, found := strings.Cut(route, " ")
	if !found || !strings.HasPrefix(path, "/") {
		panic("auth0test: Fault: the route " + route + ` is not of the form "POST /api/v2/users"`)
	}
	if f.RetryAfter > 0 && f.Status == 0 {
		f.Status = http.StatusTooManyRequests
	}
	a := &activeFault{Fault: f, method: method, segments: web.SplitPath(path), left: f.Times}
	t.faults.mu.Lock()
	t.faults.active = append(t.faults.active, a)
	t.faults.mu.Unlock()
	return func() { t.faults.remove(a) }
}

func (f *faults) remove(a *activeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(x *activeFault) bool { return x == a })
}

func (f *faults) reset() { f.mu.Lock(); f.active = nil; f.mu.Unlock() }

// take returns the fault that a request meets, and counts it.
func (f *faults) take(method, escaped string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.active) == 0 {
		return nil
	}
	segments := web.SplitPath(escaped)
	for _, a := range f.active {
		if a.method != method || !web.Matches(a.segments, segments) || a.Times > 0 && a.left == 0 {
			continue
		}
		a.left--
		return &a.Fault
	}
	return nil
}

// managementRoutes are the operations of the Management API: a line for each
// file that has some.
func managementRoutes() []mgmtapi.Route {
	return slices.Concat(
		users.UserRoutes(),
		apps.ConnectionRoutes(),
		platform.CustomDomainRoutes(),
		security.EncryptionKeyRoutes(),
		users.JobRoutes(),
		apps.ClientRoutes(),
		apps.ClientGrantRoutes(),
		orgs.RoleRoutes(),
		users.UserRoleRoutes(),
		orgs.GroupRoutes(),
		orgs.OrganizationRoutes(),
		apps.ResourceServerRoutes(),
		users.TicketRoutes(),
		security.GuardianRoutes(),
		security.FactorSettingsRoutes(),
		platform.ActionRoutes(),
		platform.ModuleRoutes(),
		security.AttackProtectionRoutes(),
		mgmtapi.BlacklistRoutes(),
		platform.BrandingRoutes(),
		platform.PhoneRoutes(),
		platform.PromptRoutes(),
		platform.EmailRoutes(),
		platform.FamilyRoutes(),
		platform.LegacyRoutes(),
		platform.LogRoutes(),
		platform.LogStreamRoutes(),
		security.SessionRoutes(),
		security.RefreshTokenRoutes(),
		platform.SettingsRoutes(),
		security.SigningKeyRoutes(),
		users.StatRoutes(),
		users.UserGrantRoutes(),
	)
}

// publicRoutes are those outside of /api/v2 that belong to no area.
func publicRoutes() []authapi.Route {
	return []authapi.Route{
		{Method: "GET", Pattern: "/auth0test/exports/{key}/{file}", Serve: users.ServeExport},
	}
}
