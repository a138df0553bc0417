package actions

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/internal/webhook"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Target is the tenant that a Deployment changes. *management.Client implements it;
// tests use a tenant of auth0test.
type Target interface {
	Actions(ctx context.Context, trigger string) ([]resource.Action, error)
	CreateAction(ctx context.Context, a resource.Action) (*resource.Action, error)
	UpdateAction(ctx context.Context, id string, a resource.Action) (*resource.Action, error)
	DeployAction(ctx context.Context, id string) (*resource.ActionVersion, error)
	DeleteAction(ctx context.Context, id string) error
	ActionVersions(ctx context.Context, id string) ([]resource.ActionVersion, error)
	DeployActionVersion(ctx context.Context, id, versionID string) (*resource.ActionVersion, error)
	Bindings(ctx context.Context, trigger string) ([]resource.Binding, error)
	SetBindings(ctx context.Context, trigger string, b []resource.Binding) error
}

// DeploymentConfig holds a Deployment's optional settings. The zero value uses the
// defaults.
type DeploymentConfig struct {
	Name string // Of the Action. Defaults to "auth0kit-" and the trigger.

	// OnUnreachable is what the Action does without a good answer from the server.
	// Defaults to DenyLogin. RequireMFA is for PostLogin; nobody can answer it where a
	// refresh token is used. AllowLogin lets in, past all steps but Suspended, also
	// whoever makes their own event fail: who fills their user_metadata until the
	// request is too large, or logs in while the server is kept busy.
	OnUnreachable Verdict

	// Timeout is how long the Action waits for an answer: 100 ms to 2 s. Defaults to
	// 1 s. All Actions of a public cloud tenant share 250 places to run in.
	Timeout time.Duration

	Send []string // Fields to send beside those that the pipeline needs, for candidates and replays.
}

// Limits of Auth0 (https://auth0.com/docs/customize/actions/limitations).
const (
	maxCode     = 100_000
	maxBindings = 20
)

// How a Deployment waits.
const (
	buildPoll  = 500 * time.Millisecond
	buildTime  = 2 * time.Minute
	settlePoll = time.Second // Longer than another deployer takes from reading the bindings to writing them.
	maxSettle  = 20
)

var settleMore = retry.Backoff{First: settlePoll, Last: settlePoll} // Two that meet once do not meet again.

// Deployment keeps the Action of a pipeline in a tenant. Each change is a Plan that
// is looked at and then applied. It is safe for concurrent use; two that deploy at
// once end with both Actions bound.
type Deployment struct {
	target Target
	p      *Pipeline
	cfg    DeploymentConfig
	sends  []string
	want   *resource.Action // As it is to be.
}

// NewDeployment returns a Deployment. url is where the tenant reaches the Handler,
// by https, or by http at a loopback address; the first of keys becomes the
// Action's secret.
func NewDeployment(t Target, p *Pipeline, url string, keys [][]byte, cfg DeploymentConfig) (*Deployment, error) {
	if t == nil {
		return nil, errors.New("actions: NewDeployment: the Target is nil; give a *management.Client")
	}
	if p == nil {
		return nil, errors.New("actions: NewDeployment: the pipeline is nil")
	}
	if err := checkURL(url); err != nil {
		return nil, err
	}
	if _, err := webhook.New(keys); err != nil {
		return nil, fmt.Errorf("actions: NewDeployment: %w", err)
	}
	cfg.Name = cmp.Or(cfg.Name, "auth0kit-"+string(p.trigger))
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Second)
	switch u := cfg.OnUnreachable; {
	case cfg.Timeout < 100*time.Millisecond || cfg.Timeout > 2*time.Second:
		return nil, errors.New("actions: NewDeployment: DeploymentConfig.Timeout must be between 100 ms and 2 s")
	case u != DenyLogin && u != AllowLogin && (u != RequireMFA || p.trigger != PostLogin):
		return nil, fmt.Errorf("actions: NewDeployment: DeploymentConfig.OnUnreachable cannot be %q for %s", u, p.trigger)
	}
	for _, name := range cfg.Send {
		if fields[name] == nil {
			return nil, fmt.Errorf("actions: NewDeployment: DeploymentConfig.Send has %q, which is no field that can be sent", name)
		}
	}
	d := &Deployment{target: t, p: p, cfg: cfg, sends: slices.Concat(p.needs, cfg.Send)}
	slices.Sort(d.sends)
	d.sends = slices.Compact(d.sends)
	d.want = &resource.Action{
		Name: cfg.Name, Trigger: string(p.trigger), Code: newShimConfig(p, url, keys[0], cfg.OnUnreachable, cfg.Timeout, d.sends).code(),
		Secrets: map[string]string{keySecret: webhook.Secret(keys[0])},
	}
	return d, nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("actions: NewDeployment: url is no absolute URL, or has a user or a fragment")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !ip.IsLoopback() && u.Hostname() != "localhost") {
		return errors.New("actions: NewDeployment: url must begin with https://")
	}
	return nil
}

// Validate reports why pipelines cannot run behind this deployment: a step needs a
// field that is not sent, or the trigger is another. It always looks at the
// deployment's own pipeline and at the size of the code; give it candidates, and the
// pipelines of a server that is newer than the Action.
func (d *Deployment) Validate(p ...*Pipeline) error {
	if len(d.want.Code) > maxCode {
		return fmt.Errorf("actions: the code of the Action has %d bytes; Auth0 takes %d", len(d.want.Code), maxCode)
	}
	for _, one := range append([]*Pipeline{d.p}, p...) {
		if one == nil || one.trigger != d.p.trigger {
			return fmt.Errorf("actions: Validate: a pipeline is nil or not for %s", d.p.trigger)
		}
		for _, s := range one.steps {
			if err := s.check(one.trigger); err != nil {
				return err
			}
			for _, name := range s.Needs {
				if !slices.Contains(d.sends, name) {
					return fmt.Errorf("actions: step %q needs %q, which this deployment does not send; add it to DeploymentConfig.Send", s.Name, name)
				}
			}
		}
	}
	return nil
}

// found is what a Plan was made from.
type found struct {
	action   *resource.Action
	bindings []resource.Binding
}

func (d *Deployment) look(ctx context.Context) (f found, err error) {
	list, err := d.target.Actions(ctx, string(d.p.trigger))
	if err != nil {
		return f, err
	}
	for i := range list {
		if list[i].Name == d.cfg.Name {
			f.action = &list[i]
		}
	}
	if f.action != nil && !strings.HasPrefix(f.action.Code, marker) {
		return f, fmt.Errorf("actions: the Action %q was not made by a Deployment; give DeploymentConfig.Name another", d.cfg.Name)
	}
	f.bindings, err = d.target.Bindings(ctx, string(d.p.trigger))
	return f, err
}

// state tells whether the Action is as it was. Bindings are read again when they
// are written.
func (f found) state() [sha256.Size]byte {
	if f.action == nil {
		return [sha256.Size]byte{}
	}
	a := f.action
	return sha256.Sum256([]byte(strings.Join([]string{a.ID, a.Version, fmt.Sprint(a.Pending), a.Code}, "\x00")))
}

func (f found) bound() bool { return f.action != nil && has(f.bindings, f.action.ID) }

func has(list []resource.Binding, id string) bool {
	return slices.ContainsFunc(list, func(b resource.Binding) bool { return b.ActionID == id })
}

// deploy makes the code run, and binds it. A draft that does not run yet is written
// again: it may have somebody else's secret.
func (d *Deployment) deploy(ctx context.Context, f found) error {
	a := f.action
	if a == nil || a.Code != d.want.Code || !deployed(a) {
		var err error
		if a == nil {
			a, err = d.target.CreateAction(ctx, *d.want)
		} else {
			a, err = d.target.UpdateAction(ctx, a.ID, resource.Action{Code: d.want.Code, Secrets: d.want.Secrets})
		}
		if err != nil {
			return err
		}
		if err := d.built(ctx, a.ID); err != nil {
			return err
		}
		if _, err := d.target.DeployAction(ctx, a.ID); err != nil {
			return err
		}
	}
	return d.bind(ctx, a.ID)
}

// deployed reports whether what runs is the draft, and has the key.
func deployed(a *resource.Action) bool {
	_, keyed := a.Secrets[keySecret]
	return a.Version != "" && !a.Pending && (keyed || a.Secrets == nil)
}

// built waits until an Action can be deployed.
func (d *Deployment) built(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	for {
		list, err := d.target.Actions(ctx, string(d.p.trigger))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(a resource.Action) bool { return a.ID == id })
		switch {
		case i < 0: // A list may be behind.
		case list[i].Code != d.want.Code:
			return ErrDrift
		case list[i].Status == "built":
			return nil
		case list[i].Status == "failed":
			return errors.New("actions: Auth0 could not build the Action; the tenant's log says why")
		}
		if err := retry.Sleep(ctx, buildPoll); err != nil {
			return fmt.Errorf("actions: the Action was not built: %w", err)
		}
	}
}

func (d *Deployment) bind(ctx context.Context, id string) error {
	return d.settle(ctx, func(list []resource.Binding) ([]resource.Binding, error) {
		if has(list, id) {
			return list, nil
		}
		if err := d.room(list); err != nil {
			return nil, err
		}
		return append(slices.Clone(list), resource.Binding{ActionID: id, Name: d.cfg.Name}), nil
	})
}

func (d *Deployment) room(list []resource.Binding) error {
	if len(list) >= maxBindings {
		return fmt.Errorf("actions: %d Actions are bound to %s, and Auth0 takes no more", len(list), d.p.trigger)
	}
	return nil
}

func (d *Deployment) unbind(ctx context.Context, id string) error {
	return d.settle(ctx, func(list []resource.Binding) ([]resource.Binding, error) {
		return slices.DeleteFunc(slices.Clone(list), func(b resource.Binding) bool { return b.ActionID == id }), nil
	})
}

// settle changes the list of bindings, which Auth0 only takes as a whole. Whoever has
// read it before and writes it after undoes the change without knowing, so it is
// done when it is still there a while later.
func (d *Deployment) settle(ctx context.Context, change func([]resource.Binding) ([]resource.Binding, error)) error {
	for range maxSettle {
		list, err := d.target.Bindings(ctx, string(d.p.trigger))
		if err != nil {
			return err
		}
		next, err := change(list)
		if err != nil || slices.Equal(list, next) {
			return err
		}
		if err := d.target.SetBindings(ctx, string(d.p.trigger), next); err != nil {
			return err
		}
		if err := retry.Sleep(ctx, settlePoll+settleMore.Pause(1)); err != nil {
			return err
		}
	}
	return errors.New("actions: others keep changing the bindings; try again when they have ended")
}
