package riskhttp_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
)

const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"

const supportPath = "/support/logins"

// desk is a support page over an engine that has denied a login of Ada.
type desk struct {
	http.Handler
	engine *risk.Engine
	log    *audit.Memory
	theft  risk.Login
	staff  string
}

func newDesk(t *testing.T, cfg riskhttp.SupportConfig, decisions risk.Decisions) *desk {
	t.Helper()
	s := &desk{log: audit.NewMemory(), staff: "auth0|staff"}
	now := time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{Now: clock})
	require.NoError(t, err)
	s.engine, err = risk.New(d, risk.Config{Recorder: s.log, Decisions: decisions, Keys: keys, Now: clock})
	require.NoError(t, err)
	home := anomaly.Attempt{
		UserID: "auth0|ada", IP: netip.MustParseAddr("81.2.69.10"), DeviceID: "the cookie of Ada's laptop", UserAgent: agent,
		Place: &anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"},
	}
	for day := 30; day > 0; day-- {
		home.Time = now.AddDate(0, 0, -day)
		require.NoError(t, d.Learn(t.Context(), home, anomaly.Proved))
	}
	s.theft = risk.Login{Email: "ada@example.com", SessionID: "the session", Attempt: anomaly.Attempt{
		UserID: "auth0|ada", Time: now.Add(-14 * time.Hour), IP: netip.MustParseAddr("177.1.1.123"), DeviceID: "the cookie of a thief", UserAgent: iPhone,
		Place: &anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573, Zone: "America/Sao_Paulo"},
	}}
	require.ErrorIs(t, s.try(t), risk.ErrDenied)
	s.Handler, err = riskhttp.NewSupport(s.engine, func(*http.Request) (string, error) {
		if s.staff == "refused" {
			return "auth0|customer", errors.New("a secret reason")
		}
		return s.staff, nil
	}, cfg)
	require.NoError(t, err)
	return s
}

func (s *desk) try(t *testing.T) error {
	t.Helper()
	d, err := s.engine.Evaluate(t.Context(), s.theft)
	require.NoError(t, err)
	return s.engine.Apply(t.Context(), d)
}

func (s *desk) get(user string) (int, string) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", supportPath+"?"+url.Values{"user": {user}}.Encode(), nil))
	return w.Code, html.UnescapeString(w.Body.String())
}

func (s *desk) post(form url.Values, header ...string) (int, string) {
	r := httptest.NewRequest("POST", supportPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, html.UnescapeString(w.Body.String())
}

var passport = riskhttp.SupportConfig{Proofs: []string{"passport seen on video", "known by voice"}}

// The page says what was seen, what is usual and why, and nothing that staff do not
// need.
func TestSupportShows(t *testing.T) {
	t.Parallel()
	s := newDesk(t, passport, nil)
	status, page := s.get("auth0|ada")
	require.Equal(t, http.StatusOK, status)
	for _, want := range []string{
		">Denied<", "177.1.1.0/24", `data-label="Seen:">BR<`, `data-label="Usual:">NO<`, `>Safari/iOS, not seen before<`, `data-label="Usual:">Firefox/Linux<`, "strongly against the login",
	} {
		assert.Contains(t, page, want)
	}
	for _, secret := range []string{"177.1.1.123", "cookie", "ada@example.com", "the session", iPhone} {
		assert.NotContains(t, page, secret)
	}
	_, page = s.get("auth0|nobody")
	assert.Contains(t, page, "None that is kept")
	status, _ = s.get(strings.Repeat("x", 256))
	assert.Equal(t, http.StatusUnprocessableEntity, status)
}

// markup is a factor whose texts are markup.
type markup struct{}

func (markup) Name() string { return `"><img src=x onerror=alert(1)>` }

func (markup) Assess(context.Context, risk.Login) (float64, string, error) {
	return 3, `</td><script>alert(2)</script>`, nil
}

// Whatever a client, a factor or staff have written is text on the page.
func TestSupportEscapes(t *testing.T) {
	t.Parallel()
	const user = `"><script>alert(3)</script>`
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	require.NoError(t, err)
	e, err := risk.New(d, risk.Config{Factors: []risk.Factor{markup{}}, OnFirst: risk.MFARequired})
	require.NoError(t, err)
	l := risk.Login{Email: user, SessionID: user, Attempt: anomaly.Attempt{UserID: user, Time: time.Now(), UserAgent: "<b>" + user, DeviceID: user}}
	decision, err := e.Evaluate(t.Context(), l)
	require.NoError(t, err)
	require.ErrorIs(t, e.Apply(t.Context(), decision), risk.ErrChallenged)
	page, err := riskhttp.NewSupport(e, func(*http.Request) (string, error) { return "auth0|staff", nil }, riskhttp.SupportConfig{
		Proofs: []string{user}, CSRF: func(*http.Request) (string, string) { return user, user },
	})
	require.NoError(t, err)
	form := url.Values{"user": {user}, "proof": {user}, "ticket": {user}}
	post := httptest.NewRequest("POST", supportPath, strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, r := range []*http.Request{httptest.NewRequest("GET", supportPath+"?"+form.Encode(), nil), post} {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		raw := w.Body.String()
		for _, tag := range []string{"<script", "<img", "<b>"} {
			assert.NotContains(t, raw, tag, r.Method)
		}
		assert.Contains(t, raw, "alert(2)")
		assert.Contains(t, raw, "alert(3)")
	}
}

func TestSupportIsForStaff(t *testing.T) {
	t.Parallel()
	s := newDesk(t, passport, nil)
	form := url.Values{"user": {"auth0|ada"}, "proof": {passport.Proofs[0]}, "ticket": {"SUP-4711"}}
	for _, staff := range []string{"refused", ""} {
		s.staff = staff
		status, page := s.get("auth0|ada")
		assert.Equal(t, http.StatusForbidden, status)
		assert.NotContains(t, page, "auth0|ada")
		assert.NotContains(t, page, "secret")
		status, _ = s.post(form)
		assert.Equal(t, http.StatusForbidden, status)
	}
	s.staff = "auth0|ada"
	status, _ := s.post(form)
	assert.Equal(t, http.StatusForbidden, status, "their own account")
	s.staff = "auth0|staff"
	status, _ = s.post(form, "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, status, "a form of another site")
	require.ErrorIs(t, s.try(t), risk.ErrDenied)
	assert.NotContains(t, s.log.Actions(), "risk.unlock")
}

// Unlock takes a proof that the service has named, and gives a second factor.
func TestSupportUnlocks(t *testing.T) {
	t.Parallel()
	s := newDesk(t, passport, nil)
	good := url.Values{"user": {"auth0|ada"}, "proof": {passport.Proofs[0]}, "ticket": {"SUP-4711"}}
	for field, bad := range map[string]string{"proof": "she said so", "ticket": "ada@example.com lives in Oslo", "user": "auth0|a\x00da"} {
		form := url.Values{"user": good["user"], "proof": good["proof"], "ticket": good["ticket"]}
		form.Set(field, bad)
		status, page := s.post(form)
		assert.Equal(t, http.StatusUnprocessableEntity, status, field)
		assert.True(t, strings.Contains(page, `id="`+field+`-error"`), field)
	}
	require.ErrorIs(t, s.try(t), risk.ErrDenied)
	status, page := s.post(good)
	require.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, `role="status"`)
	require.ErrorIs(t, s.try(t), risk.ErrChallenged)
	for _, e := range s.log.Events() {
		if e.Action == "risk.unlock" {
			assert.Equal(t, audit.Ref{Kind: "user", ID: "auth0|staff"}, e.Actor)
			assert.Equal(t, "passport seen on video, ticket SUP-4711", e.Metadata["proof"])
			return
		}
	}
	t.Error("it is not recorded")
}

func TestSupportWithoutProofsUnlocksNobody(t *testing.T) {
	t.Parallel()
	s := newDesk(t, riskhttp.SupportConfig{}, nil)
	_, page := s.get("auth0|ada")
	assert.NotContains(t, page, "Unlock")
	status, _ := s.post(url.Values{"user": {"auth0|ada"}, "proof": {""}, "ticket": {"SUP-4711"}})
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	require.ErrorIs(t, s.try(t), risk.ErrDenied)
}

// down is a store of decisions that lists nothing.
type down struct{ risk.Decisions }

func (down) List(context.Context, string) ([]risk.Record, error) {
	return nil, errors.New("password of the database is 1234")
}

func TestSupportWithoutStores(t *testing.T) {
	t.Parallel()
	s := newDesk(t, passport, down{risk.NewMemoryDecisions(0)})
	status, page := s.get("auth0|ada")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, page, "does not answer")
	assert.NotContains(t, page, "1234")
}

// Behind the middleware of a session the form carries its token.
func TestSupportCarriesCSRF(t *testing.T) {
	t.Parallel()
	cfg := passport
	cfg.CSRF = func(*http.Request) (field, token string) { return "csrf", "a token" }
	_, page := newDesk(t, cfg, nil).get("auth0|ada")
	assert.Contains(t, page, `name="csrf" value="a token"`)
}

func TestNewSupportRefuses(t *testing.T) {
	t.Parallel()
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	require.NoError(t, err)
	e, err := risk.New(d, risk.Config{})
	require.NoError(t, err)
	staff := func(*http.Request) (string, error) { return "staff", nil }
	for name, err := range map[string]error{
		"engine":    second(riskhttp.NewSupport(nil, staff, passport)),
		"authorize": second(riskhttp.NewSupport(e, nil, passport)),
		"For":       second(riskhttp.NewSupport(e, staff, riskhttp.SupportConfig{For: 25 * time.Hour})),
		"Path":      second(riskhttp.NewSupport(e, staff, riskhttp.SupportConfig{Path: "/support/"})),
		"Proofs":    second(riskhttp.NewSupport(e, staff, riskhttp.SupportConfig{Proofs: []string{""}})),
	} {
		assert.ErrorContains(t, err, name)
	}
}

func second[T any](_ T, err error) error { return err }

func ExampleNewSupport() {
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := risk.New(detector, risk.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	authorize := func(r *http.Request) (string, error) {
		return "", errors.New("not a member of staff") // ask your session and its roles
	}
	page, err := riskhttp.NewSupport(engine, authorize, riskhttp.SupportConfig{Proofs: []string{"passport seen on video"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/support/logins", page)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/support/logins?user=auth0%7C42", nil))
	fmt.Println(w.Code)
	// Output: 403
}
