package management

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

func TestMFA(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var sent []string
	keep := func(status int, answer any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			sent = append(sent, strings.TrimSpace(string(body)))
			if answer == nil {
				w.WriteHeader(status)
				return
			}
			reply(w, status, answer)
		}
	}
	method := map[string]any{"id": "totp|dev_1", "type": "totp", "name": "phone", "confirmed": true, "created_at": "2026-01-02T03:04:05.678Z"}
	s.handle("GET guardian/factors", keep(200, []any{map[string]any{"name": "otp", "enabled": true}, map[string]any{"name": "sms", "enabled": false}}))
	s.handle("PUT guardian/factors/{name}", keep(200, map[string]any{"enabled": true}))
	s.handle("POST guardian/enrollments/ticket", keep(200, map[string]any{"ticket_id": "T", "ticket_url": "https://tenant/mfa?ticket=T"}))
	s.handle("GET users/{id}/authentication-methods", keep(200, map[string]any{"authenticators": []any{method}, "start": 0, "limit": 100}))
	s.handle("POST users/{id}/authentication-methods", keep(201, method))
	s.handle("DELETE users/{id}/authentication-methods/{method}", keep(204, nil))
	s.handle("DELETE users/{id}/authenticators", keep(204, nil))
	s.handle("POST users/{id}/recovery-code-regeneration", keep(200, map[string]any{"recovery_code": "32YCGV1JUE9G7MDJ71UTN12W"}))
	s.handle("POST users/{id}/multifactor/actions/invalidate-remember-browser", keep(204, nil))
	c, ctx := s.client(), t.Context()

	factors, err := c.Factors(ctx)
	if err != nil || !slices.Equal(factors, []resource.Factor{{Name: "otp", Enabled: true}, {Name: "sms"}}) {
		t.Errorf("%v, %v", factors, err)
	}
	if err := c.SetFactor(ctx, "otp", true); err != nil {
		t.Error(err)
	}
	ticket, err := c.CreateEnrollmentTicket(ctx, "auth0|1", "otp")
	if err != nil || ticket.ID != "T" || ticket.URL == "" {
		t.Errorf("%v, %v", ticket, err)
	}
	want := resource.AuthenticationMethod{ID: "totp|dev_1", Type: "totp", Name: "phone", Confirmed: true, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	methods, err := c.AuthenticationMethods(ctx, "auth0|1")
	if err != nil || len(methods) != 1 || methods[0] != want {
		t.Errorf("%v, %v", methods, err)
	}
	made, err := c.CreateAuthenticationMethod(ctx, "auth0|1", resource.NewAuthenticationMethod{Type: "totp", TOTPSecret: "JBSWY3DP", Name: "phone"})
	if err != nil || *made != want {
		t.Errorf("%v, %v", made, err)
	}
	recovery, err := c.RegenerateRecoveryCode(ctx, "auth0|1")
	if err != nil || recovery != "32YCGV1JUE9G7MDJ71UTN12W" {
		t.Errorf("%v, %v", recovery, err)
	}
	for _, err := range []error{
		c.DeleteAuthenticationMethod(ctx, "auth0|1", "totp|dev_1"), c.DeleteAuthenticators(ctx, "auth0|1"), c.InvalidateRememberedBrowsers(ctx, "auth0|1"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	wantSent := []string{
		"", `{"enabled":true}`, `{"user_id":"auth0|1","factor":"otp","allow_multiple_enrollments":true}`,
		"", `{"type":"totp","name":"phone","totp_secret":"JBSWY3DP"}`, "", "", "", "",
	}
	if !slices.Equal(sent, wantSent) {
		t.Errorf("sent %q", sent)
	}
}

func TestRevocationsAndTickets(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	accepted := func(w http.ResponseWriter, r *http.Request) { reply(w, 202, map[string]any{}) }
	s.handle("POST sessions/{id}/revoke", accepted)
	s.handle("POST users/{id}/revoke-access", accepted)
	s.handle("DELETE users/{id}/refresh-tokens", accepted)
	var ticket, job map[string]any
	s.handle("POST tickets/password-change", func(w http.ResponseWriter, r *http.Request) {
		ticket = bodyOf(t, r)
		reply(w, 201, map[string]any{"ticket": "https://tenant/u/reset-password?ticket=x#"})
	})
	s.handle("POST jobs/verification-email", func(w http.ResponseWriter, r *http.Request) {
		job = bodyOf(t, r)
		reply(w, 201, map[string]any{"id": "job_1", "status": "pending"})
	})
	c, ctx := s.client(), t.Context()
	for _, err := range []error{c.RevokeSession(ctx, "sid"), c.RevokeAccess(ctx, "auth0|1"), c.RevokeRefreshTokens(ctx, "auth0|1"), c.SendVerificationEmail(ctx, "auth0|1")} {
		if err != nil {
			t.Error(err)
		}
	}
	url, err := c.PasswordTicket(ctx, "auth0|1", time.Hour)
	if err != nil || url != "https://tenant/u/reset-password?ticket=x#" {
		t.Errorf("%s, %v", url, err)
	}
	if ticket["ttl_sec"] != 3600. || ticket["user_id"] != "auth0|1" || job["user_id"] != "auth0|1" {
		t.Errorf("sent %v and %v", ticket, job)
	}
	if _, err := c.PasswordTicket(ctx, "auth0|1", -1); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var created, updated map[string]any
	one := map[string]any{
		"id": "act-1", "name": "shim", "code": "x", "status": "built", "supported_triggers": []any{map[string]any{"id": "post-login", "version": "v3"}},
		"secrets": []any{map[string]any{"name": "KEY", "updated_at": "2026-01-02T03:04:05Z"}}, "deployed_version": map[string]any{"id": "ver-1"}, "all_changes_deployed": true,
	}
	s.handle("GET actions/actions", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("triggerId") != "post-login" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		reply(w, 200, map[string]any{"actions": []any{one}, "total": 1, "per_page": 100})
	})
	s.handle("POST actions/actions", func(w http.ResponseWriter, r *http.Request) { created = bodyOf(t, r); reply(w, 201, one) })
	s.handle("PATCH actions/actions/{id}", func(w http.ResponseWriter, r *http.Request) { updated = bodyOf(t, r); reply(w, 200, one) })
	s.handle("DELETE actions/actions/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	c, ctx := s.client(), t.Context()

	want := resource.Action{ID: "act-1", Name: "shim", Trigger: "post-login", Code: "x", Status: "built", Version: "ver-1", Secrets: map[string]string{"KEY": ""}}
	all, err := c.Actions(ctx, "post-login")
	if err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Errorf("%v, %v", all, err)
	}
	made, err := c.CreateAction(ctx, resource.Action{Name: "shim", Code: "x", Secrets: map[string]string{"KEY": "k", "A": "a"}})
	if err != nil || !reflect.DeepEqual(*made, want) {
		t.Errorf("%v, %v", made, err)
	}
	if !reflect.DeepEqual(created, map[string]any{
		"name": "shim", "code": "x", "supported_triggers": []any{map[string]any{"id": "post-login", "version": "v3"}},
		"secrets": []any{map[string]any{"name": "A", "value": "a"}, map[string]any{"name": "KEY", "value": "k"}},
	}) {
		t.Errorf("created %v", created)
	}
	if _, err := c.UpdateAction(ctx, "act-1", resource.Action{Code: "y"}); err != nil || !reflect.DeepEqual(updated, map[string]any{"code": "y"}) {
		t.Errorf("updated %v, %v", updated, err)
	}
	if err := c.DeleteAction(ctx, "act-1"); err != nil {
		t.Error(err)
	}
	if _, err := c.CreateAction(ctx, resource.Action{Name: "shim"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
}

func TestActionVersionsAndBindings(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	version := map[string]any{"id": "ver-2", "number": 2, "deployed": true, "created_at": "2026-01-02T03:04:05Z"}
	deploy := func(w http.ResponseWriter, r *http.Request) { reply(w, 200, version) }
	s.handle("POST actions/actions/{id}/deploy", deploy)
	s.handle("POST actions/actions/{id}/versions/{version}/deploy", deploy)
	s.handle("GET actions/actions/{id}/versions", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"versions": []any{version}, "total": 1})
	})
	s.handle("GET actions/triggers/{trigger}/bindings", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"bindings": []any{map[string]any{"id": "b", "display_name": "Shim", "action": map[string]any{"id": "act-1"}}}, "total": 1})
	})
	var bound map[string]any
	s.handle("PATCH actions/triggers/{trigger}/bindings", func(w http.ResponseWriter, r *http.Request) {
		bound = bodyOf(t, r)
		reply(w, 200, map[string]any{"bindings": []any{}})
	})
	c, ctx := s.client(), t.Context()

	want := resource.ActionVersion{ID: "ver-2", Number: 2, Deployed: true, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	deployed, err := c.DeployAction(ctx, "act-1")
	if err != nil || *deployed != want {
		t.Errorf("%v, %v", deployed, err)
	}
	if deployed, err = c.DeployActionVersion(ctx, "act-1", "ver-2"); err != nil || *deployed != want {
		t.Errorf("%v, %v", deployed, err)
	}
	versions, err := c.ActionVersions(ctx, "act-1")
	if err != nil || !slices.Equal(versions, []resource.ActionVersion{want}) {
		t.Errorf("%v, %v", versions, err)
	}
	bindings, err := c.Bindings(ctx, "post-login")
	if err != nil || !slices.Equal(bindings, []resource.Binding{{ActionID: "act-1", Name: "Shim"}}) {
		t.Errorf("%v, %v", bindings, err)
	}
	if err := c.SetBindings(ctx, "post-login", bindings); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(bound, map[string]any{"bindings": []any{map[string]any{
		"ref": map[string]any{"type": "action_id", "value": "act-1"}, "display_name": "Shim",
	}}}) {
		t.Errorf("bound %v", bound)
	}
	if err := c.SetBindings(ctx, "post-login", nil); err != nil || len(bound["bindings"].([]any)) != 0 {
		t.Errorf("bound %v, %v", bound, err)
	}
}
