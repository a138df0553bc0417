// Package contain closes an account that somebody else may be in, layer by layer, and
// says afterwards what each layer did and what is still open until when:
//
//	c, err := contain.New(contain.NewMemory(), recorder,
//		contain.Block(client), contain.RevokeAtAuth0(client), contain.EndSessions(sessions),
//		contain.CutTokens(cutoff, 2*time.Second, 24*time.Hour), contain.ResetFactors(factors))
//	…
//	receipt, err := c.Run(ctx, "incident-17", contain.Order{UserID: "auth0|65f1", By: "auth0|admin", Reason: "phished"})
//
// The order matters. The account is blocked first, so that nobody signs in again while
// the rest is closed; what lives longest comes after it.
//
// Run can be repeated, by the same process or by another after a crash: it goes on with
// the first layer that has not answered, and asks those after it again, since who was
// not blocked yet may have signed in anew after they had answered. A layer that fails
// keeps no other from being closed.
package contain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Layer is one place where an account is open. Do closes it; it may be called again
// for the same user, also after it has succeeded.
type Layer struct {
	Name string
	Do   func(ctx context.Context, userID string) (Done, error)
}

// Done is what a layer did.
type Done struct {
	Did  string    // In a few words, without personal data.
	Open string    // What still works, and where; empty for nothing.
	Till time.Time // Until when it does; zero for no end that is known.
}

// Answer is a layer's line of the receipt.
type Answer struct {
	Layer string
	At    time.Time // When it answered last.
	Tries int
	Done
	Failed string // Why it is not closed. Empty: it is.
}

// Order says whose account is closed, by whom and why.
type Order struct {
	UserID string
	By     string // The id of who gives the order, or goes on with it.
	Reason string // For the audit trail: no personal data.
}

// Receipt is what was done about an order.
type Receipt struct {
	ID string
	Order
	Began   time.Time
	Answers []Answer // In the order of the layers; those that were not asked yet are not there.
	Layers  []string // All that are to be closed.
}

// Closed reports whether every layer has answered.
func (r *Receipt) Closed() bool {
	return !slices.ContainsFunc(r.Layers, func(name string) bool { return !r.has(name) })
}

// Open returns the answers whose layer leaves something open at that time, and one
// without a try for each layer that was not asked yet.
func (r *Receipt) Open(now time.Time) []Answer {
	open := slices.DeleteFunc(slices.Clone(r.Answers), func(a Answer) bool {
		return a.Failed == "" && (a.Open == "" || !a.Till.IsZero() && !a.Till.After(now))
	})
	for _, name := range r.Layers {
		if r.index(name) < 0 {
			open = append(open, Answer{Layer: name, Failed: "not asked yet"})
		}
	}
	return open
}

func (r *Receipt) has(layer string) bool {
	i := r.index(layer)
	return i >= 0 && r.Answers[i].Failed == ""
}

// index is the place of a layer's answer, of which there is one at most, or -1.
func (r *Receipt) index(layer string) int {
	return slices.IndexFunc(r.Answers, func(a Answer) bool { return a.Layer == layer })
}

// answer puts the answer of a layer in its place. What the layers after it had answered
// before it was closed was too early.
func (r *Receipt) answer(a Answer) {
	if i := r.index(a.Layer); i >= 0 {
		a.Tries += r.Answers[i].Tries
		r.Answers[i] = a
	} else {
		r.Answers = append(r.Answers, a)
	}
	if a.Failed != "" {
		return
	}
	for _, later := range r.Layers[slices.Index(r.Layers, a.Layer)+1:] {
		if i := r.index(later); i >= 0 && r.Answers[i].Failed == "" {
			r.Answers[i].Failed = "to be asked again"
		}
	}
}

// Book keeps receipts.
type Book interface {
	// Save keeps a receipt under its ID, in the place of an earlier one.
	Save(ctx context.Context, r Receipt) error
	// Load returns a receipt, or ErrNone.
	Load(ctx context.Context, id string) (Receipt, error)
}

// ErrNone is returned for a receipt that there is not.
var ErrNone = errors.New("contain: there is no such receipt")

// ErrOtherUser is returned by Run for an id under which another account was closed.
var ErrOtherUser = errors.New("contain: the id is that of another account's receipt; choose another")

// Containment closes accounts. It is safe for concurrent use.
type Containment struct {
	book     Book
	recorder audit.Recorder
	layers   []Layer
}

// New returns a Containment of layers in their order. recorder receives
// "account.contain" for each layer that has answered.
func New(book Book, recorder audit.Recorder, layers ...Layer) (*Containment, error) {
	switch {
	case book == nil:
		return nil, errors.New("contain: New needs a Book; NewMemory returns one")
	case recorder == nil:
		return nil, errors.New("contain: New needs a Recorder; it is nil, and audit.Discard is one")
	case len(layers) == 0:
		return nil, errors.New("contain: New needs layers; without any, nothing would be closed")
	}
	for i, l := range layers {
		if l.Name == "" || l.Do == nil {
			return nil, fmt.Errorf("contain: layer %d needs Name and Do", i)
		}
		if slices.ContainsFunc(layers[:i], func(other Layer) bool { return other.Name == l.Name }) {
			return nil, fmt.Errorf("contain: two layers are named %q", l.Name)
		}
	}
	return &Containment{book, recorder, slices.Clone(layers)}, nil
}

// Run closes the layers of the order's account that have not answered under id, and
// those after them, and returns the receipt. Beside it, an error says which layers
// failed, which were not recorded, or that the receipt could not be kept: call Run again
// with the same id. Without a receipt nothing was done.
func (c *Containment) Run(ctx context.Context, id string, o Order) (*Receipt, error) {
	if id == "" || o.UserID == "" || o.By == "" {
		return nil, errors.New("contain: Run needs an id, Order.UserID and Order.By")
	}
	r, err := c.begin(ctx, id, o)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, l := range c.layers {
		if r.has(l.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return &r, errors.Join(append(failed, err)...)
		}
		done, err := l.Do(ctx, o.UserID)
		// Before the receipt has it: an answer that is kept is not asked for again.
		err = errors.Join(err, c.record(ctx, &r, o.By, l.Name, err))
		a := Answer{Layer: l.Name, At: time.Now(), Tries: 1, Done: done}
		if err != nil {
			a.Failed = err.Error()
			failed = append(failed, fmt.Errorf("contain: %s: %w", l.Name, err))
		}
		r.answer(a)
		failed = append(failed, c.book.Save(ctx, r))
	}
	return &r, errors.Join(failed...)
}

func (c *Containment) begin(ctx context.Context, id string, o Order) (Receipt, error) {
	r, err := c.book.Load(ctx, id)
	switch {
	case errors.Is(err, ErrNone):
		r = Receipt{ID: id, Order: o, Began: time.Now()}
	case err != nil:
		return r, err
	case r.UserID != o.UserID:
		return r, ErrOtherUser
	}
	r.Answers, r.Layers = slices.Clone(r.Answers), slices.Clone(r.Layers)
	for _, l := range c.layers {
		if !slices.Contains(r.Layers, l.Name) { // what was ordered once stays to be closed
			r.Layers = append(r.Layers, l.Name)
		}
	}
	return r, c.book.Save(ctx, r)
}

func (c *Containment) record(ctx context.Context, r *Receipt, by, layer string, failed error) error {
	e := audit.Event{
		Type: "account", Action: "account.contain", Actor: audit.Ref{Kind: "user", ID: by}, Target: audit.Ref{Kind: "user", ID: r.UserID},
		Correlation: r.ID, Reason: r.Reason, Source: "examples/portal", Outcome: audit.Success, Metadata: map[string]string{"layer": layer},
	}
	if failed != nil {
		e.Outcome = audit.Failure
	}
	return audit.Record(ctx, c.recorder, e)
}

// Memory is a Book of one process.
type Memory struct {
	mu  sync.Mutex
	all map[string]Receipt
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{all: make(map[string]Receipt)} }

// Save implements Book.
func (m *Memory) Save(_ context.Context, r Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Answers = slices.Clone(r.Answers)
	m.all[r.ID] = r
	return nil
}

// Load implements Book.
func (m *Memory) Load(_ context.Context, id string) (Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[id]
	if !ok {
		return r, ErrNone
	}
	r.Answers = slices.Clone(r.Answers)
	return r, nil
}
