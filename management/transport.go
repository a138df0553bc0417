package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/pace"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

// maxAnswer bounds the body of an answer. A page of 100 users is at most 1 MB.
const maxAnswer = 32 << 20

// transport is what stands below the SDK: it sets the token, keeps to the
// bucket, repeats what may be repeated, and notes what the SDK would drop.
type transport struct {
	base    http.RoundTripper
	timeout time.Duration // Of each attempt; zero: none.
	issuer  issuer.Issuer
	tokens  *tokens
	pacer   *pace.Pacer
	maxWait time.Duration
	log     *slog.Logger
	budget  float64
	onCall  func(context.Context, Call)
	said    seldom
}

// series is one call and its attempts.
type series struct {
	req        *http.Request
	body       []byte
	route      string
	repeatable bool
	out        *outcome
	foreign    bool          // Through API or HTTPClient: nobody else reports it.
	failures   int           // Attempts that ended without a usable answer.
	waited     time.Duration // For the bucket, so far.
	renewed    bool          // A 401 has had its new token.
	doubt      bool          // A write was sent and not answered, or answered by a failure.
	limited    *answer       // The last 429.
}

// answer is how one attempt ended: with a response, or with err.
type answer struct {
	resp  *http.Response
	body  []byte
	err   error
	sent  bool   // Some of the request may have arrived.
	token string // What it was sent with.
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s, err := t.start(req)
	if err != nil {
		return nil, err
	}
	resp, err := t.run(s)
	if s.foreign {
		failed := err
		if err == nil && resp.StatusCode >= 400 {
			failed = s.out.failure(nil)
			if s.doubt && !retryStatus(resp.StatusCode) { // It looks like a refusal and may be none.
				resp, err = nil, failed
			}
		}
		t.report(req.Context(), s.route, s.out, failed)
	}
	return resp, err
}

func (t *transport) run(s *series) (*http.Response, error) {
	for {
		a, err := t.attempt(s)
		if err != nil {
			return s.refused(err)
		}
		delay, again := t.next(s, a)
		if !again {
			return s.finish(a)
		}
		if err := retry.Sleep(s.req.Context(), delay); err != nil {
			return s.refused(noAnswer(err))
		}
	}
}

func (t *transport) start(req *http.Request) (*series, error) {
	s := &series{req: req, route: pace.Route(req.Method, req.URL.EscapedPath()), repeatable: repeatable(req)}
	s.out, _ = req.Context().Value(outcomeKey{}).(*outcome)
	if s.out == nil { // A call through API().
		s.out, s.foreign = &outcome{op: s.route}, true
	}
	*s.out = outcome{op: s.out.op, writes: writes(req.Method)}
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		// GetBody is not used: the SDK's Body option leaves a wrong one behind.
		if s.body, err = io.ReadAll(req.Body); err != nil {
			return nil, s.fail(invalid("", "the body cannot be read"))
		}
	}
	if !strings.EqualFold(req.URL.Host, t.issuer.Host()) || req.URL.Scheme != t.issuer.Scheme() {
		return nil, s.fail(invalid("", "the request is for another host than Config.Domain, or without TLS"))
	}
	return s, nil
}

// attempt gets a token and a place in the bucket and sends the request once. An
// error means that it was not sent.
func (t *transport) attempt(s *series) (*answer, error) {
	ctx := s.req.Context()
	token, err := t.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	pass, err := t.pacer.Acquire(ctx, s.route, t.left(s))
	if err != nil {
		if s.limited != nil && ctx.Err() == nil {
			return s.limited, nil // Auth0's own refusal says more than ours.
		}
		return nil, notPassed(err)
	}
	t.sayWait(s, pass.Waited)
	var a *answer // Nil if Config.HTTPClient panics.
	defer func() {
		if a == nil || a.err != nil {
			pass.Done(nil, false)
			return
		}
		pass.Done(a.resp, a.status() == http.StatusTooManyRequests && !a.jobSlots())
	}()
	s.out.requests++
	a = t.send(s, token)
	t.sayAnswer(s, a)
	return a, nil
}

// notPassed says why a request was not let through. A context that has ended by
// its deadline was too short for the rate limit; canceled it says nothing about
// that.
func notPassed(err error) error {
	if full, ok := errors.AsType[*pace.NoRoom](err); ok {
		return &resource.Error{RetryAfter: full.After, Err: fmt.Errorf("%w: no room in the bucket within Config.MaxWait", resource.ErrRateLimited)}
	}
	cause := error(silent{err, "waiting for room in the bucket: " + describe(err)})
	if errors.Is(err, context.DeadlineExceeded) {
		cause = fmt.Errorf("%w: %w", resource.ErrRateLimited, cause)
	}
	return &resource.Error{Err: cause}
}

// left is how long the call may still wait for the bucket; negative: for ever.
func (t *transport) left(s *series) time.Duration {
	if t.maxWait < 0 {
		return -1
	}
	return max(0, t.maxWait-s.waited)
}

func (t *transport) send(s *series, token string) *answer {
	ctx, cancel := s.req.Context(), context.CancelFunc(func() {})
	if t.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, t.timeout)
	}
	defer cancel()
	// net/http reports both hooks; a foreign transport reports none, and then
	// nothing is known about what left.
	var dialing, connected atomic.Bool
	req := s.req.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { dialing.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, int64(len(s.body))
	if len(s.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(s.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.body)), nil }
	}
	req.Header.Set("Authorization", "Bearer "+token)
	a := &answer{token: token, sent: true}
	a.resp, a.err = t.base.RoundTrip(req)
	if a.err == nil {
		a.readBody()
	} else if neverSent(a.err) || dialing.Load() && !connected.Load() {
		a.sent = false
	}
	return a
}

var (
	errTooLarge = errors.New("the answer is too large")
	errRedirect = errors.New("the answer is a redirect; check Config.Domain")
)

// readBody takes the body off the connection: an answer that breaks off is no
// answer.
func (a *answer) readBody() {
	defer a.resp.Body.Close()
	if a.resp.ContentLength <= maxAnswer {
		a.body, a.err = io.ReadAll(io.LimitReader(a.resp.Body, maxAnswer+1))
	}
	switch {
	case a.err != nil:
	case a.resp.ContentLength > maxAnswer:
		a.err = errTooLarge
	case len(a.body) > maxAnswer:
		a.err = errTooLarge
	case a.resp.StatusCode >= 300 && a.resp.StatusCode < 400:
		a.err = errRedirect
	}
	a.resp.Body = io.NopCloser(bytes.NewReader(a.body))
}

// final reports whether repeating cannot help although there is no answer.
func (a *answer) final() bool {
	return errors.Is(a.err, errTooLarge) || errors.Is(a.err, errRedirect) || badCertificate(a.err)
}

func (a *answer) status() int {
	if a.err != nil {
		return 0
	}
	return a.resp.StatusCode
}

// jobSlots tells the limit of two import jobs from an empty bucket: the status
// and the code are the same.
func (a *answer) jobSlots() bool {
	return a.status() == http.StatusTooManyRequests && bytes.Contains(a.body, []byte("active import users jobs"))
}

// next decides whether the call is sent again, and after what pause.
func (t *transport) next(s *series, a *answer) (time.Duration, bool) {
	switch status := a.status(); {
	case a == s.limited, s.req.Context().Err() != nil, a.jobSlots():
		return 0, false
	case status == http.StatusUnauthorized: // Refused before processing.
		if s.renewed {
			return 0, false
		}
		s.renewed = true
		t.tokens.reject(a.token)
		return 0, true
	case status == http.StatusTooManyRequests: // The same; the pacer makes the pause.
		s.limited = a
		return 0, true
	case a.err != nil && (a.final() || a.sent && !s.repeatable):
		return 0, false
	case a.err == nil && !(retryStatus(status) && s.repeatable):
		return 0, false
	}
	s.failures++
	s.doubt = s.doubt || writes(s.req.Method) && (a.err == nil || a.sent)
	delay := pauses.Pause(s.failures)
	if a.err == nil {
		if named := retry.After(a.resp.Header, time.Now(), pace.MaxRetryAfter); named > 0 {
			delay = named
		}
	}
	if s.failures >= maxTries || t.maxWait >= 0 && delay > max(t.maxWait, 8*time.Second) {
		return 0, false
	}
	t.log.DebugContext(s.req.Context(), "auth0: repeating", "route", s.route, "status", a.status(), "pause", delay)
	return delay, true
}

// finish hands the answer to the SDK and notes what the SDK drops.
func (s *series) finish(a *answer) (*http.Response, error) {
	if a.err != nil {
		return nil, s.fail(s.unanswered(a))
	}
	a.resp.Request = s.req // Not the one with the token.
	// The first one did it, unless several were named in a body: one may be missing.
	if s.doubt && s.req.Method == http.MethodDelete && a.status() == http.StatusNotFound && len(s.body) == 0 {
		a.resp.StatusCode, a.resp.Status, a.resp.Body = http.StatusNoContent, "204 No Content", http.NoBody
		a.resp.ContentLength = 0
	}
	s.out.status, s.out.doubt = a.resp.StatusCode, s.doubt
	if a.resp.StatusCode >= 400 {
		s.out.note(a)
	}
	return a.resp, nil
}

// unanswered says what is known of a call without an answer.
func (s *series) unanswered(a *answer) error {
	cause := noAnswer(a.err)
	if a.final() && !badCertificate(a.err) {
		cause = a.err
	}
	if s.req.Context().Err() == nil {
		cause = fmt.Errorf("%w: %w", resource.ErrUnavailable, cause)
	}
	if s.doubt || a.sent && writes(s.req.Method) {
		cause = fmt.Errorf("%w: %w", resource.ErrOutcomeUnknown, cause)
	}
	return &resource.Error{Err: cause}
}

// refused ends a call of which the last attempt was not sent.
func (s *series) refused(err error) (*http.Response, error) {
	e, ok := errors.AsType[*resource.Error](err)
	if !ok {
		e = &resource.Error{Err: err}
	}
	if s.doubt {
		doubted := *e
		doubted.Err = fmt.Errorf("%w: %w", resource.ErrOutcomeUnknown, e.Err)
		e = &doubted
	}
	return nil, s.fail(e)
}

func (s *series) fail(err error) error {
	e, _ := errors.AsType[*resource.Error](err)
	if e.Op == "" {
		e = operationNamed(e, s.req.Method)
	}
	s.out.err = e
	return e
}

// report tells the hook of a call that has ended, and the log of a doubt.
func (t *transport) report(ctx context.Context, op string, o *outcome, err error) {
	call := Call{Op: op, Requests: o.requests, Limited: o.limited, Waited: o.waited, Err: err, Doubt: errors.Is(err, resource.ErrOutcomeUnknown)}
	if call.Doubt && t.said.first("doubt "+op, time.Minute) {
		t.log.WarnContext(ctx, "auth0: the outcome of a write is not known", "op", op)
	}
	if t.onCall != nil {
		t.onCall(ctx, call)
	}
}

// sayAnswer logs what an answer says for the first time.
func (t *transport) sayAnswer(s *series, a *answer) {
	if a.err != nil {
		return
	}
	ctx := s.req.Context()
	size, err := strconv.Atoi(a.resp.Header.Get("X-RateLimit-Limit"))
	if err == nil && size > 0 && t.said.first("size "+strconv.Itoa(size), 24*time.Hour) {
		t.log.InfoContext(ctx, "auth0: learned a rate limit", "route", s.route, "size", size, "ours", max(1, int(t.budget*float64(size))))
	}
	if a.status() == http.StatusTooManyRequests && !a.jobSlots() {
		s.out.limited++
		if t.said.first("empty "+s.route, time.Minute) {
			t.log.WarnContext(ctx, "auth0: the bucket of the rate limit is empty", "route", s.route)
		}
	}
}

func (t *transport) sayWait(s *series, waited time.Duration) {
	s.waited += waited
	s.out.waited += waited
	if waited > 0 && t.said.first("wait "+s.route, time.Minute) {
		t.log.InfoContext(s.req.Context(), "auth0: waits for the rate limit", "route", s.route, "waited", waited)
	}
}

// note keeps what the error body says.
func (o *outcome) note(a *answer) {
	var body struct {
		Code        string `json:"errorCode"`
		Message     string `json:"message"`
		Error       string `json:"error"` // A code in the OAuth style of some gateways, else the status in words.
		Description string `json:"error_description"`
	}
	if json.Unmarshal(a.body, &body) == nil {
		o.message, o.code = body.Message, body.Code
		if body.Message == "" && body.Code == "" {
			o.message, o.code = body.Description, body.Error
		}
		if !oauth.IsCode(o.code) {
			o.code = ""
		}
	}
	now := time.Now()
	if o.retryAfter = retry.After(a.resp.Header, now, pace.MaxRetryAfter); o.retryAfter == 0 && a.status() == http.StatusTooManyRequests && !a.jobSlots() {
		o.retryAfter = pace.UntilReset(a.resp.Header, now)
	}
}
