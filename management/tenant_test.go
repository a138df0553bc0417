package management

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testDomain = "tenant.eu.auth0.com"

// roundTripper is an in-process transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// serve answers by a handler, without a socket.
func serve(h http.Handler) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		resp := w.Result()
		resp.Request = req
		return resp, nil
	}
}

// script is a tenant whose answers a test writes. It issues tokens itself and
// keeps what was asked of it.
type script struct {
	t       *testing.T
	mux     *http.ServeMux
	mu      sync.Mutex
	calls   []string
	tokens  int
	expires time.Duration // Of tokens. Defaults to a day.
}

func newScript(t *testing.T) *script {
	s := &script{t: t, mux: http.NewServeMux(), expires: 24 * time.Hour}
	s.mux.HandleFunc("POST /oauth/token", s.token)
	return s
}

func (s *script) handle(pattern string, h http.HandlerFunc) {
	method, path, _ := strings.Cut(pattern, " ")
	s.mux.HandleFunc(method+" /api/v2/"+path, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/api/v2/"))
		s.mu.Unlock()
		h(w, r)
	})
}

func (s *script) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.tokens++
	n := s.tokens
	s.mu.Unlock()
	if r.FormValue("client_secret") != "secret" {
		reply(w, 401, map[string]string{"error": "access_denied", "error_description": "Unauthorized for client@example.com"})
		return
	}
	reply(w, 200, map[string]any{
		"access_token": "token-" + string(rune('0'+n)), "token_type": "Bearer",
		"expires_in": s.expires.Seconds(), "scope": "read:users create:users",
	})
}

// asked returns the API calls so far, in order.
func (s *script) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

func (s *script) client(change ...func(*Config)) *Client {
	s.t.Helper()
	cfg := Config{
		Domain: testDomain, ClientID: "client", ClientSecret: "secret",
		HTTPClient: &http.Client{Transport: serve(s.mux)},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		json.NewEncoder(w).Encode(body)
	}
}

// fail is an error answer of the Management API.
func fail(w http.ResponseWriter, status int, message, code string) {
	body := map[string]any{"statusCode": status, "error": http.StatusText(status), "message": message}
	if code != "" {
		body["errorCode"] = code
	}
	reply(w, status, body)
}
