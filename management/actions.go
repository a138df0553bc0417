package management

import (
	"context"
	"maps"
	"net/url"
	"slices"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// triggerVersions are the current versions of the triggers; "v2" is that of the
// others (https://auth0.com/docs/customize/actions/explore-triggers).
var triggerVersions = map[string]string{
	"post-login": "v3", "custom-phone-provider": "v1", "custom-email-provider": "v1",
	"password-reset-post-challenge": "v1", "custom-token-exchange": "v1", "password-hash-migration": "v1",
}

const defaultTrigger = "post-login"

// Actions returns the actions that a trigger can run; "" is post-login. Auth0
// allows 100.
func (c *Client) Actions(ctx context.Context, trigger string) ([]resource.Action, error) {
	const op = "list actions"
	if trigger == "" {
		trigger = defaultTrigger
	}
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Action, int, error) {
		query.Del("include_totals")
		query.Set("triggerId", trigger)
		var out sdk.ActionList
		if err := c.get(ctx, op, query, listOf("actions", "id", &out), "actions", "actions"); err != nil {
			return nil, 0, err
		}
		return convert(out.Actions, action), out.Total, nil
	}))
}

// CreateAction creates an action, which runs only after it was deployed and
// bound. After ErrOutcomeUnknown it may exist: look for its name.
func (c *Client) CreateAction(ctx context.Context, a resource.Action) (*resource.Action, error) {
	const op = "create action"
	if a.Name == "" || a.Code == "" {
		return nil, invalid(op, "Action.Name and Action.Code are required")
	}
	in := actionBody(a)
	if a.Trigger == "" {
		a.Trigger = defaultTrigger
	}
	version := triggerVersions[a.Trigger]
	if version == "" {
		version = "v2"
	}
	in["supported_triggers"] = []map[string]string{{"id": a.Trigger, "version": version}}
	var out sdk.Action
	if err := c.send(ctx, op, "POST", in, objectWith("id", &out), "actions", "actions"); err != nil {
		return nil, err
	}
	return new(action(&out)), nil
}

// UpdateAction changes the draft of an action: what of Name, Code and Secrets
// is set. Secrets are replaced as a whole. The deployed version runs on until
// DeployAction.
func (c *Client) UpdateAction(ctx context.Context, id string, a resource.Action) (*resource.Action, error) {
	var out sdk.Action
	if err := c.send(ctx, "update action", "PATCH", actionBody(a), objectWith("id", &out), "actions", "actions", id); err != nil {
		return nil, err
	}
	return new(action(&out)), nil
}

// DeployAction deploys the draft, which must be built; Status says so a second
// or two after a change. After ErrOutcomeUnknown look at ActionVersions.
func (c *Client) DeployAction(ctx context.Context, id string) (*resource.ActionVersion, error) {
	var out sdk.ActionVersion
	if err := c.send(ctx, "deploy action", "POST", nil, objectWith("id", &out), "actions", "actions", id, "deploy"); err != nil {
		return nil, err
	}
	return new(actionVersion(&out)), nil
}

// DeleteAction deletes an action that no binding uses.
func (c *Client) DeleteAction(ctx context.Context, id string) error {
	return c.send(ctx, "delete action", "DELETE", nil, nil, "actions", "actions", id)
}

// ActionVersions returns the versions of an action, of which Auth0 keeps 50.
func (c *Client) ActionVersions(ctx context.Context, id string) ([]resource.ActionVersion, error) {
	const op = "list action versions"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.ActionVersion, int, error) {
		query.Del("include_totals")
		var out sdk.ActionVersionList
		if err := c.get(ctx, op, query, listOf("versions", "id", &out), "actions", "actions", id, "versions"); err != nil {
			return nil, 0, err
		}
		return convert(out.Versions, actionVersion), out.Total, nil
	}))
}

// DeployActionVersion makes an earlier version the one that runs: a rollback.
func (c *Client) DeployActionVersion(ctx context.Context, id, versionID string) (*resource.ActionVersion, error) {
	var out sdk.ActionVersion
	err := c.send(ctx, "deploy action version", "POST", nil, objectWith("id", &out), "actions", "actions", id, "versions", versionID, "deploy")
	if err != nil {
		return nil, err
	}
	return new(actionVersion(&out)), nil
}

// Bindings returns the actions bound to a trigger in the order in which they
// run.
func (c *Client) Bindings(ctx context.Context, trigger string) ([]resource.Binding, error) {
	const op = "list bindings"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Binding, int, error) {
		query.Del("include_totals")
		var out sdk.ActionBindingList
		if err := c.get(ctx, op, query, listOf("bindings", "action", &out), "actions", "triggers", trigger, "bindings"); err != nil {
			return nil, 0, err
		}
		return convert(out.Bindings, func(b *sdk.ActionBinding) resource.Binding {
			return resource.Binding{ActionID: b.GetAction().GetID(), Name: b.GetDisplayName()}
		}), out.Total, nil
	}))
}

// SetBindings replaces all bindings of a trigger by b, in that order. Bindings that
// are not in b are removed: read them with Bindings first.
func (c *Client) SetBindings(ctx context.Context, trigger string, b []resource.Binding) error {
	const op = "set bindings"
	for _, binding := range b {
		if binding.ActionID == "" {
			return invalid(op, "Binding.ActionID is empty")
		}
	}
	in := map[string]any{"bindings": convert(b, func(b resource.Binding) *sdk.ActionBinding {
		return &sdk.ActionBinding{
			Ref:         &sdk.ActionBindingReference{Type: new(sdk.ActionBindingReferenceByID), Value: &b.ActionID},
			DisplayName: optional(b.Name),
		}
	})}
	return c.send(ctx, op, "PATCH", in, listOf("bindings", "action", new(sdk.ActionBindingList)), "actions", "triggers", trigger, "bindings")
}

// actionBody is what of a is set. The SDK's type would send null for the rest.
func actionBody(a resource.Action) map[string]any {
	in := map[string]any{}
	if a.Name != "" {
		in["name"] = a.Name
	}
	if a.Code != "" {
		in["code"] = a.Code
	}
	if a.Secrets != nil {
		secrets := make([]map[string]string, 0, len(a.Secrets))
		for _, name := range slices.Sorted(maps.Keys(a.Secrets)) {
			secrets = append(secrets, map[string]string{"name": name, "value": a.Secrets[name]})
		}
		in["secrets"] = secrets
	}
	return in
}

func action(a *sdk.Action) resource.Action {
	out := resource.Action{
		ID: a.GetID(), Name: a.GetName(), Code: a.GetCode(), Status: a.GetStatus(), Version: a.GetDeployedVersion().GetID(),
		Pending: !a.AllChangesDeployed,
	}
	if len(a.SupportedTriggers) > 0 {
		out.Trigger = a.SupportedTriggers[0].GetID()
	}
	if a.Secrets != nil {
		out.Secrets = make(map[string]string, len(*a.Secrets))
		for _, secret := range *a.Secrets {
			out.Secrets[secret.GetName()] = ""
		}
	}
	return out
}

func actionVersion(v *sdk.ActionVersion) resource.ActionVersion {
	return resource.ActionVersion{ID: v.GetID(), Number: v.Number, Deployed: v.Deployed, CreatedAt: v.GetCreatedAt()}
}
