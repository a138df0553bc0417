package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
)

// namespace begins the names of our claims.
const namespace = "https://ledger.example.com/"

// claims is what runs at each login at Auth0: an Action asks this program.
func claims(counter actions.Counter, log audit.Recorder) (*actions.Pipeline, error) {
	segment, track := actions.Segment(namespace+"segment", counter), actions.Track(log)
	segment.Timeout, track.Timeout = 500*time.Millisecond, time.Second // both wait for the database
	return actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended. Ask your administrator."),
		actions.MetadataClaims(namespace, "plan"),
		actions.RoleClaim(namespace+"roles"),
		segment,
		track,
	)
}

func (p *portal) buildClaims(context.Context, func(string) string) (err error) {
	p.pipeline, err = claims(p.logins, p.log)
	return err
}

// actionPath is where the Action asks.
const actionPath = "/auth0/actions"

func (p *portal) actionHandler() (http.Handler, error) {
	return actions.Handler([][]byte{p.actionKey}, actions.HandlerConfig{Seen: p.logins}, p.pipeline)
}

// deploy puts the Action into the tenant, as a deployment from CI does.
func (p *portal) deploy(ctx context.Context, url string) error {
	d, err := actions.NewDeployment(p.client, p.pipeline, url, [][]byte{p.actionKey}, actions.DeploymentConfig{Timeout: 2 * time.Second})
	if err != nil {
		return err
	}
	plan, err := d.Plan(ctx)
	if err != nil {
		return fmt.Errorf("plan the Action: %w", err)
	}
	return d.Apply(ctx, plan)
}
