package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// line is what came of a login of the script.
type line struct {
	login    login
	decision risk.Decision // Zero for wrong passwords.
	asked    string        // The challenge; empty: none.
	outcome  risk.Outcome
}

// desk starts challenges. A service would send a push or a mail; this one notes
// what it asks for.
type desk struct{ asked string }

// RequireMFA is risk.Enforcer's.
func (k *desk) RequireMFA(_ context.Context, d risk.Decision) error {
	k.asked = "asks " + d.Login.UserID + " for a second factor"
	return nil
}

// SendVerification is risk.Enforcer's.
func (k *desk) SendVerification(_ context.Context, d risk.Decision) error {
	k.asked = "sends a link to " + d.Login.Email
	return nil
}

// service is where people log in.
type service struct {
	engine *risk.Engine
	desk   desk
	clock  time.Time
}

func newService() (*service, error) {
	s := &service{}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	now := func() time.Time { return s.clock }
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{key}, anomaly.Config{Now: now})
	if err != nil {
		return nil, err
	}
	s.engine, err = risk.New(detector, risk.Config{Enforcer: &s.desk, Now: now})
	return s, err
}

// replay runs the script and emits what came of each of its lines.
func replay(ctx context.Context, script []login, emit func(line) error) error {
	s, err := newService()
	if err != nil {
		return err
	}
	for _, l := range script {
		out := line{login: l}
		if l.wrong != nil {
			err = s.failed(ctx, l)
		} else {
			out, err = s.repeat(ctx, l)
		}
		if err == nil {
			err = emit(out)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.at.Format(time.DateTime), err)
		}
	}
	return nil
}

// failed are wrong passwords, a second apart.
func (s *service) failed(ctx context.Context, l login) error {
	for i, name := range l.wrong {
		s.clock = l.at.Add(time.Duration(i) * time.Second)
		if err := s.engine.Failed(ctx, s.attempt(l, name)); err != nil {
			return err
		}
	}
	return nil
}

// repeat does what a line says as often as it says, within a minute, and returns
// the last.
func (s *service) repeat(ctx context.Context, l login) (out line, err error) {
	tries := max(1, l.tries)
	for i := range tries {
		s.clock = l.at.Add(time.Minute / time.Duration(tries) * time.Duration(i))
		if out, err = s.logIn(ctx, l); err != nil {
			return line{}, err
		}
	}
	return out, nil
}

// logIn is what a service does after a right password.
func (s *service) logIn(ctx context.Context, l login) (line, error) {
	s.desk.asked = ""
	d, err := s.engine.Evaluate(ctx, s.attempt(l, l.who))
	if err != nil {
		return line{}, err
	}
	out := line{login: l, decision: d, outcome: risk.Allowed}
	switch err := s.engine.Apply(ctx, d); {
	case errors.Is(err, risk.ErrDenied):
		out.outcome = risk.Refused
	case errors.Is(err, risk.ErrChallenged):
		out.asked, out.outcome = s.desk.asked, risk.StepUpPassed
		if l.attacker {
			out.outcome = risk.Refused
		}
		return out, s.engine.Complete(ctx, d.Login.UserID, d.ID, out.outcome)
	case err != nil:
		return line{}, err
	}
	return out, nil
}

// attempt is a login as the service sees it: without who really sits there.
func (s *service) attempt(l login, user string) risk.Login {
	return risk.Login{
		Email: user + "@example.com",
		Attempt: anomaly.Attempt{
			UserID: user, Time: s.clock, IP: l.from.ip, Place: new(l.from.geo),
			DeviceID: l.with.cookie, UserAgent: l.with.agent,
		},
	}
}
