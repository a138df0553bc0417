package state

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const (
	logoutEvent         = "http://schemas.openid.net/event/backchannel-logout"
	logoutTokenLifetime = 2 * time.Minute
	logoutTimeout       = 10 * time.Second // For an application to answer.
)

// backChannelLogout tells the applications of a session that it has ended
// (OpenID Connect Back-Channel Logout 1.0): those that have a URL for it and
// asked to hear of this initiator. It does not wait for them. The caller holds
// the mutex.
func (t *Tenant) backChannelLogout(s *Session, initiator string) {
	now := t.Now()
	for _, id := range s.Clients {
		app := t.App(id)
		if app == nil || !app.wants(initiator) {
			continue
		}
		claims := map[string]any{
			"iss": s.Issuer, "sub": s.UserID, "aud": app.ID, "sid": s.ID,
			"iat": now.Unix(), "exp": now.Add(logoutTokenLifetime).Unix(),
			"jti": store.RandomID(22), "trace_id": store.RandomID(16),
			"events": map[string]any{logoutEvent: map[string]any{}},
		}
		f := LogFields{ClientID: app.ID, ClientName: app.Name, UserID: s.UserID, Details: map[string]any{
			"initiator": initiator, "session_id": s.ID,
		}}
		for _, to := range app.backChannel {
			go t.deliverLogout(to, claims, f)
		}
	}
}

// deliverLogout sends one logout token and logs how that went.
func (t *Tenant) deliverLogout(to string, claims map[string]any, f LogFields) {
	ctx, cancel := context.WithTimeout(context.Background(), logoutTimeout)
	defer cancel()
	err := t.sendLogout(ctx, to, t.Keys.Sign(nil, claims))
	t.Lock()
	defer t.Unlock()
	if err != nil {
		f.Description = err.Error()
		t.Log("oidc_backchannel_logout_failed", f)
		return
	}
	t.Log("oidc_backchannel_logout_succeeded", f)
}

func (t *Tenant) sendLogout(ctx context.Context, to, token string) error {
	form := url.Values{"logout_token": {token}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form))
	if err != nil {
		return fmt.Errorf("the URL of the application is not one: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := t.Outgoing().RoundTrip(r)
	if err != nil {
		return fmt.Errorf("the application cannot be reached: %w", err)
	}
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the application answered %d", res.StatusCode)
	}
	return nil
}

// Outgoing is how the tenant reaches others.
func (t *Tenant) Outgoing() http.RoundTripper {
	if t.Options.Outgoing != nil {
		return t.Options.Outgoing
	}
	return http.DefaultTransport
}
