package actions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/webhook"
)

// HandlerConfig holds a Handler's optional settings. The zero value uses the
// defaults. Its functions and stores are called by many goroutines at once.
type HandlerConfig struct {
	Candidates []*Pipeline                       // Shadow: computed beside the live ones, with Event.DryRun, and never applied.
	OnDiff     func(ctx context.Context, d Diff) // Gets what each candidate would have done.

	// OnCall is called after each request, for metrics. One that was refused has no
	// event; err says why. An event with a Result and an error was denied. It is called
	// once more, without a Result, for an event that the history did not keep.
	OnCall func(ctx context.Context, e *Event, r *Result, err error)

	// History keeps what Replay needs. Defaults to none. No erasure would reach a person
	// who signs up, nor one who acts in a user's session. Of the first it is given the
	// domain of the email, the names of metadata that steps set, and the reason of a
	// denial; of the second the kind.
	History History
	Seen    SeenStore                       // Remembers requests. Defaults to one in memory, per process.
	Ready   func(ctx context.Context) error // Decides what GET answers: 204, or 503 after an error. Defaults to ready.
	Now     func() time.Time                // Defaults to time.Now.
}

// SeenStore refuses what was there before. The stores of package session that keep
// logout tokens, and actions/sqlactions, are such.
type SeenStore interface {
	// Seen returns nil for the first call with id, and an error for every later one
	// until that time, or if it cannot tell. Of concurrent calls one gets nil.
	Seen(ctx context.Context, id string, now, until time.Time) error
}

// Bounds of the protocol.
const (
	maxBody     = 128 << 10 // Auth0 keeps up to 32 kB of each metadata.
	tolerance   = time.Minute
	afterAnswer = 10 * time.Second // For candidates and the history.
	deadline    = 5 * time.Second  // For a pipeline, if the Action does not say.
)

type handler struct {
	ring *webhook.Ring
	cfg  HandlerConfig
	live map[Trigger]*Pipeline
}

// Handler returns the server's side: it answers what deployed Actions ask. It has one
// pipeline for each trigger, and the keys of the deployments, of 24 to 64 bytes; the
// first is for new deployments, all are accepted, and an answer is signed with the
// key of its request, so that keys are changed without an interruption: add one to
// the end, move it to the front and deploy, then drop the old one.
//
// A request is refused unless it is signed, within one minute of the clock, of at
// most 128 kB, and new. Mount it for POST and, for readiness probes, GET. Give the
// server a write timeout of more than ten seconds if there are candidates or a
// history: they run after the answer was sent, on an HTTP/1 connection that no other
// login then uses.
func Handler(keys [][]byte, cfg HandlerConfig, p ...*Pipeline) (http.Handler, error) {
	ring, err := webhook.New(keys)
	if err != nil {
		return nil, fmt.Errorf("actions: Handler: %w", err)
	}
	h := &handler{ring: ring, cfg: cfg, live: make(map[Trigger]*Pipeline)}
	if len(p) == 0 {
		return nil, errors.New("actions: Handler: p is empty; give a pipeline for each trigger")
	}
	for _, one := range p {
		switch {
		case one == nil:
			return nil, errors.New("actions: Handler: a pipeline is nil")
		case h.live[one.trigger] != nil:
			return nil, fmt.Errorf("actions: Handler: two pipelines for %s", one.trigger)
		}
		h.live[one.trigger] = one
	}
	for _, c := range cfg.Candidates {
		if c == nil || h.live[c.trigger] == nil {
			return nil, errors.New("actions: Handler: HandlerConfig.Candidates has one that is nil or for a trigger without a pipeline")
		}
	}
	if len(cfg.Candidates) > 0 && cfg.OnDiff == nil {
		return nil, errors.New("actions: Handler: HandlerConfig.Candidates without OnDiff: nobody would hear of them")
	}
	if h.cfg.Seen == nil {
		h.cfg.Seen = &seen{until: make(map[string]time.Time)}
	}
	if h.cfg.Now == nil {
		h.cfg.Now = time.Now
	}
	return h, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		status := http.StatusNoContent
		if h.cfg.Ready != nil && h.cfg.Ready(r.Context()) != nil {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	case http.MethodPost:
		h.answer(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// refused is an error with the status that the sender gets, and nothing else.
type refused struct {
	status int
	err    error
}

func (h *handler) answer(w http.ResponseWriter, r *http.Request) {
	body, m, e, bad := h.accept(w, r)
	if bad != nil {
		w.WriteHeader(bad.status)
		h.called(r.Context(), nil, nil, bad.err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), allowed(r.Header))
	defer cancel()
	result, denied := h.live[e.Trigger].Run(ctx, e)
	answer, err := writeResult(result)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		h.called(r.Context(), e, result, err)
		return
	}
	m.Answer(w.Header(), h.cfg.Now(), answer)
	if r.ProtoMajor == 1 && (len(h.cfg.Candidates) > 0 || h.cfg.History != nil) {
		w.Header().Set("Connection", "close") // A login that came by it would wait for what runs after the answer.
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer) // Who has gone gets no answer.
	_ = http.NewResponseController(w).Flush()
	h.called(r.Context(), e, result, denied)
	h.after(context.WithoutCancel(r.Context()), body, e, result)
}

// accept reads a request and verifies it.
func (h *handler) accept(w http.ResponseWriter, r *http.Request) ([]byte, webhook.Message, *Event, *refused) {
	var none webhook.Message
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, none, nil, &refused{http.StatusRequestEntityTooLarge, errors.New("actions: the body is too large or has no end")}
	}
	now := h.cfg.Now()
	m, err := h.ring.Verify(r.Header, body, now, tolerance)
	if err != nil {
		return nil, none, nil, &refused{http.StatusUnauthorized, err}
	}
	if err := h.cfg.Seen.Seen(r.Context(), m.ID, now, m.Until); err != nil {
		return nil, none, nil, &refused{http.StatusConflict, fmt.Errorf("actions: a request that was seen before, or nobody can tell: %w", err)}
	}
	e, err := readEvent(body, m.ID, m.At)
	if err == nil && h.live[e.Trigger] == nil {
		err = fmt.Errorf("actions: there is no pipeline for %s", e.Trigger)
	}
	if err != nil {
		return nil, none, nil, &refused{http.StatusBadRequest, err}
	}
	return body, m, e, nil
}

// deadlineHeader is the header in which an Action says for how long it waits.
const deadlineHeader = "Auth0kit-Deadline" // Milliseconds.

// allowed is how long a pipeline may take.
func allowed(h http.Header) time.Duration {
	ms, err := strconv.Atoi(h.Get(deadlineHeader))
	if err != nil || ms <= 0 {
		return deadline
	}
	return min(time.Duration(ms)*time.Millisecond, deadline)
}

func (h *handler) called(ctx context.Context, e *Event, r *Result, err error) {
	if h.cfg.OnCall != nil {
		h.cfg.OnCall(ctx, e, r, err)
	}
}

// after does what nobody waits for. The history and each pipeline get an event of
// their own, in case another's steps have changed it, and an equal part of the time.
func (h *handler) after(ctx context.Context, body []byte, e *Event, r *Result) {
	ctx, cancel := context.WithTimeout(ctx, afterAnswer)
	defer cancel()
	part := afterAnswer / time.Duration(len(h.cfg.Candidates)+1)
	if h.cfg.History != nil {
		h.keep(ctx, part, body, e, r)
	}
	for _, c := range h.cfg.Candidates {
		if c.trigger != e.Trigger {
			continue
		}
		again, err := readEvent(body, e.ID, e.Time)
		if err != nil {
			continue // It was read before.
		}
		own, end := context.WithTimeout(ctx, part)
		d := try(own, c, again, r)
		end()
		h.cfg.OnDiff(ctx, d)
	}
}

func (h *handler) keep(ctx context.Context, part time.Duration, body []byte, e *Event, r *Result) {
	ctx, cancel := context.WithTimeout(ctx, part)
	defer cancel()
	again, err := readEvent(body, e.ID, e.Time)
	if err == nil {
		again.withoutOthers()
		if e.Trigger == PreUserRegistration {
			r = r.withoutValues()
		}
		err = h.cfg.History.Keep(ctx, Recorded{Event: *again, Result: *r})
	}
	if err != nil {
		h.called(ctx, e, nil, fmt.Errorf("actions: the history did not keep %s: %w", e.ID, err))
	}
}

// seen is the SeenStore of a process.
type seen struct {
	mu    sync.Mutex
	until map[string]time.Time
	sweep time.Time
}

func (s *seen) Seen(_ context.Context, id string, now, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.sweep) { // Only signed messages get here, so it is as large as two minutes of logins.
		for old, end := range s.until {
			if !now.Before(end) {
				delete(s.until, old)
			}
		}
		s.sweep = now.Add(tolerance)
	}
	if end, known := s.until[id]; known && now.Before(end) {
		return errors.New("actions: this request was answered before")
	}
	s.until[id] = until
	return nil
}
