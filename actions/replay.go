package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Recorded is an event and what was done about it.
type Recorded struct {
	Event  Event
	Result Result
}

// Format hides personal data from package fmt.
func (r Recorded) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows what event and result show.
func (r Recorded) LogValue() slog.Value {
	return secret.Shown(slog.Any("event", r.Event), slog.Any("result", r.Result))
}

// History keeps what was decided, for Replay. What it keeps is personal data.
type History interface {
	Keep(ctx context.Context, r Recorded) error
	// Recorded yields what was kept of the time from, included, to to, in the order of
	// time. An error ends it.
	Recorded(ctx context.Context, from, to time.Time) iter.Seq2[Recorded, error]
}

// Diff is what another pipeline would have done about an event.
type Diff struct {
	EventID, UserID string
	Trigger         Trigger

	// What would be different, in words without personal data: claims and metadata
	// are named, their values are in Before and After. Empty: nothing.
	Changes       []string
	Before, After *Result
	Err           error // Why the pipeline failed, which denies the login. Nil when a step denies it.
}

// Format hides claims and metadata from package fmt.
func (d Diff) Format(f fmt.State, _ rune) { secret.Format(f, d) }

// LogValue shows ids and what would be different.
func (d Diff) LogValue() slog.Value {
	return secret.Shown(slog.String("event_id", d.EventID), slog.String("user_id", d.UserID), slog.String("trigger", string(d.Trigger)),
		slog.Any("changes", d.Changes), slog.Any("err", d.Err))
}

// Summary counts the events of a replay.
type Summary struct{ Events, Same, Changed, Failed int }

// try runs a pipeline on an event without effect and compares.
func try(ctx context.Context, p *Pipeline, e *Event, before *Result) Diff {
	e.DryRun = true
	d := Diff{EventID: e.ID, UserID: e.User.ID, Trigger: e.Trigger, Before: before}
	after, err := p.Run(ctx, e)
	d.After, d.Changes = after, changes(before, after)
	if n := len(after.Steps); err != nil && (n == 0 || !errors.Is(after.Steps[n-1].Err, ErrDenied)) {
		d.Err = err
	}
	return d
}

// Replay runs what a History has kept of a time through a pipeline, with DryRun, and
// yields a Diff for each event of its trigger. An event without a field that the
// pipeline needs fails. Steps that ask other services get today's answers.
func Replay(ctx context.Context, h History, from, to time.Time, p *Pipeline) iter.Seq2[Diff, error] {
	return func(yield func(Diff, error) bool) {
		for r, err := range h.Recorded(ctx, from, to) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Diff{}, err)
				return
			}
			if r.Event.Trigger != p.trigger {
				continue
			}
			d := try(ctx, p, &r.Event, &r.Result)
			if p.trigger == PreUserRegistration { // Of what was set, names alone are kept.
				d.Changes = changes(r.Result.withoutValues(), d.After.withoutValues())
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// WriteDiffs writes a line for each event that would have ended differently, and
// returns how many there were. It stops at an error.
func WriteDiffs(w io.Writer, diffs iter.Seq2[Diff, error]) (Summary, error) {
	var s Summary
	for d, err := range diffs {
		if err != nil {
			return s, err
		}
		s.Events++
		switch {
		case d.Err != nil:
			s.Failed++
			_, err = fmt.Fprintln(w, printable(fmt.Sprintf("%s %s: fails: %v", d.EventID, d.UserID, d.Err)))
		case len(d.Changes) == 0:
			s.Same++
		default:
			s.Changed++
			_, err = fmt.Fprintln(w, printable(d.EventID+" "+d.UserID))
			for _, c := range d.Changes {
				if err == nil {
					_, err = fmt.Fprintln(w, printable("  "+c))
				}
			}
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// changes says what b has otherwise than a.
func changes(a, b *Result) []string {
	var out []string
	switch {
	case a.Denied == b.Denied:
	case a.Denied == "":
		out = append(out, "denied: "+b.Denied)
	case b.Denied == "":
		out = append(out, "no longer denied: "+a.Denied)
	default:
		out = append(out, "denied otherwise: "+b.Denied)
	}
	if a.Denied == "" && b.Denied == "" { // A denial makes no tokens.
		if a.MFA != b.MFA {
			out = append(out, map[bool]string{true: "second factor: required", false: "second factor: no longer required"}[b.MFA])
		}
		out = append(out, listed("scope added", a.AddScopes, b.AddScopes)...)
		out = append(out, listed("scope removed", a.RemoveScopes, b.RemoveScopes)...)
		out = append(out, named("ID token", a.IDToken, b.IDToken)...)
		out = append(out, named("access token", a.AccessToken, b.AccessToken)...)
	}
	out = append(out, named("app_metadata", a.AppMetadata, b.AppMetadata)...)
	return append(out, named("user_metadata", a.UserMetadata, b.UserMetadata)...)
}

func listed(what string, a, b []string) (out []string) {
	for _, s := range b {
		if !slices.Contains(a, s) {
			out = append(out, what+": "+s)
		}
	}
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, "no "+what+": "+s)
		}
	}
	return out
}

func named(what string, a, b map[string]any) (out []string) {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		before, had := a[name]
		after, has := b[name]
		switch {
		case !had:
			out = append(out, what+": + "+name)
		case !has:
			out = append(out, what+": - "+name)
		case !same(before, after):
			out = append(out, what+": ~ "+name)
		}
	}
	return out
}

// same compares as JSON: what a history gives back has other types.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	if errX != nil || errY != nil || bytes.Equal(x, y) {
		return errX == nil && errY == nil
	}
	var left, right any // Structs and maps order their fields differently.
	if json.Unmarshal(x, &left) != nil || json.Unmarshal(y, &right) != nil {
		return false
	}
	x, _ = json.Marshal(left)
	y, _ = json.Marshal(right)
	return bytes.Equal(x, y)
}
