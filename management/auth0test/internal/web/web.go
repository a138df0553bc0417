package web

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Origin is where a request comes from.
type Origin struct {
	IP, UserAgent, Host string
}

func OriginOf(r *http.Request) Origin {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	return Origin{IP: ip, UserAgent: r.UserAgent(), Host: r.Host}
}

func NoStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// IssuerOf is the issuer under the host of a request.
func IssuerOf(r *http.Request) string {
	if r.TLS == nil && r.URL.Scheme != "https" {
		return "http://" + r.Host + "/"
	}
	return "https://" + r.Host + "/"
}

// MaxBody is the largest JSON body that is read.
const MaxBody = 1 << 20

// APIError is the body of every error of the Management API.
type APIError struct {
	StatusCode int    `json:"statusCode"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	ErrorCode  string `json:"errorCode,omitempty"`
}

// Send writes an answer.
func Send(w http.ResponseWriter, status int, body []byte) {
	if body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write(body)
}

// SendJSON writes a value as an answer.
func SendJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // A handler built something that is not JSON: a bug of this package.
	}
	Send(w, status, b)
}

// SendError writes an error of the Management API; code may be empty.
func SendError(w http.ResponseWriter, status int, message, code string) {
	SendJSON(w, status, APIError{status, http.StatusText(status), message, code})
}

// StatusWriter remembers what was answered, for the log of requests.
type StatusWriter struct {
	http.ResponseWriter
	Status int
	Client string
}

func (w *StatusWriter) WriteHeader(status int) {
	if w.Status == 0 {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *StatusWriter) Write(b []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *StatusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Router finds what serves a request by method and escaped path: ids contain %7C
// and %2F.
type Router[T any] struct {
	byMethod map[string][]routed[T]
}

type routed[T any] struct {
	segments []string
	value    T
}

// Add adds a pattern such as "/users/{id}".
func (r *Router[T]) Add(method, pattern string, value T) {
	if r.byMethod == nil {
		r.byMethod = make(map[string][]routed[T])
	}
	r.byMethod[method] = append(r.byMethod[method], routed[T]{SplitPath(pattern), value})
}

// Find returns what was added for a path and what its wildcards matched,
// unescaped. A literal segment wins over a wildcard.
func (r *Router[T]) Find(method, escaped string) (value T, params map[string]string, found bool) {
	segments := SplitPath(escaped)
	var best []string
	for _, rt := range r.byMethod[method] {
		if Matches(rt.segments, segments) && (best == nil || moreLiteral(rt.segments, best)) {
			value, best = rt.value, rt.segments
		}
	}
	if best == nil {
		return value, nil, false
	}
	return value, wildcards(best, segments), true
}

func SplitPath(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func Matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, p := range pattern {
		if !isWildcard(p) && p != segments[i] {
			return false
		}
		if isWildcard(p) && segments[i] == "" {
			return false
		}
	}
	return true
}

func moreLiteral(a, b []string) bool {
	for i := range a {
		if wa, wb := isWildcard(a[i]), isWildcard(b[i]); wa != wb {
			return wb
		}
	}
	return false
}

func wildcards(pattern, segments []string) map[string]string {
	var m map[string]string
	for i, p := range pattern {
		if !isWildcard(p) {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		v, err := url.PathUnescape(segments[i])
		if err != nil {
			v = segments[i]
		}
		m[p[1:len(p)-1]] = v
	}
	return m
}

func isWildcard(segment string) bool { return strings.HasPrefix(segment, "{") }

// Methods returns what was added for a path, sorted, with what follows from it.
func (r *Router[T]) Methods(escaped string) []string {
	var out []string
	for method := range r.byMethod {
		if _, _, found := r.Find(method, escaped); found {
			out = append(out, method)
		}
	}
	if slices.Contains(out, http.MethodGet) {
		out = append(out, http.MethodHead)
	}
	slices.Sort(out)
	return out
}

// ServeMissing answers an operation that Auth0 has and the tenant does not. The
// status is not 404 by itself: a client would read that as "no such resource".
func ServeMissing(w http.ResponseWriter, r *http.Request, status int) {
	SendError(w, status, "auth0test does not implement "+r.Method+" "+r.URL.Path, "auth0test_not_implemented")
}
