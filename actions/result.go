package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Result is what a pipeline wants done.
type Result struct {
	Denied                    string // Why it is denied. Empty: it is not.
	MFA                       bool
	IDToken, AccessToken      map[string]any
	AddScopes, RemoveScopes   []string
	AppMetadata, UserMetadata map[string]any
	Steps                     []StepResult // Of those that ran, in their order.
}

// StepResult is how a step ended.
type StepResult struct {
	Name string
	Took time.Duration
	Err  error
}

// stepText is a StepResult in JSON.
type stepText struct {
	Name string
	Took time.Duration
	Err  string `json:",omitempty"`
}

// MarshalJSON writes the error as its text.
func (s StepResult) MarshalJSON() ([]byte, error) {
	out := stepText{Name: s.Name, Took: s.Took}
	if s.Err != nil {
		out.Err = s.Err.Error()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *StepResult) UnmarshalJSON(data []byte) error {
	var in stepText
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*s = StepResult{Name: in.Name, Took: in.Took}
	if in.Err != "" {
		s.Err = errors.New(in.Err)
	}
	return nil
}

// Format hides claims and metadata from package fmt.
func (r Result) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows how the pipeline ended.
func (r Result) LogValue() slog.Value {
	return secret.Shown(slog.String("denied", r.Denied), slog.Bool("mfa", r.MFA), slog.Int("steps", len(r.Steps)))
}

// withoutValues is what a sign-up keeps: what steps set or said is about a person
// whom no erasure reaches.
func (r Result) withoutValues() *Result {
	r.AppMetadata, r.UserMetadata = withoutValues(r.AppMetadata), withoutValues(r.UserMetadata)
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		if r.Steps[i].Err != nil {
			r.Steps[i].Err = errors.New("not kept")
		}
	}
	return &r
}

func withoutValues(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name := range m {
		out[name] = nil
	}
	return out
}

// fail denies without a reason that the user could read.
func (r *Result) fail(err error) (*Result, error) {
	r.Denied = unavailable
	return r, fmt.Errorf("%w: %w", ErrDenied, err)
}

// merge takes what a step said out of s; a later step wins.
func (r *Result) merge(s *Result) {
	r.MFA = r.MFA || s.MFA
	take(&r.IDToken, &s.IDToken)
	take(&r.AccessToken, &s.AccessToken)
	take(&r.AppMetadata, &s.AppMetadata)
	take(&r.UserMetadata, &s.UserMetadata)
	r.AddScopes = append(r.AddScopes, s.AddScopes...)
	r.RemoveScopes = append(r.RemoveScopes, s.RemoveScopes...)
	s.MFA, s.AddScopes, s.RemoveScopes = false, s.AddScopes[:0], s.RemoveScopes[:0]
}

func take(to, from *map[string]any) {
	if *to == nil {
		*to, *from = *from, nil
		return
	}
	maps.Copy(*to, *from)
	clear(*from)
}
