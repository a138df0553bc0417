package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/auth0kit/auth0kit/anomaly"
)

// points are the values of a metric by its attributes: "op=user,outcome=ok".
func points(t *testing.T, o *observed, name string) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	add := func(set attribute.Set, value float64) {
		var words []string
		for _, kv := range set.ToSlice() {
			words = append(words, string(kv.Key)+"="+kv.Value.Emit())
		}
		values[strings.Join(words, ",")] += value
	}
	for _, s := range o.metrics.ScopeMetrics {
		for _, m := range s.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Histogram[int64]: // otelhttp's
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Count))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Count))
				}
			default:
				require.Fail(t, "unknown kind of metric", "%s: %T", name, data)
			}
		}
	}
	require.NotEmpty(t, values, "%s was not exported", name)
	return values
}

func TestEverythingIsObserved(t *testing.T) {
	t.Parallel()
	o, err := observe(t.Context())
	require.NoError(t, err)

	spans := make(map[string]int)
	for _, s := range o.spans {
		spans[s.Name]++
	}
	for _, name := range []string{
		"GET /orgs/{org}/invoices", "GET /account", "HTTP GET", "anomaly.assess", "risk.apply", "session.create", "session.revoke",
		"guardian.enroll", "guardian.confirm", "guardian.verify", "login.accept", "migration.run.start", "migration.run.end",
		"delegation.add_role", "sink.siem",
	} {
		assert.Positive(t, spans[name], "span %s", name)
	}

	calls := points(t, o, "auth0kit.calls")
	assert.Equal(t, 1.0, calls["op=find users by email,outcome=ok"], "%v", calls)
	assert.Equal(t, 1.0, calls["op=read user,outcome=error"], "%v", calls)
	assert.Positive(t, points(t, o, "auth0kit.calls.wait")["op=read user"])
	assert.Zero(t, points(t, o, "auth0kit.calls.limited")["op=read user"])

	assert.Equal(t, map[string]float64{
		"by=session,reason=no_session,status=401": 1, "by=tenancy,reason=no_token,status=401": 1,
	}, points(t, o, "auth0kit.refusals"))

	events := points(t, o, "auth0kit.events")
	assert.Equal(t, 1.0, events["action=guardian.verify,factor=local-totp,outcome=failure,reason=wrong_code"], "%v", events)
	assert.Equal(t, 1.0, events["action=session.create,outcome=success"], "%v", events)
	scored := 0.0
	for _, n := range points(t, o, "auth0kit.risk.score") {
		scored += n
	}
	assert.Equal(t, 1.0, scored)

	assert.Equal(t, 1.0, points(t, o, "auth0kit.actions")["outcome=allowed,trigger=post-login"])
	assert.Equal(t, 1.0, points(t, o, "auth0kit.actions.step")["step=track"])
	shadow := points(t, o, "auth0kit.actions.shadow")
	assert.Len(t, shadow, 1)

	users := points(t, o, "auth0kit.migration.users")
	assert.Equal(t, 1.0, users["run=shop,state=migrated"], "%v", users)
	assert.Zero(t, points(t, o, "auth0kit.migration.jobs")["run=shop"])

	assert.Positive(t, points(t, o, "auth0kit.sink.deliveries")["outcome=ok,sink=siem"])
	for _, name := range []string{"waiting", "dropped", "dead_letters"} {
		assert.Zero(t, points(t, o, "auth0kit.sink."+name)["sink=siem"], name)
	}
	assert.Equal(t, 1.0, points(t, o, "auth0kit.sink.active")["sink=siem"])
	assert.Positive(t, points(t, o, "auth0kit.audit.sealed")[""])
	assert.Zero(t, points(t, o, "auth0kit.audit.unsealed")[""])
	points(t, o, "auth0kit.audit.lag")
}

// What is exported leaves the service, so nobody's id, email or address is in it.
func TestNobodyIsExported(t *testing.T) {
	t.Parallel()
	o, err := observe(t.Context())
	require.NoError(t, err)
	var all strings.Builder
	for _, s := range o.spans {
		all.WriteString(s.Name + "\n" + s.Status.Description + "\n")
		for _, kv := range s.Attributes {
			all.WriteString(string(kv.Key) + "=" + kv.Value.Emit() + "\n")
		}
		for _, e := range s.Events {
			for _, kv := range e.Attributes {
				all.WriteString(string(kv.Key) + "=" + kv.Value.Emit() + "\n")
			}
		}
	}
	for _, s := range o.metrics.ScopeMetrics {
		for _, m := range s.Metrics {
			for at := range points(t, o, m.Name) {
				all.WriteString(at + "\n")
			}
		}
	}
	require.Contains(t, all.String(), "/api/v2/users-by-email\n")
	for _, secret := range []string{"ada@example.com", "ada%40", "auth0|", "auth0%7C", "203.0.113.7", "grace"} {
		assert.NotContains(t, all.String(), secret)
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Contains(t, out.String(), " session.create\n")
	assert.Contains(t, out.String(), "auth0kit.refusals: ")
}

// TestAssessorKeepsTheBudget: risk asks its Assessor for the cuts that follow the
// genuine logins, and must find them behind ours.
func TestAssessorKeepsTheBudget(t *testing.T) {
	t.Parallel()
	_, ok := (&Telemetry{}).Assessor(&anomaly.Detector{}).(interface {
		Cuts(c anomaly.Class, prompt, mfa float64) [3]float64
	})
	assert.True(t, ok)
}

// Whatever a client sends, no address, name or browser of anybody is in what its requests
// leave, and no client makes series or names of spans of its own.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	reader := sdkmetric.NewManualReader()
	telemetry, err := New(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{user}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /account", func(http.ResponseWriter, *http.Request) {})
	server := telemetry.Server("app.example.com", mux)
	mux.HandleFunc("POST /upload", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "/upload?email=ada@example.com 203.0.113.7:1234 four", r.URL.String()+" "+r.RemoteAddr+" "+string(body), "handlers see all")
	})
	for n := range 20 {
		for _, path := range []string{"/upload", "/users/auth0%7Cada", "/account", "/account/ada@example.com"} {
			method := "M" + strconv.Itoa(n)
			if path == "/upload" {
				method = "POST"
			}
			r := httptest.NewRequest(method, path+"?email=ada@example.com", strings.NewReader("four"))
			r.Host, r.RemoteAddr = "h"+strconv.Itoa(n)+".example.com", "203.0.113.7:1234"
			r.Header.Set("X-Forwarded-For", "198.51.100.9")
			r.Header.Set("User-Agent", "Ada's browser")
			server.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	o := &observed{spans: spans.GetSpans()}
	require.NoError(t, reader.Collect(t.Context(), &o.metrics))
	names := map[string]bool{}
	for _, s := range o.spans {
		names[s.Name] = true
		for _, kv := range s.Attributes {
			for _, secret := range []string{"ada", "Ada", "203.0.113.7", "198.51.100.9"} {
				assert.NotContains(t, kv.Value.Emit(), secret, string(kv.Key))
			}
		}
	}
	assert.LessOrEqual(t, len(names), 4, "%v", names)
	for _, s := range o.metrics.ScopeMetrics {
		for _, m := range s.Metrics {
			assert.LessOrEqual(t, len(points(t, o, m.Name)), 4, m.Name)
		}
	}
}
