package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// scope names the instruments. Change it when you copy this file.
const scope = "github.com/auth0kit/auth0kit/examples/otel"

// Telemetry turns what auth0kit's hooks tell into spans and metrics. Copy this file;
// delete what you do not use. No span and no metric has a user, an address, an
// email or a token in it. It is safe for concurrent use.
type Telemetry struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	tracer  trace.Tracer
	meter   metric.Meter

	calls, limited, refusals, events     metric.Int64Counter
	findings, pipelines, diffs, delivers metric.Int64Counter
	waits, scores, steps                 metric.Float64Histogram
	jobs, users, memberships             metric.Int64Gauge
}

// New makes the instruments.
func New(tracers trace.TracerProvider, meters metric.MeterProvider) (*Telemetry, error) {
	t := &Telemetry{tracers: tracers, meters: meters, tracer: tracers.Tracer(scope), meter: meters.Meter(scope)}
	var errs []error
	counter := func(name, unit, what string) metric.Int64Counter {
		c, err := t.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return c
	}
	histogram := func(name, unit, what string, bounds ...float64) metric.Float64Histogram {
		h, err := t.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
		errs = append(errs, err)
		return h
	}
	gauge := func(name, unit, what string) metric.Int64Gauge {
		g, err := t.meter.Int64Gauge(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return g
	}
	t.calls = counter("auth0kit.calls", "{call}", "Calls of the Management API, by operation and outcome.")
	t.limited = counter("auth0kit.calls.limited", "{request}", "Requests that Auth0 answered 429.")
	t.waits = histogram("auth0kit.calls.wait", "s", "Time that calls waited for the rate limit.", 0, .01, .1, .5, 1, 5, 10, 60)
	t.refusals = counter("auth0kit.refusals", "{request}", "Refused requests, by package, reason and status.")
	t.events = counter("auth0kit.events", "{event}", "Recorded events, by action, outcome and reason: sessions, factors, logins, jobs, administrators.")
	t.scores = histogram("auth0kit.risk.score", "1", "Risk scores of logins that were decided.", 0, 10, 20, 50, 80, 100)
	t.findings = counter("auth0kit.anomaly.findings", "{finding}", "What was unusual about logins.")
	t.pipelines = counter("auth0kit.actions", "{request}", "Requests of Auth0's Actions, by trigger and outcome.")
	t.steps = histogram("auth0kit.actions.step", "s", "Time of a step of a pipeline.", .0001, .001, .01, .05, .1, .2, 1)
	t.diffs = counter("auth0kit.actions.shadow", "{event}", "Events that a candidate decided, by whether it differs.")
	t.jobs = gauge("auth0kit.migration.jobs", "{job}", "Import jobs in flight.")
	t.users = gauge("auth0kit.migration.users", "{user}", "Users of a migration since its start, by state.")
	t.memberships = gauge("auth0kit.migration.memberships", "{membership}", "Memberships and roles that were given.")
	t.delivers = counter("auth0kit.sink.deliveries", "{delivery}", "Deliveries to sinks, by outcome.")
	return t, errors.Join(errs...)
}

// Server is around the whole router: a span and a duration for each request, named
// by its route, and the parent of all that happens in it. host is the service's name,
// whatever clients call it.
func (t *Telemetry) Server(host string, mux http.Handler) http.Handler {
	traced := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came := r.Context().Value(whole{}).(*http.Request)
		full := came.WithContext(r.Context())
		full.Body = r.Body // which counts
		defer func() { r.Pattern, came.MultipartForm = full.Pattern, full.MultipartForm }()
		mux.ServeHTTP(w, full)
	}), "request", otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(t.meters))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		short := r.WithContext(context.WithValue(r.Context(), whole{}, r))
		short.URL, short.Host, short.RemoteAddr, short.Header = &url.URL{}, host, "", r.Header.Clone()
		short.Header.Del("User-Agent")
		short.Header.Del("X-Forwarded-For")
		traced.ServeHTTP(w, short)
	})
}

// whole is the key of a request as it came. otelhttp writes the path, the client's
// address and browser into spans, and the Host that it sent into metrics, of which a
// client could make any number. So it sees a request without them.
type whole struct{}

// Client is for management.Config.HTTPClient: a span for each request to Auth0. base
// may be nil.
func (t *Telemetry) Client(base http.RoundTripper) *http.Client {
	if base == nil {
		base = http.DefaultTransport
	}
	traced := otelhttp.NewTransport(unredacted{base}, otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(t.meters))
	return &http.Client{Transport: redacted{traced}, Timeout: time.Minute}
}

// otelhttp writes the whole URL into the span. Those of the Management API have
// user ids and emails in them, so it sees the kind of resource alone.
type (
	redacted   struct{ next http.RoundTripper }
	unredacted struct{ next http.RoundTripper }
	fullURL    struct{}
)

func (x redacted) RoundTrip(r *http.Request) (*http.Response, error) {
	short := *r.URL
	short.RawPath, short.RawQuery, short.Fragment, short.User = "", "", "", nil
	if parts := strings.SplitN(short.Path, "/", 5); len(parts) == 5 {
		short.Path = strings.Join(parts[:4], "/") // "/api/v2/users"
	}
	out := r.Clone(context.WithValue(r.Context(), fullURL{}, r.URL))
	out.URL = &short
	return x.next.RoundTrip(out)
}

func (x unredacted) RoundTrip(r *http.Request) (*http.Response, error) {
	if full, ok := r.Context().Value(fullURL{}).(*url.URL); ok {
		r = r.Clone(r.Context())
		r.URL = full
	}
	return x.next.RoundTrip(r)
}

// Called is for management.Config.OnCall.
func (t *Telemetry) Called(ctx context.Context, c management.Call) {
	outcome := "ok"
	switch {
	case c.Doubt:
		outcome = "unknown"
	case errors.Is(c.Err, management.ErrRateLimited):
		outcome = "rate_limited"
	case c.Err != nil:
		outcome = "error"
	}
	op := attribute.String("op", c.Op)
	t.calls.Add(ctx, 1, metric.WithAttributes(op, attribute.String("outcome", outcome)))
	t.limited.Add(ctx, int64(c.Limited), metric.WithAttributes(op))
	t.waits.Record(ctx, c.Waited.Seconds(), metric.WithAttributes(op))
	trace.SpanFromContext(ctx).AddEvent("auth0 call", trace.WithAttributes(op, attribute.String("outcome", outcome),
		attribute.Int("requests", c.Requests), attribute.Float64("waited", c.Waited.Seconds())))
}

// RefusedByAPI is for tenancy.GuardConfig.OnRefuse, gRPC and MCP included.
func (t *Telemetry) RefusedByAPI(ctx context.Context, x tenancy.Refusal) {
	t.refused(ctx, "tenancy", x.Reason, x.Status)
}

// RefusedByPage is for session.HTTPConfig.OnRefuse, session/login included.
func (t *Telemetry) RefusedByPage(ctx context.Context, x session.Refusal) {
	t.refused(ctx, "session", x.Reason, x.Status)
}

func (t *Telemetry) refused(ctx context.Context, by, reason string, status int) {
	attrs := []attribute.KeyValue{attribute.String("by", by), attribute.String("reason", reason), attribute.Int("status", status)}
	t.refusals.Add(ctx, 1, metric.WithAttributes(attrs...))
	trace.SpanFromContext(ctx).AddEvent("refused", trace.WithAttributes(attrs...))
}

// Recorder is for every Config.Recorder, actions.Track, and the log itself: a span
// and a count for each event, around what next does with it. The names are the
// actions: session.create, guardian.verify, risk.apply, migration.login,
// delegation.add_role. A nil next records nowhere.
func (t *Telemetry) Recorder(next audit.Recorder) audit.Recorder {
	if next == nil {
		next = audit.Discard
	}
	return recorder{t, next}
}

type recorder struct {
	*Telemetry
	next audit.Recorder
}

func (r recorder) Record(ctx context.Context, e audit.Event) error {
	attrs := []attribute.KeyValue{attribute.String("action", e.Action), attribute.String("outcome", e.Outcome.String())}
	if e.Reason != "" {
		attrs = append(attrs, attribute.String("reason", e.Reason))
	}
	for _, key := range []string{"factor", "level", "shadow"} { // words of a fixed list
		if value, ok := e.Metadata[key]; ok {
			attrs = append(attrs, attribute.String(key, value))
		}
	}
	r.events.Add(ctx, 1, metric.WithAttributes(attrs...))
	ctx, span := r.tracer.Start(ctx, e.Action, trace.WithAttributes(attrs...))
	defer span.End()
	if score, err := strconv.Atoi(e.Metadata["score"]); err == nil && e.Type == "risk" {
		span.SetAttributes(attribute.Int("score", score))
		if e.Action == "risk.apply" {
			r.scores.Record(ctx, float64(score), metric.WithAttributes(attribute.String("action", e.Reason)))
		}
	}
	err := r.next.Record(ctx, e)
	if err != nil { // Not its text: a store's may have anything in it.
		span.SetStatus(codes.Error, "not recorded")
	}
	return err
}

// Assessor is for risk.New: a span for each assessment and a count of what is
// unusual. It embeds the Detector, so that the Engine finds all of its methods: that
// which keeps the budget too.
func (t *Telemetry) Assessor(next *anomaly.Detector) risk.Assessor { return assessor{next, t} }

type assessor struct {
	*anomaly.Detector
	*Telemetry
}

func (a assessor) Assess(ctx context.Context, at anomaly.Attempt) (anomaly.Assessment, error) {
	ctx, span := a.tracer.Start(ctx, "anomaly.assess")
	defer span.End()
	found, err := a.Detector.Assess(ctx, at)
	if err != nil {
		span.SetStatus(codes.Error, "not assessed")
		return found, err
	}
	span.SetAttributes(attribute.Float64("score", found.Score), attribute.Bool("first", found.FirstLogin))
	for _, f := range found.Findings {
		if f.Kind != 0 {
			a.findings.Add(ctx, 1, metric.WithAttributes(attribute.Stringer("kind", f.Kind)))
		}
	}
	return found, nil
}

// ActionCalled is for actions.HandlerConfig.OnCall.
func (t *Telemetry) ActionCalled(ctx context.Context, e *actions.Event, r *actions.Result, err error) {
	trigger, outcome := "none", "allowed"
	if e != nil {
		trigger = string(e.Trigger)
	}
	switch {
	case err != nil && e == nil:
		outcome = "refused" // not a request of the Action
	case r == nil:
		outcome = "not_kept" // by the history; the event itself was told before
	case err != nil || r.Denied != "":
		outcome = "denied"
	case r.MFA:
		outcome = "mfa"
	}
	attrs := metric.WithAttributes(attribute.String("trigger", trigger), attribute.String("outcome", outcome))
	t.pipelines.Add(ctx, 1, attrs)
	if r == nil {
		return
	}
	now := time.Now()
	for _, s := range r.Steps {
		t.steps.Record(ctx, s.Took.Seconds(), metric.WithAttributes(attribute.String("step", s.Name)))
		trace.SpanFromContext(ctx).AddEvent("step "+s.Name, trace.WithTimestamp(now), trace.WithAttributes(
			attribute.Float64("took", s.Took.Seconds()), attribute.Bool("failed", s.Err != nil)))
	}
}

// ActionDiffers is for actions.HandlerConfig.OnDiff.
func (t *Telemetry) ActionDiffers(ctx context.Context, d actions.Diff) {
	t.diffs.Add(ctx, 1, metric.WithAttributes(attribute.String("trigger", string(d.Trigger)),
		attribute.Bool("differs", len(d.Changes) > 0), attribute.Bool("failed", d.Err != nil)))
}

// Progress is for migration.Config.Progress. run names the migration.
func (t *Telemetry) Progress(run string) func(migration.Progress) {
	name := attribute.String("run", run)
	return func(p migration.Progress) {
		ctx := context.Background() // The run calls it between requests, for all of them.
		t.jobs.Record(ctx, int64(p.Jobs), metric.WithAttributes(name))
		t.memberships.Record(ctx, int64(p.Memberships), metric.WithAttributes(name))
		for state, n := range map[string]int{"read": p.Read, "migrated": p.Migrated, "failed": p.Failed, "skipped": p.Skipped} {
			t.users.Record(ctx, int64(n), metric.WithAttributes(name, attribute.String("state", state)))
		}
	}
}

// Sink is around a sink of auditlog.Config.Sinks: a span for each delivery.
func (t *Telemetry) Sink(s auditlog.Sink) auditlog.Sink {
	deliver, name := s.Deliver, attribute.String("sink", s.Name)
	s.Deliver = func(ctx context.Context, d auditlog.Delivery) error {
		ctx, span := t.tracer.Start(ctx, "sink."+s.Name, trace.WithAttributes(attribute.Int("entries", len(d.Entries))))
		defer span.End()
		err := deliver(ctx, d)
		outcome := "ok"
		switch {
		case errors.Is(err, auditlog.ErrRejected):
			outcome = "rejected"
		case err != nil:
			outcome = "failed"
		}
		if err != nil {
			span.SetStatus(codes.Error, outcome)
		}
		t.delivers.Add(ctx, 1, metric.WithAttributes(name, attribute.String("outcome", outcome)))
		return err
	}
	return s
}

// Findings is a sink for auditlog.Config.Sinks that counts what the log's detections
// find, each by its action: "detection.password_spray".
func (t *Telemetry) Findings() auditlog.Sink {
	return auditlog.Sink{
		Name: "otel", Policy: auditlog.BestEffort, Filter: auditlog.Filter{Type: "detection"},
		Deliver: func(ctx context.Context, d auditlog.Delivery) error {
			for _, e := range d.Entries {
				t.events.Add(ctx, 1, metric.WithAttributes(attribute.String("action", e.Action), attribute.String("outcome", e.Outcome.String())))
			}
			return nil
		},
	}
}

// Watch reads the state of a log and of its sinks whenever metrics are collected.
func (t *Telemetry) Watch(log *auditlog.Log) error {
	var errs []error
	gauge := func(name, unit, what string) metric.Int64ObservableGauge {
		g, err := t.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return g
	}
	size := gauge("auth0kit.audit.sealed", "{event}", "Sealed events.")
	unsealed := gauge("auth0kit.audit.unsealed", "{event}", "Events that are not sealed yet.")
	lag := gauge("auth0kit.audit.lag", "ms", "How long the oldest of them has waited. Alert above a minute.")
	waiting := gauge("auth0kit.sink.waiting", "{event}", "Sealed events that a sink has not looked at.")
	dropped := gauge("auth0kit.sink.dropped", "{event}", "Events that a BestEffort sink has dropped.")
	dead := gauge("auth0kit.sink.dead_letters", "{event}", "Events that a receiver has rejected.")
	active := gauge("auth0kit.sink.active", "1", "1 while a sink works, 0 when it is paused or disabled.")
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		status, err := log.Status(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(size, int64(status.Size))
		o.ObserveInt64(unsealed, int64(status.Unsealed))
		o.ObserveInt64(lag, status.SealingLag.Milliseconds())
		sinks, err := log.Sinks(ctx)
		if err != nil {
			return err
		}
		for _, s := range sinks {
			name := metric.WithAttributes(attribute.String("sink", s.Name))
			o.ObserveInt64(waiting, int64(s.Waiting), name)
			o.ObserveInt64(dropped, int64(s.Dropped), name)
			o.ObserveInt64(dead, int64(s.DeadLetters), name)
			works := int64(0)
			if s.State == auditlog.Active {
				works = 1
			}
			o.ObserveInt64(active, works, name)
		}
		return nil
	}, size, unsealed, lag, waiting, dropped, dead, active)
	return err
}
