package contain_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/examples/portal/contain"
)

// house has layers that note what was closed, and a process that ends after so many
// steps: before or after what the step did was kept.
type house struct {
	*contain.Memory
	closed map[string]int
	end    func(step string) bool
	stop   context.CancelFunc
}

func (h *house) Save(ctx context.Context, r contain.Receipt) error {
	if h.end != nil && h.end("save") {
		h.stop()
		return ctx.Err()
	}
	return h.Memory.Save(ctx, r)
}

func (h *house) layer(name string) contain.Layer {
	return contain.Layer{Name: name, Do: func(ctx context.Context, userID string) (contain.Done, error) {
		h.closed[name+" "+userID]++
		if h.end != nil && h.end(name) {
			h.stop()
			return contain.Done{}, ctx.Err()
		}
		return contain.Done{Did: "closed"}, nil
	}}
}

var names = []string{"block", "sessions", "tokens", "factors"}

func (h *house) containment(t *testing.T, r audit.Recorder) *contain.Containment {
	t.Helper()
	var layers []contain.Layer
	for _, name := range names {
		layers = append(layers, h.layer(name))
	}
	c, err := contain.New(h, r, layers...)
	require.NoError(t, err)
	return c
}

var order = contain.Order{UserID: "auth0|1", By: "auth0|admin", Reason: "phished"}

// A process that ends at any step, while a layer closes or while the answer is kept, is
// followed by another that completes, and asks nobody again who has answered.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for at := range 2*len(names) + 1 {
		h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
		ctx, stop := context.WithCancel(t.Context())
		n := 0
		h.stop, h.end = stop, func(string) bool { n++; return n == at+1 }
		_, err := h.containment(t, audit.Discard).Run(ctx, "i1", order)
		require.Error(t, err, at)
		h.end = nil
		log := audit.NewMemory()
		r, err := h.containment(t, log).Run(t.Context(), "i1", order)
		require.NoError(t, err)
		require.True(t, r.Closed(), at)
		require.Len(t, r.Answers, len(names))
		asked := 0
		for i, name := range names {
			assert.Equal(t, name, r.Layers[i])
			require.Positive(t, h.closed[name+" auth0|1"])
			asked += h.closed[name+" auth0|1"]
		}
		assert.LessOrEqual(t, asked, len(names)+1, "only what the process ended in is done twice")
		again, err := h.containment(t, log).Run(t.Context(), "i1", order)
		require.NoError(t, err)
		assert.Equal(t, r.Answers, again.Answers, "who is closed is not closed again")
		assert.Empty(t, again.Open(time.Now()))
	}
}

// A layer that fails keeps none from being closed, is said, recorded, and tried again.
func TestFailingLayer(t *testing.T) {
	t.Parallel()
	h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
	away := errors.New("away")
	broken := contain.Layer{Name: "broken", Do: func(context.Context, string) (contain.Done, error) { return contain.Done{}, away }}
	log := audit.NewMemory()
	c, err := contain.New(h, log, broken, h.layer("sessions"), contain.Layer{Name: "tokens", Do: func(context.Context, string) (contain.Done, error) {
		return contain.Done{Did: "cut", Open: "elsewhere", Till: time.Now().Add(time.Hour)}, nil
	}})
	require.NoError(t, err)
	for try := 1; try <= 2; try++ {
		r, err := c.Run(t.Context(), "i1", order)
		require.ErrorIs(t, err, away)
		require.False(t, r.Closed())
		assert.Equal(t, 1, h.closed["sessions auth0|1"])
		assert.Equal(t, try, r.Answers[0].Tries)
		open := r.Open(time.Now())
		require.Len(t, open, 2)
		assert.Equal(t, "away", open[0].Failed)
		assert.Equal(t, "elsewhere", open[1].Open)
	}
	failed := 0
	for _, e := range log.Events() {
		assert.Equal(t, []string{"account.contain", "auth0|admin", "auth0|1", "i1"}, []string{e.Action, e.Actor.ID, e.Target.ID, e.Correlation})
		if e.Outcome == audit.Failure {
			failed++
		}
	}
	assert.Equal(t, 2, failed)
	_, err = c.Run(t.Context(), "i1", contain.Order{UserID: "auth0|2", By: "auth0|admin"})
	require.ErrorIs(t, err, contain.ErrOtherUser)
	assert.Zero(t, h.closed["sessions auth0|2"])
}

// A layer that somebody asked for once stays open until it has answered, although a
// later order does not name it, and so does what was not asked or never ends.
func TestOpenIsSaid(t *testing.T) {
	t.Parallel()
	h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
	log := audit.NewMemory()
	away := contain.Layer{Name: "factors", Do: func(context.Context, string) (contain.Done, error) { return contain.Done{}, errors.New("away") }}
	forever := contain.Layer{Name: "key card", Do: func(context.Context, string) (contain.Done, error) {
		return contain.Done{Did: "told", Open: "the door"}, nil
	}}
	c, err := contain.New(h, log, h.layer("block"), forever, away)
	require.NoError(t, err)
	_, err = c.Run(t.Context(), "i1", order)
	require.Error(t, err)
	c, err = contain.New(h, log, h.layer("block"))
	require.NoError(t, err)
	other := order
	other.By = "auth0|another"
	r, err := c.Run(t.Context(), "i1", other)
	require.NoError(t, err)
	assert.False(t, r.Closed(), "the factors are still there")
	var open []string
	for _, a := range r.Open(time.Now().Add(1000 * time.Hour)) {
		open = append(open, a.Layer)
	}
	assert.Equal(t, []string{"key card", "factors"}, open)

	ctx, stop := context.WithCancel(t.Context())
	stop()
	r, err = h.containment(t, log).Run(ctx, "i2", order)
	require.Error(t, err)
	assert.Len(t, r.Open(time.Now()), len(names), "nobody was asked")
	_, err = h.containment(t, log).Run(t.Context(), "i2", other)
	require.NoError(t, err)
	events := log.Events()
	assert.Equal(t, "auth0|another", events[len(events)-1].Actor.ID, "whoever goes on does it")
	kept, err := h.Load(t.Context(), "i2")
	require.NoError(t, err)
	assert.Equal(t, "auth0|admin", kept.By, "who gave the order")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
	for name, make := range map[string]func() (*contain.Containment, error){
		"Book":     func() (*contain.Containment, error) { return contain.New(nil, audit.Discard, h.layer("a")) },
		"Recorder": func() (*contain.Containment, error) { return contain.New(h, nil, h.layer("a")) },
		"layers":   func() (*contain.Containment, error) { return contain.New(h, audit.Discard) },
		"Do":       func() (*contain.Containment, error) { return contain.New(h, audit.Discard, contain.Layer{Name: "a"}) },
		`"a"`:      func() (*contain.Containment, error) { return contain.New(h, audit.Discard, h.layer("a"), h.layer("a")) },
	} {
		_, err := make()
		assert.ErrorContains(t, err, name)
	}
	c := h.containment(t, audit.Discard)
	_, err := c.Run(t.Context(), "", order)
	assert.ErrorContains(t, err, "id")
}

func ExampleContainment_Run() {
	closed := func(name string) contain.Layer {
		return contain.Layer{Name: name, Do: func(context.Context, string) (contain.Done, error) { return contain.Done{Did: "closed"}, nil }}
	}
	c, err := contain.New(contain.NewMemory(), audit.Discard, closed("block at Auth0"), closed("sessions here"))
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := c.Run(context.Background(), "incident-17", contain.Order{UserID: "auth0|65f1", By: "auth0|admin", Reason: "phished"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range receipt.Answers {
		fmt.Println(a.Layer+":", a.Did)
	}
	fmt.Println(receipt.Closed())
	// Output:
	// block at Auth0: closed
	// sessions here: closed
	// true
}

// The process ends when the first layer has answered late, before it could ask the others
// again, who had answered before: whoever goes on does.
func TestInterruptedAfterLateAnswer(t *testing.T) {
	t.Parallel()
	h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
	block, away := h.layer("block"), true
	late := contain.Layer{Name: "block", Do: func(ctx context.Context, userID string) (contain.Done, error) {
		if away {
			return contain.Done{}, errors.New("away")
		}
		return block.Do(ctx, userID)
	}}
	c, err := contain.New(h, audit.Discard, late, h.layer("sessions"), h.layer("tokens"))
	require.NoError(t, err)
	_, err = c.Run(t.Context(), "i1", order)
	require.Error(t, err)
	away = false
	ctx, stop := context.WithCancel(t.Context())
	saves := 0
	h.stop, h.end = stop, func(step string) bool {
		if step == "save" {
			saves++
		}
		return saves == 3 // what follows the answer of the block is not kept any more
	}
	_, err = c.Run(ctx, "i1", order)
	require.Error(t, err)
	kept, err := h.Load(t.Context(), "i1")
	require.NoError(t, err)
	assert.False(t, kept.Closed(), "nobody was asked again yet")
	h.end = nil
	r, err := c.Run(t.Context(), "i1", order)
	require.NoError(t, err)
	require.True(t, r.Closed())
	assert.Equal(t, 3, h.closed["sessions auth0|1"])
	assert.Equal(t, 2, h.closed["tokens auth0|1"], "before the block, and after it")
	assert.Equal(t, 1, h.closed["block auth0|1"])
}

// What a layer has answered is in the audit log before the receipt has it: a process that
// ends in between, or a log that is away, leaves no answer that nobody has recorded.
func TestAnswersAreRecorded(t *testing.T) {
	t.Parallel()
	log := &forgetful{Memory: audit.NewMemory(), away: true}
	h := &house{Memory: contain.NewMemory(), closed: map[string]int{}}
	r, err := h.containment(t, log).Run(t.Context(), "i1", order)
	require.ErrorIs(t, err, audit.ErrNotRecorded)
	assert.False(t, r.Closed())
	for _, name := range names {
		assert.Equal(t, 1, h.closed[name+" auth0|1"], "closed all the same")
	}
	log.away = false
	r, err = h.containment(t, log).Run(t.Context(), "i1", order)
	require.NoError(t, err)
	require.True(t, r.Closed())
	assert.Len(t, log.Events(), len(names))

	for at := range 2*len(names) + 1 {
		h, log := &house{Memory: contain.NewMemory(), closed: map[string]int{}}, audit.NewMemory()
		ctx, stop := context.WithCancel(t.Context())
		n := 0
		h.stop, h.end = stop, func(string) bool { n++; return n == at+1 }
		_, err := h.containment(t, log).Run(ctx, "i1", order)
		require.Error(t, err)
		h.end = nil
		_, err = h.containment(t, log).Run(t.Context(), "i1", order)
		require.NoError(t, err)
		recorded := map[string]bool{}
		for _, e := range log.Events() {
			recorded[e.Metadata["layer"]] = recorded[e.Metadata["layer"]] || e.Outcome == audit.Success
		}
		assert.Len(t, recorded, len(names), at)
		for name, is := range recorded {
			assert.True(t, is, "%d %s", at, name)
		}
	}
}

// forgetful is a log that is away.
type forgetful struct {
	*audit.Memory
	away bool
}

func (f *forgetful) Record(ctx context.Context, e audit.Event) error {
	if f.away {
		return errors.New("away")
	}
	return f.Memory.Record(ctx, e)
}
