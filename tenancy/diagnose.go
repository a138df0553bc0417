package tenancy

import "context"

// Diagnose returns sentences for a developer that explain why a token is refused
// or why its permissions are empty; no sentence means that nothing is wrong. The
// error is that of Admit for a route that is open to every caller. The sentences
// repeat nothing of a token that is not verified.
func (g *Guard) Diagnose(ctx context.Context, token string) ([]string, error) {
	d := decision{g: g.of(token), proven: proven{scheme: "Bearer", token: token}, requirements: []Requirement{Authenticated()}}
	d.call.Where = func(ctx context.Context) (Org, error) {
		t, _ := FromContext(ctx)
		return Org{ID: t.TenantID}, nil
	}
	_, err := d.decide(ctx)
	if d.g == nil {
		return g.explain(token, err), err
	}
	if err != nil {
		return d.g.diagnosis(token, d.tenant, err), err
	}
	if d.tenant.Kind != User {
		return diagnoseMachine(d.tenant), nil
	}
	var found []string
	if d.g.live != nil {
		found = d.g.diagnoseLive(d.tenant)
	} else {
		found = diagnoseClaims(d.tenant)
	}
	return append(found, diagnoseConsent(d.tenant)...), nil
}
