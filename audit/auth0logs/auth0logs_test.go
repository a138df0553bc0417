package auth0logs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/management/resource"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// tenant is a log that keeps entries for a time and shows some of them late.
type tenant struct {
	entries []resource.LogEntry
	hidden  map[string]bool
	fail    error
}

func (f *tenant) add(at time.Time, code string, fields string) string {
	id := "900" + at.UTC().Format("20060102150405") + fmt.Sprintf("%039d", len(f.entries))
	raw := fmt.Sprintf(`{"log_id":%q,"date":%q,"type":%q%s}`, id, at.UTC().Format(time.RFC3339Nano), code, fields)
	f.entries = append(f.entries, resource.LogEntry{ID: id, Type: code, Time: at, Raw: json.RawMessage(raw)})
	return id
}

func (f *tenant) Logs(_ context.Context, from string) iter.Seq2[resource.LogEntry, error] {
	return func(yield func(resource.LogEntry, error) bool) {
		sorted := slices.SortedFunc(slices.Values(f.entries), func(a, b resource.LogEntry) int { return strings.Compare(a.ID, b.ID) })
		for _, e := range sorted {
			if e.ID > from && !f.hidden[e.ID] && !yield(e, nil) {
				return
			}
		}
		if f.fail != nil {
			yield(resource.LogEntry{}, f.fail)
		}
	}
}

type world struct {
	*testing.T
	tenant *tenant
	log    *auditlog.Log
	logs   *auth0logs.Ingester
	now    time.Time
}

func newWorld(t *testing.T, cfg auth0logs.Config) *world {
	t.Helper()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	w := &world{T: t, tenant: &tenant{hidden: map[string]bool{}}, now: start}
	w.log, err = auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{Now: func() time.Time { return w.now }})
	require.NoError(t, err)
	cfg.Now = func() time.Time { return w.now }
	w.logs, err = auth0logs.New("shop.eu.auth0.com", w.tenant, w.log, cfg)
	require.NoError(t, err)
	return w
}

func (w *world) poll() {
	w.Helper()
	require.NoError(w, w.logs.Poll(w.Context()))
}

func (w *world) events(f auditlog.Filter) []auditlog.Entry {
	w.Helper()
	var out []auditlog.Entry
	for e, err := range w.log.Query(w.Context(), f) {
		require.NoError(w, err)
		if e.Source == w.logs.Source() {
			out = append(out, e)
		}
	}
	return out
}

// holes returns what the report says is missing, in minutes since the start.
func (w *world) holes() []string {
	w.Helper()
	day := start.Truncate(24 * time.Hour)
	r, err := w.log.Report(w.Context(), auditlog.Period{From: day.AddDate(0, 0, -2), To: day.AddDate(0, 0, 30)})
	require.NoError(w, err)
	var out []string
	for _, c := range r.Coverage {
		for _, h := range c.Holes {
			out = append(out, fmt.Sprintf("%v to %v: %s", h.From.Sub(start).Minutes(), h.To.Sub(start).Minutes(), h.Reason))
		}
	}
	return out
}

const secretValue = "a long random authorization value"

func (w *world) send(body string) int {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, "/logs", strings.NewReader(body))
	r.Header.Set("Authorization", secretValue)
	rec := httptest.NewRecorder()
	w.logs.ServeHTTP(rec, r)
	return rec.Code
}

func TestStreamForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{Authorization: []string{"the older value, still accepted", secretValue}})
	one := func(id, code string) string {
		return fmt.Sprintf(`{"log_id":%q,"data":{"log_id":%q,"type":%q,"date":"2026-11-24T11:59:00.000Z","user_id":"auth0|ann","ip":"203.0.113.7"}}`, id, id, code)
	}
	assert.Equal(t, 204, w.send(one("1", "s")))
	assert.Equal(t, 204, w.send("["+one("2", "fp")+","+one("1", "s")+"]"))
	assert.Equal(t, 204, w.send(one("3", "slo")+"\n"+one("4", "gd_auth_failed")+"\n"))
	assert.Equal(t, 204, w.send(`{"_id":"5","type":"brand_new_code","date":"2026-11-24T11:59:00Z"}`))
	assert.Equal(t, 204, w.send(`{"data":{"type":"s"}}`), "without an id it is left to Run")
	assert.Equal(t, 204, w.send(""))
	assert.Equal(t, 400, w.send("no JSON"))
	assert.Equal(t, 400, w.send(`["text"]`))
	var got []string
	for _, e := range w.events(auditlog.Filter{}) {
		got = append(got, e.Action+" "+e.Outcome.String())
	}
	assert.ElementsMatch(t, []string{"login.s success", "login.fp failure", "logout.slo success", "mfa.gd_auth_failed failure", "unknown.brand_new_code unknown"}, got)
}

func TestStreamIsRefused(t *testing.T) {
	t.Parallel()
	for _, allowed := range [][]string{nil, {secretValue}} {
		w := newWorld(t, auth0logs.Config{Authorization: allowed})
		for _, value := range []string{"", "Bearer", secretValue[:len(secretValue)-1], secretValue + " "} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"log_id":"1"}`))
			r.Header.Set("Authorization", value)
			rec := httptest.NewRecorder()
			w.logs.ServeHTTP(rec, r)
			assert.Equal(t, 401, rec.Code)
		}
		rec := httptest.NewRecorder()
		w.logs.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		assert.Equal(t, 405, rec.Code)
	}
	_, err := auth0logs.New("t", &tenant{}, &auditlog.Log{}, auth0logs.Config{Authorization: []string{"short"}})
	require.Error(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v", auth0logs.Config{Authorization: []string{secretValue}}, auth0logs.Config{Authorization: []string{secretValue}}), secretValue)
}

// A log that does not take the events makes Auth0 send them again.
func TestStreamIsNotAcknowledgedWhenNotStored(t *testing.T) {
	t.Parallel()
	logs, err := auth0logs.New("t", &tenant{}, failing{}, auth0logs.Config{Authorization: []string{secretValue}})
	require.NoError(t, err)
	w := &world{T: t, logs: logs}
	assert.Equal(t, 500, w.send(`{"log_id":"1","type":"s"}`))
}

type failing struct{}

func (failing) Cursor(context.Context, string) (string, error) { return "", errors.New("down") }

func (failing) Ingest(context.Context, auditlog.Batch) (int, error) { return 0, errors.New("down") }

// Polling finds what the stream did not bring, fills it, and says how much it was.
func TestStreamIsReconciled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{Authorization: []string{secretValue}})
	send := func(e resource.LogEntry) {
		assert.Equal(t, 204, w.send(fmt.Sprintf(`{"log_id":%q,"data":%s}`, e.ID, e.Raw)))
	}
	step := func(deliver func(i int) bool) (gaps []string) {
		first := len(w.tenant.entries)
		for i := range 10 {
			w.tenant.add(w.now.Add(time.Duration(i)*time.Second), "s", `,"user_id":"auth0|ann"`)
		}
		for i := 9; i >= 0; i-- { // in no order, and twice
			if deliver(i) {
				send(w.tenant.entries[first+i])
				send(w.tenant.entries[first+i])
			}
		}
		before := len(w.events(auditlog.Filter{Action: "audit.stream_gap"}))
		w.now = w.now.Add(10 * time.Minute)
		w.poll()
		w.poll()
		for _, e := range w.events(auditlog.Filter{Action: "audit.stream_gap"})[before:] {
			gaps = append(gaps, e.Reason+" "+e.Metadata["missed"]+" of "+e.Metadata["of"])
		}
		assert.Len(t, w.events(auditlog.Filter{Action: "login.s"}), len(w.tenant.entries))
		return gaps
	}
	assert.Empty(t, step(func(int) bool { return true }))
	assert.Equal(t, []string{"lost 3 of 10"}, step(func(i int) bool { return i > 2 }))
	assert.Equal(t, []string{"silent 10 of 10"}, step(func(int) bool { return false }))
	assert.Empty(t, step(func(int) bool { return true }))
	for _, h := range w.holes()[1:] {
		assert.Contains(t, h, "not_read", "what was filled is no hole: only the last five minutes are open")
	}
}

func TestTwoPollersAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	for i := range 100 {
		w.tenant.add(start.Add(-time.Hour+time.Duration(i)*time.Second), "s", "")
	}
	done := make(chan error, 8)
	for range 8 {
		go func() { done <- w.logs.Poll(t.Context()) }()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
	assert.Len(t, w.events(auditlog.Filter{}), 100)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	at := start.Add(-time.Hour)
	w.tenant.add(at, "s", `,"user_id":"auth0|ann","client_id":"c1","ip":"203.0.113.7","user_agent":"UA","organization_id":"org_1","user_name":"ann@example.com","details":{"transaction_id":"t1","session_id":"s1"}`)
	w.tenant.add(at, "seacft", `,"user_id":"auth0|ann","client_id":"c1","transaction_linking_id":"l1"`)
	w.tenant.add(at, "sdel", `,"user_id":"auth0|ann","details":{"actor":{"sub":"auth0|support"}}`)
	w.tenant.add(at, "sdeleacft", `,"user_id":"auth0|ann","agent_id":"agt_1"`)
	w.tenant.add(at, "fu", `,"user_name":"nobody@example.com","ip":"2001:db8::1%eth0"`)
	w.tenant.add(at, "sapi", `,"client_id":"c2","details":{"request":{"method":"patch","path":"/api/v2/attack-protection/brute-force-protection","auth":{"user":{"user_id":"auth0|admin","email":"x@example.com"}},"body":{"enabled":false,"allowlist":["192.0.2.1"],"note":"private"}},"response":{"body":{}}}`)
	w.tenant.add(at, "sapi", `,"client_id":"c2","details":{"request":{"method":"post","path":"/api/v2/users/auth0%7Cbob/roles","body":{"email":"bob@example.com"}}}`)
	w.tenant.add(at, "mgmt_api_read", `,"client_id":"c2","details":{"request":{"method":"get","path":"/api/v2/clients/c9"},"accessedSecrets":["client_secret"]}`)
	w.poll()
	var got []string
	for _, e := range w.events(auditlog.Filter{}) {
		got = append(got, fmt.Sprintf("%s | %s by %s for %s | corr %s ip %s org %s | %v | %d personal", e.Action, e.Target, e.Actor, e.OnBehalfOf, e.Correlation, e.IP, e.Organization, e.Metadata, len(e.Personal)))
	}
	assert.Equal(t, []string{
		"login.s | {user auth0|ann} by {user auth0|ann} for { } | corr t1 ip 203.0.113.7 org org_1 | map[client_id:c1] | 1 personal",
		"token.seacft | {user auth0|ann} by {client c1} for { } | corr l1 ip  org  | map[client_id:c1] | 0 personal",
		"delegate.sdel | {user auth0|ann} by {user auth0|ann} for {user auth0|support} | corr  ip  org  | map[] | 0 personal",
		"delegate.sdeleacft | {user auth0|ann} by {user auth0|ann} for {agent agt_1} | corr  ip  org  | map[] | 0 personal",
		"login.fu | { } by { } for { } | corr  ip 2001:db8::1 org  | map[] | 0 personal",
		"admin.sapi | {setting attack-protection} by {user auth0|admin} for { } | corr  ip  org  | map[allowlist:192.0.2.1 client_id:c2 enabled:false method:patch resource:attack-protection/brute-force-protection] | 0 personal",
		"admin.sapi | {user auth0|bob} by {client c2} for { } | corr  ip  org  | map[client_id:c2 method:post resource:users] | 0 personal",
		"admin.mgmt_api_read | {client c9} by {client c2} for { } | corr  ip  org  | map[client_id:c2 method:get resource:clients secrets:client_secret] | 0 personal",
	}, got)
}

func TestCodes(t *testing.T) {
	t.Parallel()
	codes := auth0logs.Codes()
	assert.Len(t, codes, 177)
	assert.True(t, slices.IsSortedFunc(codes, func(a, b auth0logs.Code) int { return strings.Compare(a.Code, b.Code) }))
	doubtful, seen := 0, map[string]bool{}
	for _, c := range codes {
		assert.False(t, seen[c.Code], c.Code)
		seen[c.Code] = true
		e := audit.Event{Type: c.Class, Action: c.Class + "." + c.Code, Outcome: c.Outcome, Reason: c.Reason}
		require.NoError(t, e.Validate())
		assert.NotEqual(t, "unknown", c.Class)
		assert.Equal(t, c.Outcome == audit.Failure, c.Reason != "", "%s: a failure has a reason, and nothing else has", c.Code)
		if c.Doubtful {
			doubtful++
			assert.NotEmpty(t, c.Verdict, c.Code)
		}
	}
	assert.Equal(t, 43, doubtful)
	// Names lie: these are what other tables get wrong.
	for code, want := range map[string]audit.Outcome{
		"fsa": audit.Failure, "feta": audit.Failure, "fui": audit.Failure, "resource_cleanup": audit.Success, "gd_send_sms": audit.Success,
		"ciba_start_succeeded": audit.Unknown, "limit_wc": audit.Failure, "nobody_knows": audit.Unknown,
	} {
		assert.Equal(t, want, auth0logs.Lookup(code).Outcome, code)
	}
	for _, code := range []string{"sdel", "sdeleacft", "sdelsa", "fdelsa", "fdeleacft"} {
		assert.Equal(t, "delegate", auth0logs.Lookup(code).Class, "%s is not the user's own login", code)
	}
}

func ExampleLookup() {
	for _, code := range []string{"fp", "sdel", "brand_new"} {
		c := auth0logs.Lookup(code)
		fmt.Println(code, c.Class, c.Outcome)
	}
	// Output:
	// fp login failure
	// sdel delegate success
	// brand_new unknown unknown
}

func ExampleNew() {
	ctx := context.Background()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	if err != nil {
		fmt.Println(err)
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef")) // from a secret store
	if err != nil {
		fmt.Println(err)
	}
	events, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{})
	if err != nil {
		fmt.Println(err)
	}
	client := &tenant{} // a *management.Client
	client.add(time.Now().Add(-time.Hour), "fp", `,"user_id":"auth0|ann"`)

	logs, err := auth0logs.New("shop.eu.auth0.com", client, events, auth0logs.Config{Retention: 10 * 24 * time.Hour})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(logs.Poll(ctx)) // Run does it every 30 seconds
	for e, err := range events.Query(ctx, auditlog.Filter{Type: "login"}) {
		fmt.Println(e.Action, e.Outcome, e.Reason, e.Actor.ID, err)
	}
	// Output:
	// <nil>
	// login.fp failure wrong_password auth0|ann <nil>
}

// Whatever describes a person is sealed under that person's own key, or left out.
func TestForgettingReachesWhatEntriesSayOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	at := start.Add(-time.Hour)
	admin := `"auth":{"user":{"user_id":"auth0|admin","email":"admin@example.com"}}`
	w.tenant.add(at, "sapi", `,"user_name":"admin@example.com","description":"Update a setting","details":{"request":{"method":"patch","path":"/api/v2/attack-protection/captcha",`+admin+`}}`)
	w.tenant.add(at, "sapi", `,"user_id":"auth0|admin","user_name":"admin@example.com","details":{"request":{"method":"patch","path":"/api/v2/users/samlp%7Cshop%7Cbob%40example.com",`+admin+`}}`)
	w.tenant.add(at, "sapi", `,"details":{"request":{"method":"get","path":"/api/v2/users-by-email?email=bob@example.com",`+admin+`}}`)
	w.tenant.add(at, "seccft", `,"client_id":"c1","user_name":"admin@example.com","description":"of admin@example.com"`)
	w.tenant.add(at, "gd_enrollment_complete", `,"user_id":"auth0|bob","details":{"enrollment":{"identifier":"+15550100"}}`)
	w.poll()
	bob := audit.Ref{Kind: "user", ID: "samlp|shop|bob@example.com"}
	assert.Len(t, w.events(auditlog.Filter{Subject: bob}), 1)
	require.NoError(t, w.log.Forget(t.Context(), "auth0|admin"))
	require.NoError(t, w.log.Forget(t.Context(), bob.ID))
	all, err := json.Marshal(w.events(auditlog.Filter{}))
	require.NoError(t, err)
	assert.NotContains(t, string(all), "example.com\"")
	assert.NotContains(t, string(all), "bob@")
	assert.NotContains(t, string(all), "admin@")
	assert.NotContains(t, string(all), "+1555")
	assert.Contains(t, string(all), "Update a setting")
}
