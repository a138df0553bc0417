package main

import (
	"context"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
)

const namespace = "https://example.com/"

// pipeline is what runs at each login.
func pipeline(counter actions.Counter, recorder audit.Recorder) (*actions.Pipeline, error) {
	return actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."),
		actions.MetadataClaims(namespace, "plan"),
		actions.Segment(namespace+"segment", counter),
		actions.Track(recorder),
	)
}

// next is what is to run from next week on: trials end, and gold needs a second
// factor.
func next(counter actions.Counter) (*actions.Pipeline, error) {
	return actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."),
		actions.Step{Name: "trial", Run: trial},
		actions.MFA(func(e *actions.Event) bool { return e.User.AppMetadata["plan"] == "gold" }),
		actions.MetadataClaims(namespace, "plan", "seats"),
		actions.Segment(namespace+"segment", counter),
	)
}

func trial(_ context.Context, e *actions.Event, _ *actions.Commands) error {
	ends, err := time.Parse(time.DateOnly, text(e.User.AppMetadata["trial_ends"]))
	if err == nil && e.Time.After(ends) {
		return actions.Deny("Your trial has ended.")
	}
	return nil
}

func text(v any) string { s, _ := v.(string); return s }
